"""From kept pictures to a network's numbers, and which of them a window takes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.observe.request import HandCanvas
from service.pipelines import Pipeline, chunks
from service.pipelines.chunks import ChunksSection
from service.pipelines.hand_crop import HandCropSection
from service.pipelines.image import ImageSection
from service.pipelines.series import SeriesSection
from service.pipelines.series import tensor as series_tensor
from service.track import MediaInfo, Track, Window
from tests.service.pipelines.alone import rows_alone

MEDIA = MediaInfo("video", "mp4", 64, 48, 10.0, 30.0)
WHOLE = Window(-np.inf, np.inf)
SIZE = {"w": 4, "h": 3}


def track(count: int, rate: float = 30.0, absent: Sequence[int] = (), start_s: float = 0.0) -> Track:
    """Pictures that carry their own number as level."""
    values = np.repeat(np.arange(count) % 251, 36).reshape(count, 3, 4, 3).astype(np.uint8)
    present = ~np.isin(np.arange(count), absent)
    return Track(start_s + np.arange(count) / rate, values, present, MEDIA)


def section(**changes: Any) -> ImageSection:
    return ImageSection.model_validate({"resize": SIZE, **changes})


def test_a_level_becomes_level_times_scale_plus_offset() -> None:
    rows = rows_alone(section(scale=1 / 127.5, offset=-1.0), track(200), WHOLE).values
    author = track(200).values.astype(np.float32) / 127.5 - 1
    assert np.abs(rows - author).max() <= 1e-6


def test_mean_and_std_are_taken_a_channel() -> None:
    rows = rows_alone(section(scale=1 / 255, mean=[0.1, 0.2, 0.3], std=[0.5, 0.6, 0.7]), track(9), WHOLE).values
    author = (track(9).values / 255 - np.array([0.1, 0.2, 0.3])) / np.array([0.5, 0.6, 0.7])
    assert np.allclose(rows, author, atol=1e-6)


def test_the_channels_come_first_where_the_graph_wants_them_there() -> None:
    made = section(layout="nchw")
    assert made.input_shape == (3, 3, 4)
    assert rows_alone(made, track(2), WHOLE).values.shape == (2, 3, 3, 4)


def test_uint8_stays_as_it_is() -> None:
    assert rows_alone(section(dtype="uint8"), track(2), WHOLE).values.dtype == np.uint8
    with pytest.raises(ValidationError, match="as they are"):
        section(dtype="uint8", scale=0.5)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"mean": [0, 0, 0]}, "come together"),
        ({"mean": [0.0], "std": [1.0]}, "3 numbers"),
        ({"mean": [0.0] * 3, "std": [1.0] * 3, "offset": 1}, "exclude"),
        ({"mean": [0.0] * 3, "std": [0.0] * 3}, "no channel"),
        ({"filter": "outline"}, "color grey"),
        ({"crop": "foot"}, "hand"),
    ],
)
def test_a_section_that_contradicts_itself_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        section(**changes)


def test_frames_without_what_the_model_needs_make_no_rows() -> None:
    seen = track(10, absent=(0, 3, 9))
    rows = rows_alone(section(), seen, Window(0.0, 0.2))
    assert rows.values[:, 0, 0, 0].tolist() == [1, 2, 4, 5]
    assert rows.times_s == pytest.approx(np.array([1, 2, 4, 5]) / 30)
    assert len(rows_alone(section(), track(3, absent=(0, 1, 2)), WHOLE)) == 0


def test_a_hand_crop_reads_as_an_image_does() -> None:
    made = HandCropSection.model_validate({"resize": SIZE, "scale": 0.5})
    assert np.array_equal(
        rows_alone(made, track(5), WHOLE).values, rows_alone(section(scale=0.5), track(5), WHOLE).values
    )
    with pytest.raises(ValidationError, match="colored"):
        HandCropSection.model_validate({"resize": SIZE, "draw": "cvzone", "color": "grey"})


@pytest.mark.parametrize(("edge", "cut"), [("white", False), ("cut", True)])
def test_a_hand_crops_edge_is_told_to_the_worker(edge: str, cut: bool) -> None:
    made = HandCropSection.model_validate({"resize": SIZE, "edge": edge})
    assert made.request.crop == HandCanvas(300, 20, draw=False, cut=cut)


def test_windows_that_share_frames_share_their_rows() -> None:
    windows = [Window(0.0, 0.2), Window(0.1, 0.3), Window(5.0, 6.0)]
    reading = section().plan_rows(track(12, absent=(4,)), windows)
    assert reading.count == 8
    rows = reading.make(0, reading.count).values[:, 0, 0, 0]
    assert [rows[entry.seen].tolist() for entry in reading.windows] == [[0, 1, 2, 3, 5], [3, 5, 6, 7, 8], []]
    assert np.array_equal(reading.make(2, 5).values[:, 0, 0, 0], rows[2:5])


def clip_section(**changes: Any) -> ChunksSection:
    return ChunksSection.model_validate({"resize": SIZE, "color": "bgr", "scale": 1 / 255, **changes})


Numbers = npt.NDArray[Any]


def authors_clip(frames: list[Numbers]) -> Numbers:
    """The author's loop: black frames in turns behind and before, then chunks of 16."""
    frames = [frame / 255 for frame in frames]
    black = np.zeros_like(frames[0])
    missing = 128 - len(frames)
    for _ in range(missing // 2):
        frames.append(black)
        frames.insert(0, black)
    if missing % 2:
        frames.append(black)
    return np.array(frames).reshape(8, 16, *black.shape)


@pytest.mark.parametrize("count", [1, 2, 15, 16, 100, 101, 127, 128])
def test_a_short_clip_is_padded_in_the_authors_order(count: int) -> None:
    rows = rows_alone(clip_section(), track(count), WHOLE)
    assert np.allclose(rows.values, authors_clip([*track(count).values]), atol=1e-6)
    assert len(rows.times_s) == 8
    assert rows.warnings == ()


def test_of_a_long_clip_the_middle_stays() -> None:
    rows = rows_alone(clip_section(), track(200), WHOLE)
    assert np.allclose(rows.values.reshape(128, 3, 4, 3), track(200).values[36:164] / 255, atol=1e-6)
    assert "72 more" in rows.warnings[0]


def test_channels_first_chunks() -> None:
    made = clip_section(layout="ncthw")
    assert made.input_shape == (3, 16, 3, 4)
    rows = rows_alone(made, track(128), WHOLE).values
    plain = rows_alone(clip_section(), track(128), WHOLE).values
    assert np.array_equal(rows, plain.transpose(0, 4, 1, 2, 3))


@given(count=st.integers(1, 700), stride_s=st.floats(0.01, 5), start_s=st.sampled_from([0.0, 3.3]))
def test_clips_lie_on_the_grid_of_chunks_and_reach_the_end(count: int, stride_s: float, start_s: float) -> None:
    seen = track(count, start_s=start_s)
    windows = chunks.grid_windows(seen, Window(start_s, start_s + count / 30), stride_s, clip_section())
    places = [seen.indices(window) for window in windows]
    if count < 128:
        assert places == [(0, count)]
        return
    assert all(stop - start == 128 and start % 16 == 0 for start, stop in places)
    assert [start for start, _ in places] == sorted({start for start, _ in places})
    assert count - places[-1][1] < 16
    strides = {second - first for (first, _), (second, _) in zip(places[:-2], places[1:-1], strict=True)}
    assert len(strides) <= 1


def test_the_chunks_of_a_timeline_are_computed_once() -> None:
    seen = track(200)
    windows = chunks.grid_windows(seen, Window(0.0, 200 / 30), 32 / 30, clip_section())
    reading = clip_section().plan_rows(seen, windows)
    assert len(windows) == 3
    assert (reading.count, reading.at_once) == (12, 8)
    assert [entry.seen for entry in reading.windows] == [[*range(8)], [*range(2, 10)], [*range(4, 12)]]


def test_frames_are_a_whole_number_of_chunks() -> None:
    with pytest.raises(ValidationError, match="whole number"):
        clip_section(frames=100)


def outputs(values: list[list[float]], absent: Sequence[int] = ()) -> Track:
    array = np.array(values, np.float32)
    return Track(np.arange(len(array)) / 2, array, ~np.isin(np.arange(len(array)), absent), MEDIA)


def test_a_head_reads_the_outputs_as_a_sequence_with_a_mask_behind() -> None:
    head = SeriesSection.model_validate({"length": {"length": 4}})
    rows = series_tensor(outputs([[1, 2], [3, 4], [5, 6]]), WHOLE, head)
    assert rows.values.tolist() == [[[1, 2], [3, 4], [5, 6], [0, 0]]]
    assert rows.mask is not None
    assert rows.mask.tolist() == [[1, 1, 1, 0]]


@pytest.mark.parametrize(("missing", "made"), [("hold", [1, 1, 5, 5]), ("zero", [1, 0, 5, 0]), ("drop", [1, 5, 0, 0])])
def test_a_step_without_an_observation_is_filled_as_asked(missing: str, made: list[float]) -> None:
    head = SeriesSection.model_validate({"length": {"length": 4}, "missing": missing})
    seen = outputs([[1], [9], [5], [9]], absent=(1, 3))
    assert series_tensor(seen, WHOLE, head).values[0, :, 0].tolist() == made


def test_what_is_held_may_have_been_seen_before_the_window() -> None:
    head = SeriesSection.model_validate({"length": {"length": 3}})
    seen = outputs([[1], [2], [9], [4], [9], [6]], absent=(2, 4))
    assert series_tensor(seen, Window(1.0, 2.5), head).values[0, :, 0].tolist() == [2, 4, 4]
    never = outputs([[9], [9], [3]], absent=(0, 1))
    assert series_tensor(never, Window(0.5, 2.0), head).values[0, :, 0].tolist() == [0, 3, 0]


def test_statistics_stand_one_after_the_other_and_leave_out_what_was_not_seen() -> None:
    head = SeriesSection.model_validate({"statistics": ["mean", "std", "max", "min"]})
    values = np.random.default_rng(0).random((9, 10)).astype(np.float32)
    rows = series_tensor(outputs(values.tolist(), absent=(2,)), WHOLE, head)
    seen = np.delete(values, 2, axis=0)
    wanted = np.concatenate([seen.mean(0), seen.std(0), seen.max(0), seen.min(0)])
    assert head.width(10) == 40
    assert np.allclose(rows.values, wanted[None], atol=1e-6)
    assert len(series_tensor(outputs([[1]], absent=(0,)), WHOLE, head)) == 0


def test_a_series_is_a_sequence_or_statistics() -> None:
    for wrong in ({}, {"length": {"length": 2}, "statistics": ["mean"]}, {"statistics": ["mean", "mean"]}):
        with pytest.raises(ValidationError):
            SeriesSection.model_validate(wrong)


def test_sections_are_told_apart_by_their_kind() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Pipeline)
    for made in (section(), clip_section(), SeriesSection.model_validate({"statistics": ["mean"]})):
        assert adapter.validate_python(made.model_dump(mode="json")) == made
