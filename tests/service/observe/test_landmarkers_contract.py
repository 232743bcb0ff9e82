"""What every Landmarker does, whichever library is behind it."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from service.media.upright import Pixels
from service.observe.landmarker import Landmarker, LandmarkFrame
from service.observe.landmarkers import build_engine, build_mediapipe
from service.observe.request import LandmarkRequest
from tests.media_made import drawn_face, drawn_hand
from tests.mediapipe_reference import need_mediapipe

REQUESTS = {
    "hands": LandmarkRequest("hands", ("hand",)),
    "hands lite": LandmarkRequest("hands", ("hand",), complexity=0),
    "two hands": LandmarkRequest("hands", ("left_hand", "right_hand"), max_hands=2),
    "selfie": LandmarkRequest("hands", ("hand",), selfie=True),
    "holistic": LandmarkRequest("holistic", ("pose", "face", "left_hand", "right_hand")),
    "holistic lite": LandmarkRequest("holistic", ("pose", "left_hand", "right_hand"), complexity=0),
    "face mesh": LandmarkRequest("face_mesh", ("face", "face")),
    "without face": LandmarkRequest("holistic", ("pose", "left_hand", "right_hand")),
}
HANDS = [drawn_hand(320, 240, at=(0.4 + 0.02 * step, 0.6), size=0.9) for step in range(4)]
PICTURES = [drawn_face(at=(0.75, 0.35), size=0.6, on=hand) for hand in HANDS]
EMPTY = np.zeros((240, 320, 3), np.uint8)

pytestmark = pytest.mark.filterwarnings("ignore")  # what MediaPipe's imports and protobuf warn of is not ours


LIBRARIES = ("mediapipe", "engine", "robust engine")


def build(library: str, name: str) -> Landmarker:
    """A landmarker of a library for one of the requests."""
    if library == "mediapipe":
        need_mediapipe()
        return build_mediapipe(REQUESTS[name])
    return build_engine(replace(REQUESTS[name], mode="robust") if library == "robust engine" else REQUESTS[name])


@pytest.fixture(scope="module", params=[(library, name) for library in LIBRARIES for name in REQUESTS], ids=str)
def landmarker(request: pytest.FixtureRequest) -> Iterator[Landmarker]:
    built = build(*request.param)
    yield built
    built.close()


def arrays(frame: LandmarkFrame) -> list[bytes]:
    found = [hand.landmarks for hand in frame.hands] + list(frame.faces)
    found += [] if frame.pose is None else [frame.pose]
    return [part.tobytes() for part in found] + [f"{hand.side} {hand.confidence}".encode() for hand in frame.hands]


def watch(landmarker: Landmarker, pictures: list[Pixels]) -> list[list[bytes]]:
    landmarker.reset()
    return [arrays(landmarker.detect(picture)) for picture in pictures]


def test_landmarks_are_float32_of_four_axes(landmarker: Landmarker) -> None:
    landmarker.reset()
    for picture in PICTURES:
        frame = landmarker.detect(picture)
        assert len({hand.side for hand in frame.hands} | {"left", "right"}) == 2
        for hand in frame.hands:
            assert hand.landmarks.shape == (21, 4)
            assert hand.landmarks.dtype == np.float32
            assert 0 <= hand.confidence <= 1
        for part, points in ((frame.pose, 33), (frame.face, 468)):
            assert part is None or part.shape == (points, 4)
            assert part is None or part.dtype == np.float32


def test_nothing_is_seen_in_an_empty_picture(landmarker: Landmarker) -> None:
    landmarker.reset()
    assert landmarker.detect(EMPTY) == LandmarkFrame()


def test_the_same_medium_twice_gives_the_same_bits(landmarker: Landmarker) -> None:
    assert watch(landmarker, PICTURES) == watch(landmarker, PICTURES)


def test_nothing_of_one_medium_is_left_in_the_next(landmarker: Landmarker) -> None:
    alone = watch(landmarker, PICTURES)
    watch(landmarker, [picture[:, ::-1].copy() for picture in PICTURES])
    assert watch(landmarker, PICTURES) == alone


def test_the_size_may_change_between_media(landmarker: Landmarker) -> None:
    alone = watch(landmarker, PICTURES)
    watch(landmarker, [drawn_hand(480, 640)])
    assert watch(landmarker, PICTURES) == alone


@pytest.mark.usefixtures("mediapipe")
def test_closing_mediapipe_is_the_end() -> None:
    built = build_mediapipe(REQUESTS["hands"])
    built.close()
    with pytest.raises(ValueError, match="None"):
        built.detect(EMPTY)


@pytest.mark.parametrize(
    ("name", "mirrored", "side"),
    [
        ("hands", False, "right"),
        ("hands", True, "left"),
        ("two hands", False, "right"),
        ("hands lite", False, "right"),
        ("selfie", True, "right"),
    ],
)
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_right_hand_is_the_persons_own_right(library: str, name: str, mirrored: bool, side: str) -> None:
    built = build(library, name)
    picture = PICTURES[0][:, ::-1].copy() if mirrored else PICTURES[0]
    hands = built.detect(picture).hands
    built.close()
    assert [hand.side for hand in hands] == [side]
