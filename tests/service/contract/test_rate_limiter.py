"""The limiter: a sampler that may be exceeded for a moment, but not for long."""

from hypothesis import given
from hypothesis import strategies as st

from service.contract.rate_limiter import BURST_S, RateLimiter


@given(st.floats(1, 240), st.floats(0.1, 1.0))
def test_who_keeps_to_the_pace_is_never_refused(per_second: float, share: float) -> None:
    limiter = RateLimiter(per_second, 0.0)
    assert all(limiter.allow(count / (per_second * share)) for count in range(500))


@given(st.floats(1, 240), st.floats(1.5, 20))
def test_who_is_faster_is_refused_before_long(per_second: float, times_faster: float) -> None:
    limiter = RateLimiter(per_second, 0.0)
    fast = per_second * times_faster
    refused = next(count for count in range(100_000) if not limiter.allow(count / fast))
    assert refused / fast <= BURST_S / (times_faster - 1) + 2 / fast


@given(st.lists(st.floats(0, 10), max_size=300), st.floats(1, 60))
def test_no_more_pass_than_the_pace_and_one_burst_allow(steps: list[float], per_second: float) -> None:
    limiter = RateLimiter(per_second, 0.0)
    now = passed = 0.0
    for step in steps:
        now += step / 100
        passed += limiter.allow(now)
    assert passed <= per_second * (now + BURST_S) + 1
