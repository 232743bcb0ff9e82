"""A .pose file holds what was seen: our own reader gives the same track back."""

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_format import Pose

from service.features.pose import features_to_pose
from service.observe.call import ObserveCall
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.track import PartName, Track
from tests.media_made import call_for
from tests.service.features.features_made import RATE, landmarks_of

LAYOUTS: tuple[tuple[PartName, ...], ...] = (("hand",), ("left_hand", "right_hand", "pose"), ("pose", "face"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pose")


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(LAYOUTS), st.integers(0, 999), st.booleans(), st.integers(0, 3))
def test_what_is_written_is_read_back(
    folder: Path, parts: tuple[PartName, ...], seed: int, selfie: bool, first: int
) -> None:
    made = landmarks_of(parts, seed, selfie=selfie, first=first)
    path = folder / "x"
    path.write_bytes(features_to_pose(made))
    call: ObserveCall = call_for(path, made.preprocessing.request, sampling=made.preprocessing.sampling)
    track: Track = observe(call, lambda: None, Landmarkers()).track
    assert track.parts == parts
    assert track.media.aspect == made.track.media.aspect
    assert track.media.duration == pytest.approx(made.track.media.duration)
    fresh = track.only(track.times_s >= made.track.times_s[0] - 1e-6)
    assert fresh.times_s == pytest.approx(made.track.times_s)
    assert np.allclose(fresh.values, made.track.values, atol=1e-5, equal_nan=True)
    assert np.array_equal(fresh.present, made.track.present)
    assert not track.only(track.times_s < made.track.times_s[0] - 1e-6).present.any()
    if made.track.handedness is not None and fresh.handedness is not None:
        assert np.allclose(fresh.handedness, made.track.handedness, atol=1e-5)


def test_other_tools_find_named_points_and_bones_in_pixels() -> None:
    made = landmarks_of(("left_hand", "right_hand", "pose"), 4)
    pose = Pose.read(io.BytesIO(features_to_pose(made)).getvalue())
    assert [component.name for component in pose.header.components] == [
        "LEFT_HAND_LANDMARKS",
        "RIGHT_HAND_LANDMARKS",
        "POSE_LANDMARKS",
    ]
    hand, _, body = pose.header.components
    assert (hand.points[8], body.points[11]) == ("INDEX_FINGER_TIP", "LEFT_SHOULDER")
    assert (len(hand.limbs), len(body.limbs)) == (21, 35)
    assert pose.body.fps == RATE
    seen = int(np.flatnonzero(~np.isnan(made.track.part("pose")[:, 0, 0]))[0])
    shown = np.ma.getdata(pose.body.data)[seen, 0, 42 + 11, :2]
    assert shown == pytest.approx(made.track.part("pose")[seen, 11, :2] * (640, 360), rel=1e-5)
