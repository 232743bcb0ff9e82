"""Sequences of a fixed length."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.pipelines.length import Length, fit_length
from service.track import Window


def _sequence(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows 1, 2, 3, … so that each is told apart from padding."""
    return np.arange(1, count + 1, dtype=np.float32)[:, None], np.arange(count) / 10


@pytest.mark.parametrize(
    ("pad", "expected"), [("pre", [0, 0, 1, 2, 3]), ("post", [1, 2, 3, 0, 0]), ("both", [0, 1, 2, 3, 0])]
)
def test_what_is_too_short_is_padded_where_the_author_padded(
    pad: Literal["pre", "post", "both"], expected: list[float]
) -> None:
    fitted = fit_length(*_sequence(3), Length(length=5, pad=pad))
    assert fitted.values[:, 0].tolist() == expected
    assert fitted.mask.tolist() == [float(value > 0) for value in expected]
    assert fitted.cut == 0


@pytest.mark.parametrize(("truncate", "expected"), [("pre", [4, 5, 6]), ("post", [1, 2, 3]), ("center", [2, 3, 4])])
def test_what_is_too_long_is_cut_where_the_author_cut_and_counted(
    truncate: Literal["pre", "post", "center"], expected: list[float]
) -> None:
    fitted = fit_length(*_sequence(6), Length(length=3, truncate=truncate))
    assert fitted.values[:, 0].tolist() == expected
    assert fitted.cut == 3


def test_another_padding_value_is_used() -> None:
    assert fit_length(*_sequence(1), Length(length=2, value=-1)).values[1, 0] == -1


def test_without_padding_too_few_observations_are_an_error_that_says_both_figures() -> None:
    with pytest.raises(ValueError, match="2 observations; the model needs 3"):
        fit_length(*_sequence(2), Length(length=3, pad="none"))


@given(count=st.integers(1, 40), length=st.integers(1, 40))
def test_resampling_keeps_the_ends_and_stays_between_them(count: int, length: int) -> None:
    values, times = _sequence(count)
    fitted = fit_length(values, times, Length(length=length, resample=True))
    assert fitted.values.shape == (length, 1)
    assert fitted.values[0, 0] == 1
    if length > 1:
        assert fitted.values[-1, 0] == pytest.approx(count)
    assert (np.diff(fitted.values[:, 0]) >= -1e-5).all()


def test_resampling_follows_time_not_the_count_of_observations() -> None:
    values = np.array([[0.0], [1.0], [2.0]], np.float32)
    fitted = fit_length(values, np.array([0.0, 0.9, 1.0]), Length(length=3, resample=True))
    assert fitted.values[1, 0] == pytest.approx(0.5 / 0.9)


def test_no_observations_are_an_error() -> None:
    with pytest.raises(ValueError, match="no observations"):
        fit_length(np.zeros((0, 2), np.float32), np.zeros(0), Length(length=3))


def test_steps_in_time_stand_where_they_lie_in_the_window_and_the_mask_tells_the_rest() -> None:
    section = Length(length=30, in_time=True)
    times = np.array([0.0, 1 / 15, 3 / 15])
    fitted = fit_length(np.arange(3, dtype=np.float32)[:, None] + 1, times, section, Window(-1.4, 0.6))
    assert np.flatnonzero(fitted.mask).tolist() == [21, 22, 24]
    assert fitted.values[[21, 22, 24], 0].tolist() == [1, 2, 3]
    assert fitted.values.sum() == 6


@given(
    st.lists(st.floats(1e-3, 10), min_size=1, max_size=30),
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(0, 2**32 - 1),
)
def test_all_columns_are_resampled_at_once_as_numpy_does_each(
    steps: list[float], length: int, columns: int, seed: int
) -> None:
    times_s = np.cumsum(steps)
    scale = 10.0 ** np.arange(-2, columns - 2)
    values = (np.random.default_rng(seed).normal(size=(len(steps), columns)) * scale).astype(np.float32)
    fitted = fit_length(values, times_s, Length(length=length, resample=True))
    grid = np.linspace(times_s[0], times_s[-1], length)
    expected = np.stack([np.interp(grid, times_s, column) for column in values.T], axis=1).astype(np.float32)
    assert np.array_equal(fitted.values, expected)


def test_steps_are_not_in_time_and_resampled_at_once() -> None:
    with pytest.raises(ValueError, match="in_time or resampled"):
        Length(length=3, in_time=True, resample=True)


def test_a_step_between_two_observations_is_the_nearest_one_where_the_manifest_says_so() -> None:
    values, _ = _sequence(4)
    times_s = np.array([0.0, 0.1, 0.5, 1.0])
    fitted = fit_length(values, times_s, Length(length=6, resample=True, between="nearest"))
    assert fitted.values[:, 0].tolist() == [1, 2, 3, 3, 4, 4]  # at 0, 0.2, 0.4, 0.6, 0.8 and 1 s
    assert fitted.mask.tolist() == [1.0] * 6


def test_what_lies_between_observations_says_nothing_without_resampling() -> None:
    with pytest.raises(ValueError, match="set resample"):
        Length(length=6, between="nearest")
