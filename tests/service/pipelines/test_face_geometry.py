"""Face geometry: what a face's measures depend on, and what they do not."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.media.sampling import Rate
from service.pipelines.face_geometry import CHANNELS, MEASURES, FaceGeometrySection, channels, measured
from service.track import FloatArray, Landmarks, MediaInfo, PartName, Track, Window
from tests.service.pipelines.alone import rows_alone

WIDE = MediaInfo("video", "mp4", 640, 360, 10.0, 30.0)
SECTION = FaceGeometrySection()
RIGHT_EYE, LEFT_EYE = 33, 263
UPPER_LIP, LOWER_LIP, RIGHT_CORNER, LEFT_CORNER = 13, 14, 61, 291
turns = st.floats(-np.pi, np.pi)
Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def faces(samples: int, seed: int = 0) -> FloatArray:
    """T × 468 × 3 points in heights of the picture: one shape that wobbles a little, its eyes 0.2 apart."""
    random = np.random.default_rng(seed)
    shape = random.uniform(-0.15, 0.15, (468, 3))
    shape[RIGHT_EYE], shape[LEFT_EYE] = (-0.1, 0.0, 0.0), (0.1, 0.0, 0.0)
    wobble = random.uniform(-0.01, 0.01, (samples, 468, 3))
    wobble[:, [RIGHT_EYE, LEFT_EYE]] = 0.0
    return np.asarray(shape + wobble, np.float32)


def landmarks(points: FloatArray, media: MediaInfo = WIDE, center: tuple[float, float] = (0.5, 0.5)) -> Landmarks:
    """Points in heights of the picture as the fractions that a landmarker gives."""
    found = np.zeros((*points.shape[:2], 4), np.float32)
    found[..., :3] = points / np.array([media.aspect, 1.0, media.aspect], np.float32)
    found[..., :2] += np.array(center, np.float32)
    return found


def track_of(*people: Landmarks, media: MediaInfo = WIDE, rate: float = 2.0) -> Track:
    """A track at this rate of one face or several, NaN where one is not seen."""
    one: tuple[PartName, ...] = ("face",)
    values = np.concatenate(people, axis=1)
    present = np.any([~np.isnan(face[:, 0, 0]) for face in people], axis=0)
    return Track(np.arange(len(values)) / rate, values, present, media, one * len(people))


def values_of(*people: Landmarks, rate: float = 2.0) -> FloatArray:
    return np.asarray(measured(track_of(*people, rate=rate)).values, np.float32)


def turned_in_the_picture(angle: float) -> Matrix:
    return np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])


def turned_away(yaw: float, pitch: float) -> Matrix:
    about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    return np.asarray(about_y @ about_x)


@given(
    angle=turns,
    scale=st.floats(0.2, 3.0),
    x=st.floats(-0.5, 0.5),
    y=st.floats(-0.5, 0.5),
    seed=st.integers(0, 50),
)
def test_where_a_face_is_how_large_and_how_the_picture_is_turned_does_not_count(
    angle: float, scale: float, x: float, y: float, seed: int
) -> None:
    points = faces(4, seed)
    moved = (scale * points @ turned_in_the_picture(angle).T).astype(np.float32)
    there = values_of(landmarks(moved, center=(0.5 + x, 0.5 + y)))
    assert there == pytest.approx(values_of(landmarks(points)), abs=2e-3)


@given(yaw=st.floats(-1.0, 1.0), pitch=st.floats(-1.0, 1.0), seed=st.integers(0, 50))
def test_the_shape_stays_when_a_head_turns_away(yaw: float, pitch: float, seed: int) -> None:
    points = faces(3, seed)
    turned = values_of(landmarks((points @ turned_away(yaw, pitch).T).astype(np.float32)))
    assert turned[:, :4] == pytest.approx(values_of(landmarks(points))[:, :4], abs=1e-3)


@given(width=st.integers(100, 4000), height=st.integers(100, 4000))
def test_the_pictures_aspect_does_not_count(width: int, height: int) -> None:
    media = replace(WIDE, width=width, height=height)
    points = faces(3)
    found = measured(track_of(landmarks(points, media), media=media)).values
    assert found == pytest.approx(values_of(landmarks(points)), abs=1e-3)


def test_each_measure_follows_its_own_points_in_eye_distances() -> None:
    points = np.repeat(faces(1), 2, axis=0)
    points[:, [UPPER_LIP, LOWER_LIP, RIGHT_CORNER, LEFT_CORNER]] = 0.0
    points[1, LOWER_LIP, 1] = 0.1  # half of the eyes' distance
    points[1, RIGHT_CORNER, 0], points[1, LEFT_CORNER, 0] = -0.06, 0.08
    before, after = (dict(zip(MEASURES, row.tolist(), strict=True)) for row in values_of(landmarks(points)))
    changed = {name: after[name] - before[name] for name in MEASURES if after[name] != pytest.approx(before[name])}
    assert changed == {"mouth_opening": pytest.approx(0.5, abs=1e-5), "smile_width": pytest.approx(0.7, abs=1e-5)}


@pytest.mark.parametrize("rate", [2.0, 5.0])
def test_head_motion_is_eye_distances_a_second(rate: float) -> None:
    points = np.repeat(faces(1), 5, axis=0)
    points[2:, :, 0] += 0.04  # a fifth of the eyes' distance, once
    motion = values_of(landmarks(points), rate=rate)[:, 4]
    assert motion == pytest.approx([0, 0, 0.2 * rate, 0, 0], abs=1e-4)


def test_no_motion_is_made_up_where_the_sample_before_shows_no_face_or_another_one() -> None:
    points = np.repeat(faces(1), 6, axis=0)
    found = landmarks(points)
    found[1] = np.nan
    found[3] = landmarks(3 * points[:1])[0]  # a cut to a close-up
    found[5, :, 0] += 0.5  # someone else, far away
    values = measured(track_of(found))
    assert values.present.tolist() == [True, False, True, True, True, True]
    assert values.values[:, 4] == pytest.approx(np.zeros(6))
    assert values.values[1] == pytest.approx(np.zeros(5))


def test_of_several_faces_the_mean_is_taken_and_each_is_followed() -> None:
    still, moving = np.repeat(faces(1, 1), 3, axis=0), np.repeat(faces(1, 2), 3, axis=0)
    moving[1:, :, 1] += 0.02
    first, second = landmarks(still, center=(0.3, 0.5)), landmarks(moving, center=(0.7, 0.5))
    one, other = values_of(first), values_of(second)
    assert values_of(first, second) == pytest.approx((one + other) / 2, abs=1e-4)
    swapped = np.stack([first[0], second[1], first[2]]), np.stack([second[0], first[1], second[2]])
    assert values_of(*swapped) == pytest.approx((one + other) / 2, abs=1e-4)
    gone = np.full_like(second, np.nan)
    assert values_of(first, gone) == pytest.approx(one)


def test_deviations_are_from_the_median_of_the_samples_around_that_show_a_face() -> None:
    openings = [0.1, 0.1, 0.9, 0.1, 0.5, 0.5, 0.5, 0.5, 0.5]
    values = np.zeros((9, 5), np.float32)
    values[:, 0] = openings
    present = np.array([opening != 0.9 for opening in openings])
    samples = Track(np.arange(9) / 2, values, present, WIDE)
    deviations = channels(samples, median_s=2.0)[:, CHANNELS.index("mouth_opening_deviation")]
    around = [
        [o for o, near in zip(openings, np.arange(9), strict=True) if abs(near - at) <= 2 and present[near]]
        for at in range(9)
    ]
    expected = [o - float(np.median(near)) if o != 0.9 else 0.0 for o, near in zip(openings, around, strict=True)]
    assert deviations == pytest.approx(expected)


@given(opening=st.floats(0, 1), count=st.integers(1, 12), median_s=st.floats(0.5, 60))
def test_a_face_that_does_not_move_deviates_from_nothing(opening: float, count: int, median_s: float) -> None:
    samples = Track(np.arange(count) / 2, np.full((count, 5), opening, np.float32), np.ones(count, bool), WIDE)
    found = channels(samples, median_s)
    assert np.all(found[:, 5:] == 0)
    assert found[:, :5] == pytest.approx(opening)


def test_windows_share_the_rows_of_their_samples_and_their_median() -> None:
    found = landmarks(faces(12, 3))
    found[4] = np.nan
    track = track_of(found)
    windows = [Window(start, start + 2.0) for start in (0.0, 0.5, 1.0, 4.0)]
    reading = SECTION.plan_rows(track, windows)
    assert reading.count == 11 - 2  # samples 6 and 7 lie in no window, and 4 shows no face
    made = reading.make(0, reading.count).values
    whole = channels(measured(track), SECTION.median_s)
    for window, entry in zip(windows, reading.windows, strict=True):
        alone = rows_alone(SECTION, track, window)
        assert np.array_equal(made[entry.seen], alone.values)
        assert np.array_equal(alone.values, whole[[round(time_s * 2) for time_s in alone.times_s]])


def test_a_track_without_a_face_has_no_rows() -> None:
    track = track_of(np.full((4, 468, 4), np.nan, np.float32))
    assert len(rows_alone(SECTION, track, Window(0, 2))) == 0
    assert SECTION.plan_rows(track, [Window(0, 2)]).count == 0


def test_boxes_are_those_of_the_largest_face_also_after_cutting() -> None:
    found = landmarks(faces(4))
    found[2] = np.nan
    values = measured(track_of(found, np.full_like(found, np.nan)))
    assert values.boxes is not None
    assert np.isnan(values.boxes[2]).all()
    x, y, width, height = values.boxes[0]
    assert (x, y) == (pytest.approx(found[0, :, 0].min()), pytest.approx(found[0, :, 1].min()))
    assert (x + width, y + height) == (pytest.approx(found[0, :, 0].max()), pytest.approx(found[0, :, 1].max()))
    cut = values.cut(Window(0.5, 1.5)).boxes
    assert cut is not None
    assert np.array_equal(cut, values.boxes[1:3], equal_nan=True)


def test_measuring_again_changes_nothing() -> None:
    once = measured(track_of(landmarks(faces(3))))
    assert measured(once) is once


def test_the_section_says_what_is_looked_for() -> None:
    largest, mean = (FaceGeometrySection(faces=faces, sampling=Rate(rate=3)).request for faces in ("largest", "mean"))
    assert [part for part, _ in itertools.groupby(mean.parts)] == list(largest.parts) == ["face"]
    assert len(mean.parts) > 1
    assert SECTION.input_shape == (10,)
