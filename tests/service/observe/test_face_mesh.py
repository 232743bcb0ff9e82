"""FaceMesh: faces, and nothing else, each frame for itself."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.media.upright import Pixels
from service.observe.landmarker import Landmarker
from service.observe.landmarkers import Landmarkers, build_mediapipe
from service.observe.observe import observe
from service.observe.request import MOST_FACES, LandmarkRequest
from service.track import PartName, Track
from tests.media_made import call_for, drawn_face, drawn_hand, film
from tests.mediapipe_reference import need_mediapipe

pytestmark = pytest.mark.filterwarnings("ignore")  # what MediaPipe's imports and protobuf warn of is not ours

FACE = LandmarkRequest("face_mesh", ("face",))
ONE_FACE: tuple[PartName, ...] = ("face",)
ALL_FACES = ONE_FACE * MOST_FACES


@pytest.fixture(scope="module")
def face_mesh() -> Iterator[Landmarker]:
    need_mediapipe()
    landmarker = build_mediapipe(FACE)
    yield landmarker
    landmarker.close()


def width_of(face: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    return float(np.ptp(face[:, 0]))


def two_faces() -> Pixels:
    small = drawn_face(640, 320, at=(0.2, 0.5), size=0.6)
    return drawn_face(640, 320, at=(0.7, 0.5), size=0.9, on=small)


def test_the_largest_face_comes_first_wherever_it_is(face_mesh: Landmarker) -> None:
    for picture in (two_faces(), two_faces()[:, ::-1].copy()):
        frame = face_mesh.detect(picture)
        assert len(frame.faces) == 2
        assert width_of(frame.faces[0]) > 1.2 * width_of(frame.faces[1])
        assert frame.face is frame.faces[0]


def test_a_frame_is_seen_alike_whatever_came_before(face_mesh: Landmarker) -> None:
    face = drawn_face(at=(0.6, 0.5))
    alone = face_mesh.detect(face).faces[0]
    for before in (drawn_face(at=(0.4, 0.5)), drawn_hand(), np.zeros((240, 320, 3), np.uint8)):
        face_mesh.detect(before)
        assert np.array_equal(face_mesh.detect(face).faces[0], alone)


@pytest.mark.parametrize("size", [0.7, 0.9, 1.1])
def test_a_drawn_hand_is_no_face(face_mesh: Landmarker, size: float) -> None:
    assert face_mesh.detect(drawn_hand(size=size)).faces == ()


def test_a_hand_close_to_the_camera_is_no_face(face_mesh: Landmarker, testdata: Path) -> None:
    pictures = sorted((testdata / "pictures" / "hands").glob("*.jpg"))
    assert len(pictures) > 30
    taken = [path.name for path in pictures if face_mesh.detect(np.asarray(Image.open(path).convert("RGB"))).faces]
    assert taken == []


def test_a_track_carries_as_many_faces_as_are_asked_for(tmp_path: Path) -> None:
    path = film(tmp_path / "two.mp4", lambda _: two_faces(), frames=4, rate=4)
    landmarkers = Landmarkers()
    try:
        one, several = (
            observe(call_for(path, LandmarkRequest("face_mesh", parts)), lambda: None, landmarkers).track
            for parts in (("face",), ALL_FACES)
        )
    finally:
        landmarkers.close()
    assert present_faces(one) == [1] * len(one)
    assert present_faces(several) == [2] * len(several)
    assert np.array_equal(one.part("face"), several.part("face"))


def present_faces(track: Track) -> list[int]:
    """How many faces each observation shows."""
    seen = [~np.isnan(face[:, 0, 0]) for face in track.part_of_each("face")]
    return [int(count) for count in np.sum(seen, axis=0)]
