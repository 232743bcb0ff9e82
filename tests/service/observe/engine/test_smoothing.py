"""The filters of points over time."""

import numpy as np

from service.observe.engine.smoothing import FRAME_S, LowPassFilter, OneEuroFilter


def test_what_rests_stays_where_it_is() -> None:
    each = OneEuroFilter(0.05, 80.0)
    for _ in range(5):
        np.testing.assert_allclose(each.smooth(np.array([3.0, 4.0]), 100.0), [3.0, 4.0])


def test_what_moves_fast_is_followed_more_closely_than_what_trembles() -> None:
    def followed(step: float) -> float:
        each = OneEuroFilter(0.05, 80.0)
        each.smooth(np.array([0.0]), 100.0)
        return float(each.smooth(np.array([step]), 100.0)[0]) / step

    assert followed(0.01) < 0.1
    assert followed(50.0) > 0.9


def test_the_second_frame_is_smoothed_by_the_published_formula() -> None:
    each = OneEuroFilter(0.01, 10.0)
    each.smooth(np.array([1.0]), 50.0)
    share = 1 / (1 + 1 / (2 * np.pi * FRAME_S * 1.0))
    speed = share * (3.0 - 1.0) / (50.0 * FRAME_S)
    cutoff = 0.01 + 10.0 * abs(speed)
    weight = 1 / (1 + 1 / (2 * np.pi * FRAME_S * cutoff))
    np.testing.assert_allclose(each.smooth(np.array([3.0]), 50.0), [weight * 3 + (1 - weight)])


def test_a_low_pass_filter_lets_a_tenth_through() -> None:
    each = LowPassFilter(0.1)
    assert each.smooth(np.array([1.0])).tolist() == [1.0]
    np.testing.assert_allclose(each.smooth(np.array([0.0])), [0.9])


def test_after_a_reset_nothing_is_remembered() -> None:
    each, low = OneEuroFilter(0.05, 80.0), LowPassFilter(0.1)
    for value in (0.0, 9.0):
        each.smooth(np.array([value]), 10.0)
        low.smooth(np.array([value]))
    each.reset()
    low.reset()
    assert (each.smooth(np.array([5.0]), 10.0).tolist(), low.smooth(np.array([5.0])).tolist()) == ([5.0], [5.0])
