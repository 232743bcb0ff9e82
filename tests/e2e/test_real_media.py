"""Real videos and pictures: each gets an answer that rests on plausible evidence."""

from pathlib import Path

import pytest

from tests.running import RunningService

HANDLESS = ("faces/", "noface/", "heic/arrow")
# quick two-handed words: MediaPipe loses a fast hand, and more so at the model's sampling rate than at 30 a second
QUICK = ("avatar/words/", "sentences/words")


def test_every_video_and_picture_is_answered_with_plausible_evidence(service: RunningService, testdata: Path) -> None:
    media = [path for path in sorted((testdata / "videos").rglob("*")) if path.suffix in _SUFFIXES]
    assert len(media) > 60
    wrong = []
    for path in media:
        name = str(path.relative_to(testdata / "videos"))
        response = service.predict(path)
        if response.status_code != 200:
            wrong.append((name, response.text))
            continue
        evidence = response.json()["evidence"]
        share = evidence["hand_frames"] / evidence["frames_sampled"]
        least = 0.0 if name.startswith(HANDLESS) else 0.1 if name.startswith(QUICK) else 0.4
        most = 0.1 if name.startswith(HANDLESS) else 1.0
        if not least <= share <= most:
            wrong.append((name, share))
    assert wrong == []


_SUFFIXES = {".mp4", ".webm", ".gif", ".heic", ".jpg"}


@pytest.mark.parametrize("name", ["avatar_a_orientation1", "avatar_b_orientation6", "avatar_y_orientation5"])
def test_heic_and_jpeg_of_one_picture_are_one_answer_whatever_their_orientation(
    service: RunningService, testdata: Path, name: str
) -> None:
    heic, jpeg = (
        service.predict(testdata / "videos" / "heic" / f"{name}{suffix}", return_probabilities=True).json()
        for suffix in (".heic", ".jpg")
    )
    assert heic["top"][0]["class_name"] == jpeg["top"][0]["class_name"]
    assert heic["evidence"] == jpeg["evidence"]
    assert (heic["media"]["width"], heic["media"]["height"]) == (jpeg["media"]["width"], jpeg["media"]["height"])


def test_a_lying_video_with_a_display_matrix_is_answered_as_the_upright_one(
    service: RunningService, testdata: Path
) -> None:
    turned = service.predict(testdata / "videos" / "misc" / "avatar_b_rotated_matrix.mp4").json()
    upright = service.predict(testdata / "videos" / "misc" / "avatar_b_vp9.webm").json()
    assert (turned["media"]["width"], turned["media"]["height"]) == (640, 360)
    assert turned["top"][0]["class_name"] == upright["top"][0]["class_name"] == "B"


@pytest.mark.parametrize("clip", ["rendered/bye_left.mp4", "rendered/abc_light.mp4", "avatar/letters/b.mp4"])
def test_a_mirrored_clip_sent_as_mirrored_shows_the_same_side(
    service: RunningService, testdata: Path, tmp_path: Path, clip: str
) -> None:
    original = testdata / "videos" / clip
    mirrored = _mirrored(original, tmp_path / "mirrored.mp4")
    straight = service.predict(original, clip_duration=2).json()["evidence"]["handedness"]
    assert straight == ("left" if "left" in clip else "right")
    assert service.predict(mirrored, mirrored=True, clip_duration=2).json()["evidence"]["handedness"] == straight


def _mirrored(clip: Path, to: Path) -> Path:
    import av  # noqa: PLC0415 - only here

    with av.open(str(clip)) as source, av.open(str(to), "w") as target:
        video = source.streams.video[0]
        stream = target.add_stream("libx264", rate=video.average_rate, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = video.width, video.height, "yuv420p"
        for frame in source.decode(video=0):
            pixels = frame.to_ndarray(format="rgb24")[:, ::-1].copy()
            target.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        target.mux(stream.encode())
    return to
