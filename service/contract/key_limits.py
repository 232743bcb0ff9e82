"""What each key has used of what it may: requests, bytes, jobs under way, live sessions. Of this process alone."""

import contextlib
import time
from collections.abc import Iterator
from typing import Final

from service.api_keys import ApiKey
from service.contract.rate_limiter import RateLimiter
from service.errors import Code, SignError
from service.metrics import Metrics
from service.settings import Settings

MINUTE_S: Final = 60.0
DAY_S: Final = 86400.0
_RETRY_S: Final = 30


class KeyUsage:
    """What one key has used; a key without limits, and everybody where no keys are needed, is never refused."""

    def __init__(self, key: ApiKey | None, metrics: Metrics) -> None:
        now_s = time.monotonic()
        self._key = key
        self._metrics = metrics
        requests, size = (None, None) if key is None else (key.requests, key.bytes)
        self._requests = None if requests is None else RateLimiter(requests / MINUTE_S, now_s, requests)
        self._bytes = None if size is None else RateLimiter(size / DAY_S, now_s, size)
        self._sessions = 0
        self._submitting = 0

    @property
    def most_jobs(self) -> int | None:
        """Jobs that may wait or run at a time; None where there is no such limit."""
        return None if self._key is None else self._key.jobs

    def count_request(self) -> None:
        """One request more; SignError rate-limited where that is too many in a minute."""
        now_s = time.monotonic()
        if self._key is None or self._requests is None or self._requests.allow(now_s):
            return
        limit = self._key.requests
        detail = f"This key may ask {limit} times a minute."
        raise self._refusal("rate-limited", detail, limit, self._requests.wait_s(now_s))

    def count_bytes(self, size: int) -> None:
        """So many bytes of media more; SignError quota-exceeded where that is too many in a day."""
        self.check_bytes(size)
        if self._bytes is not None:
            self._bytes.allow(time.monotonic(), size)

    def check_bytes(self, size: int) -> None:
        """Raise SignError quota-exceeded where so many bytes of media would be too many; nothing is counted."""
        if self._key is None or self._bytes is None:
            return
        wait_s = self._bytes.wait_s(time.monotonic(), size)
        if wait_s > 0.0:
            limit = self._key.bytes
            raise self._refusal("quota-exceeded", f"This key may send {limit:,} bytes a day.", limit, wait_s)

    @contextlib.contextmanager
    def session(self) -> Iterator[None]:
        """A live session for as long as the block lasts; SignError quota-exceeded where there are enough."""
        most = None if self._key is None else self._key.sessions
        if most is not None and self._sessions >= most:
            raise self._refusal("quota-exceeded", f"This key may have {most} live sessions at a time.", most, _RETRY_S)
        self._sessions += 1
        try:
            yield
        finally:
            self._sessions -= 1

    @contextlib.contextmanager
    def submission(self, unfinished: int) -> Iterator[None]:
        """A job more, submitted within the block; SignError quota-exceeded where there are enough.

        unfinished: jobs of this key that wait or run, without those that are being submitted.
        """
        most = self.most_jobs
        if most is not None and unfinished + self._submitting >= most:
            raise self._refusal("quota-exceeded", f"This key may have {most} unfinished jobs.", most, _RETRY_S)
        self._submitting += 1
        try:
            yield
        finally:
            self._submitting -= 1

    def _refusal(self, code: Code, detail: str, limit: int | None, wait_s: float) -> SignError:
        self._metrics.rejected.labels("key").inc()
        return SignError(code, detail, limit=limit, retry_after_s=min(wait_s, DAY_S))


class KeyUsages:
    """The usage of every key of the settings."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._by_name = {key.name: KeyUsage(key, metrics) for key in (*settings.keys, *settings.admins)}
        self._unlimited = KeyUsage(None, metrics)

    def of(self, name: str | None) -> KeyUsage:
        """The usage of the key of this name; None: no key is needed."""
        return self._unlimited if name is None else self._by_name[name]
