"""`.pose` files become Tracks."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_format import Pose
from pose_format.numpy import NumPyPoseBody
from pose_format.pose_header import PoseHeader, PoseHeaderComponent, PoseHeaderDimensions

from service.errors import SignError
from service.media.medium import MediaLimits
from service.media.sampling import EveryNth, Rate
from service.media.sniff import sniff
from service.observe.call import ObserveCall, ObserveResult
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.observe.request import LandmarkRequest
from tests.media_made import call_for

WIDTH, HEIGHT = 640, 480
POINTS = {"POSE_LANDMARKS": 33, "LEFT_HAND_LANDMARKS": 21, "RIGHT_HAND_LANDMARKS": 21, "FACE_LANDMARKS": 468}
HAND = LandmarkRequest("hands", ("hand",))
BODY = LandmarkRequest("holistic", ("pose", "left_hand", "right_hand"))


def pose_bytes(
    components: dict[str, int],
    *,
    frames: int = 10,
    fps: float = 10.0,
    people: int = 1,
    format_: str = "XYZC",
    confidence: np.ndarray | None = None,
    data: np.ndarray | None = None,
) -> bytes:
    """A file whose point p of frame f lies at x = p + f, y = 2p + f, z = 3p pixels, if nothing else is given."""
    parts = [
        PoseHeaderComponent(name, [str(i) for i in range(count)], [], [], format_) for name, count in components.items()
    ]
    total = sum(components.values())
    axes = len(format_) - 1
    if data is None:
        point, frame = np.arange(total), np.arange(frames)
        data = np.zeros((frames, people, total, axes), np.float32)
        data[..., 0] = (point[None] + frame[:, None])[:, None]
        data[..., 1] = (2 * point[None] + frame[:, None])[:, None]
        if axes > 2:
            data[..., 2] = 3 * point
    if confidence is None:
        confidence = np.ones(data.shape[:3], np.float32)
    header = PoseHeader(0.2, PoseHeaderDimensions(WIDTH, HEIGHT), parts)
    written = io.BytesIO()
    Pose(header, NumPyPoseBody(fps, data, confidence)).write(written)
    return written.getvalue()


def look(path: Path, data: bytes, request: LandmarkRequest = HAND, **changes: object) -> ObserveResult:
    path = path / "upload"
    path.write_bytes(data)
    call: ObserveCall = call_for(path, request, **{"sampling": EveryNth(every=1, fps=10), **changes})
    return observe(call, lambda: None, Landmarkers())


def refusal(path: Path, data: bytes, request: LandmarkRequest = HAND, **changes: object) -> SignError:
    with pytest.raises(SignError) as caught:
        look(path, data, request, **changes)
    return caught.value


def test_components_are_found_by_name_in_whatever_order(tmp_path: Path) -> None:
    names = {"RIGHT_HAND_LANDMARKS": 21, "OTHER": 5, "POSE_LANDMARKS": 33, "LEFT_HAND_LANDMARKS": 21}
    data = pose_bytes(names)
    assert sniff(data[:4096]).format == "pose"
    track = look(tmp_path, data, BODY).track
    assert track.parts == ("pose", "left_hand", "right_hand")
    assert track.part("right_hand")[0, 5, 0] == pytest.approx(5 / WIDTH)
    assert track.part("pose")[3, 2, 1] == pytest.approx((2 * 28 + 3) / HEIGHT)
    assert track.part("left_hand")[0, 0, 2] == pytest.approx(3 * 59 / WIDTH)
    assert (track.media.kind, track.media.format) == ("landmarks", "pose")
    assert (track.media.width, track.media.height) == (WIDTH, HEIGHT)
    assert (track.media.duration, track.media.frame_rate) == (1.0, 10.0)
    assert track.times_s == pytest.approx(np.arange(10) / 10)


def test_the_pose_keeps_its_confidence_and_hands_have_none_as_mediapipe_gives_them(tmp_path: Path) -> None:
    confidence = np.full((10, 1, 54), 0.7, np.float32)
    names = {"POSE_LANDMARKS": 33, "LEFT_HAND_LANDMARKS": 21}
    track = look(tmp_path, pose_bytes(names, confidence=confidence), BODY).track
    assert track.part("pose")[..., 3] == pytest.approx(0.7)
    assert (track.part("left_hand")[..., 3] == 0).all()
    assert np.isnan(track.part("right_hand")).all()


def test_without_confidence_a_landmark_is_missing(tmp_path: Path) -> None:
    confidence = np.ones((10, 1, 21), np.float32)
    confidence[3:6] = 0
    track = look(tmp_path, pose_bytes({"LEFT_HAND_LANDMARKS": 21}, confidence=confidence)).track
    assert track.present.tolist() == [True] * 3 + [False] * 3 + [True] * 4
    assert np.isnan(track.values[3:6]).all()


def test_depth_that_is_not_a_number_is_zero(tmp_path: Path) -> None:
    data = np.full((4, 1, 21, 3), 100, np.float32)
    data[..., 2] = np.nan
    track = look(tmp_path, pose_bytes({"LEFT_HAND_LANDMARKS": 21}, data=data)).track
    assert (track.values[..., 2] == 0).all()
    assert track.present.all()


def test_without_depth_it_is_zero(tmp_path: Path) -> None:
    track = look(tmp_path, pose_bytes({"LEFT_HAND_LANDMARKS": 21}, format_="XYC")).track
    assert (track.values[..., 2] == 0).all()


def test_the_first_person_is_taken(tmp_path: Path) -> None:
    data = np.zeros((4, 2, 21, 3), np.float32)
    data[:, 0], data[:, 1] = 64, 320
    track = look(tmp_path, pose_bytes({"LEFT_HAND_LANDMARKS": 21}, data=data, people=2)).track
    assert track.values[..., 0] == pytest.approx(0.1)


@pytest.mark.parametrize(("name", "side"), [("LEFT_HAND_LANDMARKS", "left"), ("RIGHT_HAND_LANDMARKS", "right")])
def test_a_one_hand_layout_takes_the_hand_that_is_there(name: str, side: str, tmp_path: Path) -> None:
    track = look(tmp_path, pose_bytes({name: 21})).track
    assert track.present.all()
    assert track.side() == side
    both = look(tmp_path, pose_bytes({"POSE_LANDMARKS": 33, "LEFT_HAND_LANDMARKS": 21, "RIGHT_HAND_LANDMARKS": 21}))
    assert any("More than one hand" in sentence for sentence in both.track.warnings)


def test_a_mirrored_file_is_flipped_and_keeps_the_persons_sides(tmp_path: Path) -> None:
    data = pose_bytes({"LEFT_HAND_LANDMARKS": 21})
    plain, mirrored = look(tmp_path, data).track, look(tmp_path, data, mirrored=True).track
    assert mirrored.values[..., 0] == pytest.approx(1 - plain.values[..., 0])
    assert plain.side() == mirrored.side() == "left"


def test_selfie_gives_the_body_that_the_author_saw_in_the_mirror(tmp_path: Path) -> None:
    data = pose_bytes({"POSE_LANDMARKS": 33, "LEFT_HAND_LANDMARKS": 21})
    selfie = LandmarkRequest("holistic", BODY.parts, selfie=True)
    plain, seen = look(tmp_path, data, BODY).track, look(tmp_path, data, selfie).track
    assert np.isnan(seen.part("left_hand")).all()
    assert seen.part("right_hand")[..., 0] == pytest.approx(1 - plain.part("left_hand")[..., 0])
    assert seen.part("pose")[:, 11, 0] == pytest.approx(1 - plain.part("pose")[:, 12, 0])
    assert seen.part("pose")[:, [0, 1, 9, 31], 0] == pytest.approx(1 - plain.part("pose")[:, [0, 4, 10, 32], 0])


def test_one_frame_counts_as_a_picture(tmp_path: Path) -> None:
    track = look(tmp_path, pose_bytes({"LEFT_HAND_LANDMARKS": 21}, frames=1, fps=0.0), start_s=3.0).track
    assert (len(track), track.times_s[0], track.media.kind, track.media.duration) == (1, 0.0, "landmarks", None)


def test_sampling_and_the_asked_part_apply(tmp_path: Path) -> None:
    data = pose_bytes({"LEFT_HAND_LANDMARKS": 21}, frames=50, fps=25.0)
    track = look(tmp_path, data, sampling=Rate(rate=5), start_s=0.5, duration_s=1.0).track
    assert track.times_s == pytest.approx([0.6, 0.8, 1.0, 1.2, 1.4])
    assert track.values[:, 0, 0] * WIDTH == pytest.approx([15, 20, 25, 30, 35])
    assert look(tmp_path, data, sampling=EveryNth(every=2, fps=30)).track.warnings


def test_limits_and_empty_parts_are_refused(tmp_path: Path) -> None:
    data = pose_bytes({"LEFT_HAND_LANDMARKS": 21}, frames=50)
    assert refusal(tmp_path, data, start_s=5.0).code == "window-empty"
    assert refusal(tmp_path, data, limits=MediaLimits(10**6, 4.9, 99)).code == "media-too-long"
    assert refusal(tmp_path, data, limits=MediaLimits(10**6, 99, 49)).code == "too-many-frames"
    assert refusal(tmp_path, pose_bytes({"LEFT_HAND_LANDMARKS": 21}, frames=0)).code == "media-no-frames"
    assert refusal(tmp_path, pose_bytes({"LEFT_HAND_LANDMARKS": 21}, people=0)).code == "media-no-frames"
    assert refusal(tmp_path, pose_bytes({"LEFT_HAND_LANDMARKS": 21}, fps=0.0)).code == "media-corrupt"
    assert refusal(tmp_path, pose_bytes({"POSE_LANDMARKS": 33})).code == "media-wrong-kind"
    assert refusal(tmp_path, pose_bytes({"LEFT_HAND_LANDMARKS": 5})).code == "media-corrupt"


WHOLE = pose_bytes({"POSE_LANDMARKS": 33, "LEFT_HAND_LANDMARKS": 21}, frames=3)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_gives_an_answer_or_a_listed_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(40, len(WHOLE)))
    damaged = bytearray(WHOLE[:cut])
    for at in data.draw(st.lists(st.integers(0, cut - 1), max_size=6)):
        damaged[at] = data.draw(st.integers(0, 255))
    try:
        look(tmp_path_factory.getbasetemp(), bytes(damaged), BODY)
    except SignError as error:
        assert error.status in (413, 415, 422)


def test_of_several_faces_only_the_files_first_persons_is_there(tmp_path: Path) -> None:
    request = LandmarkRequest("face_mesh", ("face", "face"))
    track = look(tmp_path, pose_bytes({"FACE_LANDMARKS": 468}), request).track
    first, second = track.part_of_each("face")
    assert not np.isnan(first).any()
    assert np.isnan(second).all()
    assert track.present.all()
