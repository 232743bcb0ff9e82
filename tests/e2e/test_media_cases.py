"""Media on which the service once was wrong: each is answered as a person who watches it would, or refused in words."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.media_made import film
from tests.running import SAMPLES, RunningService

CASES = Path(__file__).parents[1] / "data" / "media"
FRAME_S = 1 / 30


def timeline(service: RunningService, path: Path, **options: object) -> dict[str, Any]:
    response = service.client.post("/timeline", content=path.read_bytes(), params=options)  # type: ignore[arg-type]
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("A_sar1611_pal.mp4", (320, 240)),
        ("A_sar43.mp4", (320, 240)),
        ("A_thumbfirst_default2.mkv", (320, 240)),
        ("A_lowres_first.mp4", (320, 240)),
        ("mj_exif.avi", (320, 240)),
    ],
)
def test_an_a_is_an_a_however_it_is_packed(service: RunningService, name: str, size: tuple[int, int]) -> None:
    answer = service.predict(CASES / name).json()
    assert answer["predicted_class_name"] == "A"
    assert (answer["media"]["width"], answer["media"]["height"]) == size


@pytest.mark.parametrize(
    ("name", "transcript", "starts_s", "ends_s", "warning"),
    [
        ("CABFLY_concat.ts", "CABFLY", 0.0, 6.8, "begin anew"),
        ("CAB_cat.webm", "CAB", 0.0, 3.4, "begin anew"),
        ("CABFLY_jump1000.ts", "CABFLY", 0.0, 1003.333, "leap"),
        ("CAB_start5.mp4", "CAB", 5.0, 8.4, None),
        ("CAB_start30.webm", "CAB", 30.0, 33.4, None),
        ("CAB_tfdt100.mp4", "CAB", 1 / 15, 3.4 + 1 / 15, None),
        ("CAB_longaudio.mkv", "CAB", 0.023, 3.423, None),
        ("CAB_midpacket.ts", "CAB", 0.0, 3.4, None),
        ("CAB.webp", "CAB", 0.0, 3.4, None),
    ],
)
@pytest.mark.parametrize("way", ["at once", "as a job"])
def test_a_word_is_read_when_players_show_it(
    service: RunningService, way: str, name: str, transcript: str, starts_s: float, ends_s: float, warning: str | None
) -> None:
    if way == "at once":
        answer = timeline(service, CASES / name)
    else:
        job = service.client.post("/jobs/timeline", content=(CASES / name).read_bytes())
        service.client.get(f"/jobs/{job.json()['id']}/events")  # ends with the job
        answer = service.client.get(f"/jobs/{job.json()['id']}/result").json()
    assert answer["transcript"] == transcript
    assert answer["media"]["start_time"] == pytest.approx(starts_s, abs=1e-3)
    assert answer["media"]["duration"] == pytest.approx(ends_s, abs=2 * FRAME_S)
    first, last = answer["segments"][0], answer["segments"][-1]
    assert starts_s - 1e-6 <= first["start_time"] < starts_s + 1
    assert ends_s - 1 < last["end_time"] <= ends_s + 1.1 * FRAME_S
    said = " ".join(answer["warnings"])
    assert warning in said if warning else said == ""


def test_a_leap_of_the_timestamps_is_a_gap_and_not_a_long_video(service: RunningService) -> None:
    answer = timeline(service, CASES / "CABFLY_jump1000.ts", return_windows=True)
    (gap,) = answer["gaps"]
    assert gap["start_time"] == pytest.approx(3.4, abs=FRAME_S)
    assert gap["end_time"] == pytest.approx(999.933, abs=FRAME_S)
    assert len(answer["windows"]) < 100
    assert not [one for one in answer["segments"] if 3.5 < one["end_time"] < 999.9]
    highlights = service.client.post("/highlights", content=(CASES / "CABFLY_jump1000.ts").read_bytes()).json()
    assert not [point for point in highlights["tension"] if 3.5 < point["time"] < 999.9]


def test_a_part_is_asked_for_on_the_timeline_that_players_show(service: RunningService) -> None:
    whole = timeline(service, CASES / "CAB_start30.webm")
    b = whole["segments"][-1]
    asked = {"start_time": b["start_time"] + 0.1, "clip_duration": 0.8}
    answer = service.predict(CASES / "CAB_start30.webm", **asked).json()
    assert answer["predicted_class_name"] == "B"
    assert answer["start_time"] == pytest.approx(asked["start_time"])
    early = service.predict(CASES / "CAB_start30.webm", start_time=2, clip_duration=5)
    assert (early.status_code, early.json()["code"]) == (422, "window-empty")
    later = service.predict(CASES / "CABFLY_concat.ts", start_time=3.6, clip_duration=1).json()
    assert later["predicted_class_name"] == "F"


def test_a_picture_too_small_to_hold_a_hand_is_declined(service: RunningService) -> None:
    answer = service.predict(CASES / "X_16x12.png").json()
    assert answer["declined"]
    assert answer["top"] == []
    assert any("16 × 12" in sentence for sentence in answer["warnings"])


@pytest.mark.parametrize("size", [(7680, 4320), (8064, 6048)])
def test_the_largest_pictures_of_cameras_and_phones_are_taken(
    service: RunningService, tmp_path: Path, size: tuple[int, int]
) -> None:
    with Image.open(_still(tmp_path)) as small:
        side = size[1] * 4 // 3
        large = Image.new("RGB", size, small.getpixel((0, 0)))
        large.paste(small.resize((side, size[1]), Image.Resampling.BILINEAR), ((size[0] - side) // 2, 0))
        large.save(tmp_path / "large.jpg", quality=60)
    answer = service.predict(tmp_path / "large.jpg").json()
    assert answer["predicted_class_name"] == "A"
    assert (answer["media"]["width"], answer["media"]["height"]) == size


def test_a_video_of_8k_is_taken(service: RunningService, tmp_path: Path) -> None:
    with Image.open(_still(tmp_path)) as small:
        hand = np.asarray(small.resize((5760, 4320)))
    picture = np.zeros((4320, 7680, 3), np.uint8)
    picture[:, 960:6720] = hand
    path = film(tmp_path / "8k.mp4", lambda _: picture, frames=2, rate=2, options={})
    answer = service.predict(path).json()
    assert (answer["media"]["width"], answer["media"]["height"]) == (7680, 4320)
    assert answer["predicted_class_name"] == "A"


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [("asp_33000x160.png", 413, "picture-too-large"), ("security_limit.heic", 422, "media-corrupt")],
)
def test_what_cannot_be_looked_at_is_refused_on_every_route(
    service: RunningService, name: str, status: int, code: str
) -> None:
    for route in ("/predict", "/timeline", "/highlights"):
        refusal = service.client.post(route, content=(CASES / name).read_bytes())
        assert (refusal.status_code, refusal.json()["code"]) == (status, code)


def _still(folder: Path) -> Path:
    import av  # noqa: PLC0415 - only these pictures need it

    with av.open(str(SAMPLES / "letter_a_right_light.mp4")) as container:
        frames = container.decode(video=0)
        for _ in range(36):
            next(frames)
        Image.fromarray(next(frames).to_ndarray(format="rgb24")).save(folder / "still.png")
    return folder / "still.png"
