"""From a medium to a Track of pictures, with real readers in this process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from service.errors import SignError
from service.media.resize import Resize
from service.media.sampling import EveryNth, Rate
from service.media.upright import Pixels
from service.observe.call import ObserveCall, ObserveResult
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.observe.request import FaceSquare, HandCanvas, HandSquare, LandmarkRequest, PictureRequest
from tests.media_made import MATRICES, call_for, corner_names, corners, drawn_hand, film, signing, stored_as, turned

pytestmark = pytest.mark.filterwarnings("ignore")

Observe = Callable[[ObserveCall], ObserveResult]
ONE_HAND = LandmarkRequest("hands", ("hand",))
C3D = PictureRequest(Resize(w=112, h=112, method="area", library="opencv"), "bgr", yuv="bt601")
SMALL = PictureRequest(Resize(w=16, h=12, method="nearest", library="opencv"))


@pytest.fixture(scope="module")
def look() -> Iterator[Observe]:
    landmarkers = Landmarkers()
    yield lambda call: observe(call, lambda: None, landmarkers)
    landmarkers.close()


def pictures(path: Path, request: PictureRequest, **changes: object) -> ObserveCall:
    return call_for(path, request, **changes)


def authors_frames(path: Path) -> Pixels:
    """The author's loop over OpenCV's frames."""
    capture = cv2.VideoCapture(str(path))
    frames: list[Pixels] = []
    while True:
        there, frame = capture.read()
        if not there:
            return np.stack(frames)
        frames.append(np.asarray(cv2.resize(frame, (112, 112), interpolation=cv2.INTER_AREA), np.uint8))


def test_frames_are_those_of_an_opencv_loop_to_the_level(look: Observe, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 90, 160, 3), np.uint8)
    path = film(tmp_path / "noise.mp4", lambda index: noise[index], frames=12, rate=30)
    track = look(pictures(path, C3D, sampling=EveryNth(every=1))).track
    assert np.array_equal(track.values, authors_frames(path))
    assert track.present.all()
    assert (track.parts, track.handedness, track.side()) == ((), None, None)


@pytest.mark.parametrize("clip", ["misc/avatar_b_vp9.webm", "avatar/letters/b.mp4", "rendered/abc_light.mp4"])
def test_frames_of_real_clips_are_those_of_an_opencv_loop(look: Observe, testdata: Path, clip: str) -> None:
    path = testdata / "videos" / clip
    rate = cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS)
    track = look(pictures(path, C3D, sampling=EveryNth(every=1, fps=rate), duration_s=1.0)).track
    author = authors_frames(path)[: len(track)]
    assert len(track) > 20
    assert np.abs(track.values.astype(int) - author.astype(int)).max() <= 1


def test_a_rate_repeats_the_picture_that_is_shown(look: Observe, tmp_path: Path) -> None:
    path = film(tmp_path / "slow.mp4", lambda index: np.full((48, 64, 3), 40 * index, np.uint8), frames=4, rate=10)
    track = look(pictures(path, SMALL, sampling=Rate(rate=20))).track
    levels = track.values.mean(axis=(1, 2, 3))
    assert len(track) == 8
    assert np.array_equal(levels[::2], levels[1::2])
    assert len(set(levels)) == 4


@pytest.mark.parametrize("orientation", MATRICES)
def test_a_video_comes_upright_or_as_it_is_stored(look: Observe, tmp_path: Path, orientation: int) -> None:
    lying = stored_as(corners(), orientation)
    path = turned(film(tmp_path / "turned.mp4", lambda _: lying, frames=2), MATRICES[orientation])
    shown = {kind: look(pictures(path, PictureRequest(SMALL.resize, orientation=kind))).track for kind in (
        "upright", "as_stored")}  # fmt: skip
    assert corner_names(shown["upright"].values[0]) == "rgbw"
    assert corner_names(shown["as_stored"].values[0]) == corner_names(lying)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_comes_upright_or_as_it_is_stored(look: Observe, tmp_path: Path, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = stored_as(corners(), orientation)
    Image.fromarray(lying).save(tmp_path / "p.png", "PNG", exif=exif)
    upright = look(pictures(tmp_path / "p.png", SMALL)).track
    stored = look(pictures(tmp_path / "p.png", PictureRequest(SMALL.resize, orientation="as_stored"))).track
    assert (corner_names(upright.values[0]), upright.media.width) == ("rgbw", 64)
    assert (corner_names(stored.values[0]), stored.media.width) == (corner_names(lying), lying.shape[1])


def test_mirrored_and_selfie_undo_each_other(look: Observe, tmp_path: Path) -> None:
    Image.fromarray(corners()).save(tmp_path / "p.png")
    for mirrored in (False, True):
        for selfie in (False, True):
            request = PictureRequest(SMALL.resize, selfie=selfie)
            shown = look(pictures(tmp_path / "p.png", request, mirrored=mirrored)).track.values[0]
            assert corner_names(shown) == ("rgbw" if mirrored == selfie else "grwb")


@pytest.mark.parametrize(
    "crop", [HandSquare(1.4, 64), HandCanvas(300, 20, draw=False), HandCanvas(300, 20, draw=True)], ids=str
)
def test_a_crop_follows_the_hand_and_says_where_there_is_none(
    look: Observe, tmp_path: Path, crop: HandSquare | HandCanvas
) -> None:
    def paint(index: int) -> Pixels:
        return drawn_hand(320, 240, at=(0.5, 0.6), size=0.9) if index < 5 else np.full((240, 320, 3), 90, np.uint8)

    path = film(tmp_path / "hand.mp4", paint, frames=10, rate=10)
    request = PictureRequest(Resize(w=64, h=64), "bgr", crop, detector=ONE_HAND)
    track = look(pictures(path, request)).track
    assert track.values.shape == (10, 64, 64, 3)
    assert track.present[:5].all()
    assert not track.present[6:].any()
    assert (track.side(), track.frames_with(("hand",))) == ("right", int(track.present.sum()))
    assert not track.values[~track.present].any()


def test_a_left_hand_is_named_so(look: Observe, tmp_path: Path) -> None:
    request = PictureRequest(Resize(w=64, h=64), crop=HandSquare(1.4, 64), detector=ONE_HAND)
    assert look(pictures(signing(tmp_path / "left.mp4", frames=5, mirrored=True), request)).track.side() == "left"


def test_a_face_is_cropped_where_there_is_one(look: Observe, testdata: Path) -> None:
    detector = LandmarkRequest("holistic", ("face",))
    request = PictureRequest(Resize(w=48, h=48), "grey", FaceSquare(1.2, 64), detector=detector)
    path = testdata / "videos" / "faces" / "sintel_face_close.mp4"
    track = look(pictures(path, request, sampling=Rate(rate=2), duration_s=3.0)).track
    assert track.values.shape[1:] == (48, 48, 1)
    assert track.present.any()
    assert (track.frames_with(("face",)), track.frames_with(("hand",))) == (int(track.present.sum()), 0)


def test_pixels_beyond_the_limit_are_refused_by_the_header(look: Observe, signing_clip: Path) -> None:
    limits = call_for(signing_clip).limits
    few = type(limits)(limits.frame_pixels, limits.seconds, limits.frames, 5 * SMALL.kept_bytes)
    with pytest.raises(SignError) as caught:
        look(pictures(signing_clip, SMALL, limits=few))
    assert (caught.value.code, caught.value.limit) == ("too-many-frames", 5 * SMALL.kept_bytes)


@pytest.fixture
def signing_clip(tmp_path: Path) -> Path:
    return signing(tmp_path / "clip.mp4", frames=8)
