"""Which frames a window of a clip model takes, and the numbers that its network gets."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.media.resize import ShortSide
from service.media.sampling import uniform_indices
from service.pipelines import Pipeline, clip
from service.pipelines.chunking import ChunkLimits, Position
from service.pipelines.clip import ClipChoice, ClipSection
from service.pipelines.windows import WindowRule
from service.track import MediaInfo, Track, Window
from tests.service.pipelines.alone import rows_alone

MEDIA = MediaInfo("video", "mp4", 64, 48, 10.0, 30.0)

Times = npt.NDArray[np.float64]


def section(**changes: Any) -> ClipSection:
    return ClipSection.model_validate({"sampling": {"uniform": 4}, "side": 6, "crop": 4, **changes})


def whole_track(times_s: Times) -> Track:
    """All frames of a medium, each of which carries its number as level."""
    count = len(times_s)
    values = np.repeat(np.arange(count), 48).reshape(count, 4, 4, 3).astype(np.float32)
    return Track(times_s, values, np.ones(count, bool), MEDIA)


def kept_track(times_s: Times, rule: WindowRule, end_s: float) -> Track:
    """What a worker keeps of it for these windows."""
    chosen = ClipChoice(4, rule).choose(times_s, Window(0.0, end_s), (), at_end=True)
    track = whole_track(times_s).only(np.isin(times_s, chosen))
    return Track(track.times_s, track.values, track.present, MEDIA, decoded_s=times_s)


@given(total=st.integers(1, 5000), count=st.integers(1, 64))
def test_places_are_the_floor_of_an_exact_linspace(total: int, count: int) -> None:
    exact = [Fraction(total - 1) * place / max(1, count - 1) for place in range(count)]
    assert uniform_indices(total, count).tolist() == [value.numerator // value.denominator for value in exact]


@pytest.mark.parametrize(("total", "count"), [(30, 8), (78, 13), (80, 16), (63, 16), (3, 8), (1, 4)])
def test_places_are_those_of_numpys_linspace(total: int, count: int) -> None:
    assert uniform_indices(total, count).tolist() == np.floor(np.linspace(0, total - 1, count)).tolist()


def test_no_frame_cannot_be_spread() -> None:
    with pytest.raises(ValueError, match="cannot be chosen"):
        uniform_indices(0, 4)


def test_a_windows_frames_are_spread_over_those_that_lie_in_it() -> None:
    seen = whole_track(np.arange(30) / 10)
    taken = clip.window_frames(seen, Window(0.5, 1.5), section())
    assert taken.rows == ((5, 8, 11, 14),)
    assert taken.times_s.tolist() == [0.5]


def test_where_there_are_too_few_frames_some_come_twice() -> None:
    seen = whole_track(np.array([0.0, 0.4]))
    assert clip.window_frames(seen, Window(0.0, 2.0), section()).rows == ((0, 0, 0, 1),)


def test_a_window_in_a_gap_shows_nothing() -> None:
    seen = whole_track(np.array([0.0, 0.1, 5.0]))
    assert clip.window_frames(seen, Window(1.0, 2.0), section()).rows == ()
    reading = section().plan_rows(seen, [Window(1.0, 2.0), Window(0.0, 1.0)])
    assert [entry.seen for entry in reading.windows] == [[], [0]]


@given(
    gaps=st.lists(st.floats(0.001, 0.7), min_size=1, max_size=120),
    window_s=st.floats(0.05, 6),
    stride_s=st.floats(0.05, 3),
    spread=st.sampled_from([0, 1, 3]),
)
def test_what_a_worker_keeps_is_what_the_windows_take(
    gaps: list[float], window_s: float, stride_s: float, spread: int
) -> None:
    """Whatever the frame rate: from the kept frames alone each window makes the clip that all frames would make."""
    times_s = np.cumsum([0.0, *gaps])
    end_s = float(times_s[-1]) + 0.04
    rule = WindowRule(0.0, window_s, stride_s, spread)
    kept, everything = kept_track(times_s, rule, end_s), whole_track(times_s)
    for window in rule.windows(end_s):
        ours = rows_alone(section(), kept, window)
        assert np.array_equal(ours.values, rows_alone(section(), everything, window).values)
        assert np.array_equal(ours.times_s, rows_alone(section(), everything, window).times_s)
    assert set(kept.times_s) == set(clip.sampled(kept, rule.windows(end_s), section()).times_s)


def test_a_window_that_nobody_announced_is_an_error_and_no_wrong_answer() -> None:
    kept = kept_track(np.arange(300) / 30, WindowRule(0.0, 2.0, 1.0), 10.0)
    with pytest.raises(ValueError, match="not all frames"):
        clip.window_frames(kept, Window(0.3, 2.3), section())


@given(
    gaps=st.lists(st.floats(0.01, 0.5), min_size=2, max_size=200),
    window_s=st.floats(0.1, 4),
    stride_s=st.floats(0.1, 2),
    most_s=st.floats(0.5, 10),
    asked_end_s=st.sampled_from([np.inf, 7.3]),
)
def test_chunk_by_chunk_each_window_is_cut_once_and_finds_its_frames(
    gaps: list[float], window_s: float, stride_s: float, most_s: float, asked_end_s: float
) -> None:
    times_s = np.cumsum([0.0, *gaps])
    medium_end_s = float(times_s[-1]) + 0.04
    rule, everything = WindowRule(0.0, window_s, stride_s), whole_track(times_s)
    done: list[Window] = []
    while True:
        position = Position(0.0, scored=len(done))
        chunk = section().next_chunk(rule, position, ChunkLimits(asked_end_s, 1, most_s))
        at_end = chunk.until_s > times_s[-1]
        shown = times_s[(times_s >= chunk.start_s) & (times_s < chunk.until_s)]
        end_s = medium_end_s if at_end else chunk.until_s + 0.01  # a frame behind it was decoded
        assert isinstance(chunk.sampling, ClipChoice)
        chosen = chunk.sampling.choose(shown, Window(0.0, end_s), (), at_end)
        only = everything.only(np.isin(times_s, chosen))
        track = Track(only.times_s, only.values, only.present, MEDIA, decoded_s=shown)
        over = at_end or chunk.until_s >= asked_end_s
        reached = replace(position, covered_s=chunk.until_s, end_s=min(asked_end_s, end_s) if over else None)
        windows = section().due_windows(track, rule, reached)
        assert windows == chunk.sampling.windows(end_s, at_end)
        for window in windows:
            ours = rows_alone(section(), track, window).values
            assert np.array_equal(ours, rows_alone(section(), everything, window).values)
        done += windows
        if over:
            break
        assert windows
    assert done == rule.windows(min(asked_end_s, medium_end_s))


def test_in_pieces_the_same_windows_are_cut() -> None:
    rule = WindowRule(0.5, 2.0, 0.7)
    whole = rule.windows(12.0)
    assert rule.complete(8.0) == whole[: len(rule.complete(8.0))]
    rest = WindowRule(0.5, 2.0, 0.7, first=len(rule.complete(8.0)))
    assert rest.windows(12.0) == whole[rest.first :]
    assert rest.from_s <= min(window.start_s for window in rest.windows(12.0))


@pytest.mark.parametrize("count", [1, 2, 10])
def test_spread_windows_reach_from_the_start_to_the_end(count: int) -> None:
    windows = WindowRule(1.0, 2.0, spread=count).windows(9.0)
    assert len(windows) == count
    assert windows[0].start_s == 1.0
    assert count == 1 or windows[-1].end_s == pytest.approx(9.0)
    assert WindowRule(1.0, 2.0, spread=count).windows(2.5) == [Window(1.0, 2.5)]


def test_levels_become_pytorchvideos_numbers_with_the_channels_first() -> None:
    made = section(scale=1 / 255, mean=[0.45] * 3, std=[0.225] * 3)
    seen = whole_track(np.arange(30) / 10)
    rows = rows_alone(made, seen, Window(0.5, 1.5)).values
    assert rows.shape == (1, *made.input_shape) == (1, 3, 4, 4, 4)
    author = (seen.values[[5, 8, 11, 14]] / 255 - 0.45) / 0.225
    assert np.allclose(rows[0], author.transpose(3, 0, 1, 2), atol=1e-6)


def test_what_the_graph_normalises_itself_arrives_as_levels() -> None:
    rows = rows_alone(section(), whole_track(np.arange(30) / 10), Window(0.5, 1.5)).values
    assert rows[0, 0, :, 0, 0].tolist() == [5, 8, 11, 14]


def test_a_worker_is_asked_for_the_short_side_and_whole_levels_only_where_the_graph_wants_them() -> None:
    assert section().request.resize == ShortSide(6, 4)
    assert section().request.dtype == "float32"
    assert section(dtype="uint8").request.dtype == "uint8"
    assert section(color="bgr", yuv="bt601").request.yuv == "bt601"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"crop": 7}, "cannot be cut"),
        ({"color": "grey"}, "rgb"),
        ({"sampling": {"rate": 5}}, "uniform"),
        ({"clips": 0}, "clips"),
        ({"dtype": "uint8", "scale": 0.5}, "as they are"),
    ],
)
def test_a_section_that_contradicts_itself_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        section(**changes)


def test_the_section_is_told_by_its_kind() -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Pipeline)
    assert adapter.validate_python(section().model_dump(mode="json")) == section()


def test_a_chunk_that_shows_nothing_is_moved_to_the_first_window_that_does() -> None:
    choice = ClipChoice(4, WindowRule(0.0, 1.0, 0.5, first=2), until_s=12.0)
    later, start_s = choice.moved(1001.2, 0.0)
    assert (later.rule.first, start_s) == (2001, 1000.5)
    assert later.until_s == pytest.approx(1000.5 + 12.0 - choice.rule.from_s)
    assert start_s <= 1001.2 < start_s + 1.0
    late, start_s = ClipChoice(4, WindowRule(0.0, 1.0, 0.5), until_s=12.0).moved(40.2, 40.2)
    assert (late.rule, start_s) == (WindowRule(40.2, 1.0, 0.5), 40.2)
