"""The decoder: its arithmetic, its lag, and that it only sees windows in order."""

import itertools
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.spotting.decoder import PlainDecoder, ViterbiDecoder, decoder_for, state_probabilities
from service.spotting.segment import SpottingRules
from service.track import FloatArray

LABELS = ("A", "B", "idle")
SIGNS, IDLE = np.array([0, 1]), np.array([2])


def _rules(threshold: float = 0.5, min_duration_s: float = 0.3, stride_s: float = 0.1) -> SpottingRules:
    return SpottingRules(LABELS, stride_s, idle_labels=("idle",), threshold=threshold, min_duration_s=min_duration_s)


def _row(*probabilities: float) -> FloatArray:
    return np.array(probabilities, np.float32)


rows = st.one_of(
    st.none(),
    st.lists(st.floats(0, 1, width=32), min_size=3, max_size=3).map(
        lambda weights: _row(*(np.array(weights) / max(sum(weights), 1e-6)))
    ),
)


def _decided(decoder: ViterbiDecoder | PlainDecoder, windows: list[FloatArray | None]) -> list[int | None]:
    return [decision for window in windows for decision in decoder.push(window)] + list(decoder.finish())


def test_without_evidence_idle_is_certain() -> None:
    assert state_probabilities(None, SIGNS, IDLE, 0.5).tolist() == [0, 0, 1]
    assert state_probabilities(_row(0, 0, 0), SIGNS, IDLE, 0.0).tolist() == [0, 0, 1]


def test_idle_gets_the_idle_labels_mass_and_what_is_missing_to_the_threshold() -> None:
    states = state_probabilities(_row(0.3, 0.2, 0.5), SIGNS, IDLE, 0.8)
    idle = 0.5 + 0.5 * (1 - 0.5 / 0.8)
    assert states == pytest.approx([0.6 * (1 - idle), 0.4 * (1 - idle), idle])


def test_with_threshold_zero_doubt_is_no_idleness() -> None:
    assert state_probabilities(_row(0.1, 0.3, 0.0), SIGNS, IDLE, 0.0) == pytest.approx([0.25, 0.75, 0.0])


@given(row=rows, threshold=st.floats(0, 1))
def test_state_probabilities_always_sum_to_one(row: FloatArray | None, threshold: float) -> None:
    states = state_probabilities(row, SIGNS, IDLE, threshold)
    assert states.sum() == pytest.approx(1.0)
    assert (states >= 0).all()


def _best_paths_state(windows: list[FloatArray | None], at: int, rules: SpottingRules) -> int | None:
    """The state at window `at` on the best of all paths through these windows, found by trying each."""
    stay = max(math.exp(-rules.stride_s / rules.min_duration_s), 1 / 3)
    emissions = [state_probabilities(row, SIGNS, IDLE, rules.threshold) for row in windows]

    def probability(path: tuple[int, ...]) -> float:
        steps = [stay if one == other else (1 - stay) / 2 for one, other in itertools.pairwise(path)]
        return math.prod(steps) * math.prod(float(row[state]) for row, state in zip(emissions, path, strict=True))

    best = max(itertools.product(range(3), repeat=len(windows)), key=probability)[at]
    return None if best == 2 else best


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 6), threshold=st.sampled_from([0.0, 0.5, 0.9]))
def test_each_decision_is_that_of_the_best_of_all_paths_up_to_the_next_window(
    seed: int, count: int, threshold: float
) -> None:
    rng = np.random.default_rng(seed)
    windows: list[FloatArray | None] = [rng.dirichlet([0.6] * 3).astype(np.float32) for _ in range(count)]
    rules = _rules(threshold)
    expected = [_best_paths_state(windows[: index + 2], index, rules) for index in range(count)]
    assert _decided(ViterbiDecoder(rules), windows) == expected


def test_a_decision_comes_one_window_later() -> None:
    decoder = ViterbiDecoder(_rules())
    assert decoder.push(_row(1, 0, 0)) == ()
    assert decoder.push(_row(1, 0, 0)) == (0,)
    assert decoder.finish() == (0,)


def test_a_single_doubtful_window_does_not_interrupt_a_sign_and_smoothing_none_lets_it() -> None:
    sure, doubtful = _row(0.9, 0.1, 0), _row(0.4, 0.6, 0)
    windows: list[FloatArray | None] = [sure, sure, sure, doubtful, sure, sure, sure]
    assert _decided(ViterbiDecoder(_rules(0.0)), windows) == [0] * 7
    assert _decided(PlainDecoder(_rules(0.0)), windows) == [0, 0, 0, 1, 0, 0, 0]


def test_a_window_without_evidence_is_idle_however_sure_its_neighbors_are() -> None:
    assert _decided(ViterbiDecoder(_rules()), [_row(1, 0, 0), None, _row(1, 0, 0)]) == [0, None, 0]


def test_a_min_duration_far_below_the_stride_forces_no_changes() -> None:
    windows: list[FloatArray | None] = [_row(0.6, 0.4, 0)] * 5
    assert _decided(ViterbiDecoder(_rules(0.0, min_duration_s=0.001)), windows) == [0] * 5
    assert _decided(ViterbiDecoder(_rules(0.0, min_duration_s=0.0)), windows) == [0] * 5


@given(windows=st.lists(rows, max_size=30), lag=st.integers(1, 5))
def test_there_is_one_decision_for_each_window_whatever_the_lag(windows: list[FloatArray | None], lag: int) -> None:
    assert len(_decided(ViterbiDecoder(_rules(), lag), windows)) == len(windows)


@given(windows=st.lists(rows, min_size=1, max_size=20), cut=st.integers(0, 19))
def test_a_decoder_put_away_between_two_windows_goes_on_alike(windows: list[FloatArray | None], cut: int) -> None:
    decoder = ViterbiDecoder(_rules())
    decisions = [decision for window in windows[:cut] for decision in decoder.push(window)]
    decoder = pickle.loads(pickle.dumps(decoder))
    assert decisions + _decided(decoder, windows[cut:]) == _decided(ViterbiDecoder(_rules()), windows)


def test_none_declines_below_the_threshold_without_evidence_and_where_idle_wins() -> None:
    decoder = PlainDecoder(_rules(0.5))
    assert [decoder.push(row)[0] for row in (_row(0.6, 0.4, 0), _row(0.45, 0.3, 0.25), None, _row(0, 0.3, 0.7))] == [
        0,
        None,
        None,
        None,
    ]


def test_a_model_of_a_single_sign_is_decoded() -> None:
    rules = SpottingRules(("wave",), 0.5, threshold=0.5, min_duration_s=0.5)
    decoder = decoder_for(rules)
    pushed = [decision for row in (_row(1.0), _row(1.0), None) for decision in decoder.push(row)]
    assert [*pushed, *decoder.finish()] == [0, 0, None]
