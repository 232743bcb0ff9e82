"""Points and bones are named as MediaPipe names them."""

import pytest

from service.features.points import FACE_POINTS, HAND_POINTS, POSE_BONES, POSE_POINTS, point_names
from service.track import HAND_BONES

pytestmark = pytest.mark.filterwarnings("ignore")  # what MediaPipe's imports and protobuf warn of is not ours


@pytest.mark.usefixtures("mediapipe")
def test_names_and_bones_are_mediapipe_s() -> None:
    from mediapipe.python.solutions import hands, pose  # noqa: PLC0415

    assert [point.name for point in hands.HandLandmark] == list(HAND_POINTS)
    assert [point.name for point in pose.PoseLandmark] == list(POSE_POINTS)
    assert sorted(hands.HAND_CONNECTIONS) == sorted(HAND_BONES)
    assert sorted(pose.POSE_CONNECTIONS) == sorted(POSE_BONES)
    assert len(FACE_POINTS) == 468


def test_a_second_person_s_points_have_names_of_their_own() -> None:
    names = point_names(("face", "face"))
    assert (names[0], names[468]) == ("face_0", "face2_0")
    assert len(set(names)) == len(names)
