"""Faces: found, confirm_faces, cut out; a hand is none. On real pictures, films and the rendered hands."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from service.media.resize import Resize
from service.media.sampling import Rate
from service.media.upright import Pixels
from service.observe.face_crop import crop_faces
from service.observe.landmarker import FaceBox
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.observe.request import FaceRequest, LandmarkRequest
from service.track import Track, Window
from tests.media_made import call_for, corners, film
from tests.mediapipe_reference import need_mediapipe

pytestmark = pytest.mark.filterwarnings("ignore")  # what MediaPipe's imports and protobuf warn of is not ours

SMALL = Resize(w=24, h=32, library="pillow")
ONE, THREE = FaceRequest(SMALL), FaceRequest(SMALL, count=3)


@pytest.fixture(scope="module")
def landmarkers() -> Iterator[Landmarkers]:
    kept = Landmarkers()
    yield kept
    kept.close()


@pytest.fixture(scope="module")
def head(testdata: Path, landmarkers: Landmarkers) -> Pixels:
    """The avatar's head with some space around it."""
    picture = np.asarray(Image.open(testdata / "videos" / "heic" / "avatar_a_orientation1.jpg").convert("RGB"))
    with landmarkers.borrow(ONE.detector) as detector:
        x, y, w, h = detector.detect(picture).face_boxes[0].box
    height, width = picture.shape[:2]
    column, row, reach = int((x + w / 2) * width), int((y + h / 2) * height), int(1.1 * w * width)
    return np.ascontiguousarray(picture[max(0, row - reach) : row + reach, column - reach : column + reach])


def seen(path: Path, landmarkers: Landmarkers, request: FaceRequest | LandmarkRequest, **changes: object) -> Track:
    call = call_for(path, request, sampling=Rate(rate=2), **changes)
    return observe(call, lambda: None, landmarkers).track


def shown(picture: Pixels, folder: Path, landmarkers: Landmarkers, request: FaceRequest) -> Track:
    Image.fromarray(picture).save(folder / "picture.png")
    return seen(folder / "picture.png", landmarkers, request)


@pytest.mark.parametrize(
    ("clip", "least", "most"),
    [
        ("avatar/letters/a.mp4", 1.0, 1.0),
        ("avatar/words/thank_you.mp4", 1.0, 1.0),
        ("avatar/words/happy.mp4", 1.0, 1.0),
        ("sentences/spell_abc.mp4", 1.0, 1.0),
        ("faces/sintel_face_close.mp4", 0.5, 1.0),
        ("faces/sintel_face_girl.mp4", 0.5, 0.9),
        ("noface/sintel_dunes_noface.mp4", 0.0, 0.0),
        *[(f"rendered/{name}.mp4", 0.0, 0.0) for name in ("abc_light", "alphabet_12fps", "jz_light", "y5_brown")],
    ],
)
def test_a_face_is_seen_in_real_clips_and_a_hand_is_none(
    testdata: Path, landmarkers: Landmarkers, clip: str, least: float, most: float
) -> None:
    track = seen(testdata / "videos" / clip, landmarkers, ONE)
    share = track.present.mean()
    assert least <= share <= most
    assert track.frames_with(("face",)) == track.present.sum()
    assert track.boxes is not None
    assert track.faces is not None
    assert track.boxes.shape == (len(track), 4)
    assert np.array_equal(np.isfinite(track.boxes).all(axis=1), track.present)
    assert np.array_equal(track.faces, track.present.astype(int))
    assert not track.values[~track.present].any()
    assert track.values[track.present].std(axis=(1, 2, 3, 4)).min(initial=99) > 1


def test_photographs_of_hands_show_no_face(testdata: Path, landmarkers: Landmarkers) -> None:
    photographs = sorted((testdata / "pictures" / "hands").glob("*.jpg"))
    assert len(photographs) == 33
    assert not any(seen(path, landmarkers, ONE).present.any() for path in photographs)


@pytest.mark.usefixtures("mediapipe")
def test_the_detector_alone_takes_some_of_these_hands_for_faces(testdata: Path) -> None:
    """What the mesh is for: without it the two tests above could not fail."""
    from mediapipe.python.solutions.face_detection import FaceDetection  # noqa: PLC0415

    with FaceDetection(min_detection_confidence=0.5) as detector:
        pictures = (np.asarray(Image.open(path)) for path in sorted((testdata / "pictures" / "hands").glob("*.jpg")))
        assert sum(bool(detector.process(picture).detections) for picture in pictures) > 5


def test_several_faces_are_kept_the_largest_first(tmp_path: Path, head: Pixels, landmarkers: Landmarkers) -> None:
    small = np.asarray(Image.fromarray(head).resize((head.shape[1] * 2 // 3, head.shape[0] * 2 // 3)))
    both = np.full((head.shape[0], head.shape[1] * 2, 3), 90, np.uint8)
    both[: small.shape[0], : small.shape[1]] = small
    both[:, head.shape[1] :] = head
    track = shown(both, tmp_path, landmarkers, THREE)
    assert track.boxes is not None
    assert track.faces is not None
    assert track.faces.tolist() == [2]
    assert track.boxes[0, 0] > 0.5
    assert track.values.shape == (1, 3, 32, 24, 3)
    assert track.values[0, :2].std(axis=(1, 2, 3)).min() > 5
    assert not track.values[0, 2].any()
    assert not track.warnings
    first = shown(both, tmp_path, landmarkers, ONE)
    assert np.array_equal(first.values[0, 0], track.values[0, 0])
    assert first.warnings == ("More than one face is seen; the largest is looked at.",)


def test_more_faces_than_are_kept_are_warned_of(tmp_path: Path, head: Pixels, landmarkers: Landmarkers) -> None:
    track = shown(np.tile(head, (2, 2, 1)), tmp_path, landmarkers, THREE)
    assert track.faces is not None
    assert track.faces.tolist() == [3]
    assert track.warnings == ("More than 3 faces are seen; the 3 largest are looked at.",)


def test_the_crop_is_the_box_in_whole_pixels_by_pillow(tmp_path: Path, head: Pixels, landmarkers: Landmarkers) -> None:
    track = shown(head, tmp_path, landmarkers, ONE)
    assert track.boxes is not None
    x, y, w, h = (float(number) for number in track.boxes[0])
    height, width = head.shape[:2]
    cut = Image.fromarray(head[int(y * height) : int((y + h) * height), int(x * width) : int((x + w) * width)])
    assert np.abs(track.values[0, 0] - np.asarray(cut.resize((24, 32), Image.Resampling.BILINEAR), int)).max() <= 1


def test_a_margin_takes_in_more_and_ends_at_the_border(head: Pixels) -> None:
    face = FaceBox((0.5, 0.25, 0.5, 0.5), ((0.6, 0.4), (0.8, 0.4)), 1.0)
    picture = np.ascontiguousarray(head[:200, :200])
    whole = Resize(w=150, h=120, method="nearest", library="opencv")
    ((_, made),) = crop_faces(picture, (face,), FaceRequest(whole, margin=0.1))
    wide = picture[40:160, 90:200]
    places = (np.arange(150) * 110 / 150).astype(int)
    assert np.array_equal(made, wide[:, places])


def test_levelled_eyes_lie_on_one_line(tmp_path: Path, head: Pixels, landmarkers: Landmarkers) -> None:
    turned = np.asarray(
        Image.fromarray(head).rotate(25, resample=Image.Resampling.BILINEAR, fillcolor=(90, 90, 90)), np.uint8
    )
    slopes = {}
    for level in (False, True):
        request = FaceRequest(Resize(w=256, h=256, library="opencv"), margin=0.3, level=level)
        crop = np.ascontiguousarray(shown(turned, tmp_path, landmarkers, request).values[0, 0])
        with landmarkers.borrow(request.detector) as detector:
            (x0, y0), (x1, y1) = detector.detect(crop).face_boxes[0].eyes
        slopes[level] = np.degrees(np.arctan2(y1 - y0, x1 - x0))
    assert abs(slopes[False]) > 20
    assert abs(slopes[True]) < 6


def test_a_picture_of_a_faces_size_is_taken_whole(tmp_path: Path, landmarkers: Landmarkers) -> None:
    request = FaceRequest(Resize(w=64, h=48, method="nearest", library="opencv"), count=2, whole_up_to=64)
    track = shown(corners(), tmp_path, landmarkers, request)
    assert track.present.all()
    assert np.array_equal(track.values[0, 0], corners())
    assert track.boxes is not None
    assert track.boxes[0].tolist() == [0, 0, 1, 1]
    assert not shown(corners(65, 48), tmp_path, landmarkers, request).present.any()


def test_grey_and_bgr_are_the_authors(tmp_path: Path, landmarkers: Landmarkers) -> None:
    for color, wanted in (("grey", [76]), ("bgr", [0, 0, 255])):
        request = FaceRequest(Resize(w=64, h=48, library="opencv"), color=color, whole_up_to=64)  # type: ignore[arg-type]
        track = shown(corners(), tmp_path, landmarkers, request)
        assert track.values[0, 0, 4, 4].tolist() == wanted


def test_a_frame_shown_longer_is_looked_at_once(tmp_path: Path, head: Pixels, landmarkers: Landmarkers) -> None:
    even = np.ascontiguousarray(head[: head.shape[0] // 2 * 2, : head.shape[1] // 2 * 2])
    path = film(tmp_path / "still.mp4", lambda _: even, frames=2, rate=1)
    track = seen(path, landmarkers, THREE)
    assert track.present.tolist() == [True] * 4
    assert np.array_equal(track.values[0], track.values[1])
    part = track.cut(Window(0.4, 1.1))
    assert part.boxes is not None
    assert part.boxes.shape == (2, 4)


def test_pictures_and_landmarks_are_of_the_same_face(testdata: Path, landmarkers: Landmarkers) -> None:
    clip = testdata / "videos" / "faces" / "sintel_face_girl.mp4"
    points = seen(clip, landmarkers, LandmarkRequest("face_mesh", ("face",)))
    pictures = seen(clip, landmarkers, ONE)
    assert pictures.boxes is not None
    assert np.array_equal(points.present, pictures.present)
    center = points.part("face")[points.present, :, :2].mean(axis=1)
    corner, size = pictures.boxes[pictures.present, :2], pictures.boxes[pictures.present, 2:]
    assert ((corner < center) & (center < corner + size)).all()


def test_every_frame_is_looked_at_by_itself(testdata: Path, landmarkers: Landmarkers) -> None:
    """Whatever was seen before it: so parts, jobs and whole videos give the same boxes."""
    clip = testdata / "videos" / "faces" / "sintel_face_close.mp4"
    whole = seen(clip, landmarkers, ONE)
    late = seen(clip, landmarkers, ONE, start_s=1.5)
    assert late.boxes is not None
    assert whole.boxes is not None
    assert np.array_equal(late.boxes, whole.boxes[whole.times_s >= 1.5], equal_nan=True)


def test_each_mesh_confirms_one_box() -> None:
    need_mediapipe()
    from service.observe.face_mesh import confirm_faces  # noqa: PLC0415 - there is no MediaPipe for every Python

    def detection(x: float) -> SimpleNamespace:
        box = SimpleNamespace(xmin=x, ymin=0.2, width=0.2, height=0.2)
        eyes = [SimpleNamespace(x=x + 0.15, y=0.3), SimpleNamespace(x=x + 0.05, y=0.3)]
        place = SimpleNamespace(relative_bounding_box=box, relative_keypoints=eyes)
        return SimpleNamespace(score=[0.9], location_data=place)

    mesh = np.full((468, 4), 0.3, np.float32)
    faces = confirm_faces([detection(0.7), detection(0.2), detection(0.21)], [mesh])
    assert [box.box[0] for box, _ in faces] == [0.2]
    assert faces[0][0].eyes[0][0] < faces[0][0].eyes[1][0]
