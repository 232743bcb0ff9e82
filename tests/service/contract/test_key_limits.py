"""What a key may, as it is written and as it is counted."""

import pytest

from service.api_keys import ApiKey, parse_keys
from service.contract.key_limits import KeyUsage
from service.contract.keys import check_key
from service.errors import SignError
from service.metrics import Metrics
from service.settings import Settings


def usage(**limits: int) -> KeyUsage:
    return KeyUsage(ApiKey("secret", "lab", **limits), Metrics())


def refusal(caught: pytest.ExceptionInfo[SignError]) -> tuple[str, int]:
    assert (caught.value.retry_after_s or 0) > 0
    return caught.value.code, caught.value.status


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the limits see, in seconds."""
    now = [1000.0]
    monkeypatch.setattr("service.contract.key_limits.time.monotonic", lambda: now[0])
    return now


def test_a_key_is_written_with_a_name_and_limits_or_without() -> None:
    keys = parse_keys(("a=b+/==", "sha256:00;name=lab;requests=60;jobs=5; sessions=2 ;bytes=1000"), "api")
    assert keys == (ApiKey("a=b+/==", "api-1"), ApiKey("sha256:00", "lab", 60, 5, 2, 1000))


@pytest.mark.parametrize(
    "entry",
    [";name=lab", "key;limit=3", "key;requests", "key;requests=0", "key;requests=-1", "key;bytes=1e9", "key;name="],
)
def test_what_is_written_wrongly_is_said_without_the_key(entry: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - its words are what is asked
        Settings(api_keys=(entry,))
    assert "name" in str(caught.value) or "whole number" in str(caught.value) or "no key" in str(caught.value)
    with pytest.raises(ValueError, match="the same name"):
        Settings(api_keys=("a;name=x", "b;name=x"))


def test_a_key_is_told_by_its_name() -> None:
    settings = Settings(api_keys=("first", "second;name=lab"), admin_keys=("boss",))
    assert [check_key(given, settings) for given in ("first", "second", "boss")] == ["api-1", "lab", "admin-1"]
    with pytest.raises(SignError, match="not one of those"):
        check_key("second;name=lab", settings)


def test_so_many_requests_come_at_once_and_then_one_by_one(clock: list[float]) -> None:
    key = usage(requests=3)
    for _ in range(3):
        key.count_request()
    with pytest.raises(SignError, match="3 times a minute") as caught:
        key.count_request()
    assert refusal(caught) == ("rate-limited", 429)
    assert caught.value.retry_after_s == pytest.approx(20.0)
    clock[0] += 20.0
    key.count_request()
    with pytest.raises(SignError):
        key.count_request()


def test_bytes_are_counted_over_a_day_and_what_is_only_announced_is_not(clock: list[float]) -> None:
    key = usage(bytes=1000)
    key.check_bytes(1000)
    key.count_bytes(600)
    with pytest.raises(SignError, match="1,000 bytes a day") as caught:
        key.check_bytes(500)
    assert refusal(caught) == ("quota-exceeded", 429)
    key.count_bytes(400)
    with pytest.raises(SignError):
        key.count_bytes(1)
    clock[0] += 86400.0
    key.count_bytes(1000)


def test_more_than_a_day_allows_is_never_allowed(clock: list[float]) -> None:
    clock[0] += 1.0
    with pytest.raises(SignError) as caught:
        usage(bytes=1000).check_bytes(1001)
    assert caught.value.retry_after_s == 86400.0


def test_sessions_and_jobs_are_counted_while_they_last() -> None:
    key = usage(sessions=1, jobs=2)
    with key.session(), pytest.raises(SignError, match="1 live sessions") as caught, key.session():
        pass
    assert refusal(caught) == ("quota-exceeded", 429)
    with key.session():
        pass
    with key.submission(1), pytest.raises(SignError, match="2 unfinished jobs"), key.submission(1):
        pass
    with key.submission(1):
        pass
    with pytest.raises(SignError), key.submission(2):
        pass


def test_a_key_without_limits_and_nobodys_key_are_never_refused() -> None:
    for key in (usage(), KeyUsage(None, Metrics())):
        for _ in range(1000):
            key.count_request()
        key.count_bytes(10**15)
        with key.session(), key.session(), key.submission(10**6):
            pass
