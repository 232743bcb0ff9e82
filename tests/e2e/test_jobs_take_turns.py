"""A job behind interactive load that never ends gets its turn within the stated time."""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.jobs_made import job_of, serving, submit
from tests.running import SAMPLES, RunningService, wait_until

WAIT_S = 2.0
CALLERS = 3
TURNS = 3
LETTER = (SAMPLES / "letter_a_right_light.mp4").read_bytes()


class Load:
    """Callers who ask again as soon as they are answered, so that some always wait for the one slot."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._over = threading.Event()
        self._callers = [threading.Thread(target=self._ask) for _ in range(CALLERS)]
        self.answers_s: list[float] = []

    def _ask(self) -> None:
        with httpx.Client(base_url=self._service.url, timeout=120) as client:
            while not self._over.is_set():
                began = time.monotonic()
                assert client.post("/predict", content=LETTER).status_code == 200
                self.answers_s.append(time.monotonic() - began)

    @contextlib.contextmanager
    def running(self) -> Iterator["Load"]:
        """In the block they ask; it begins when each was answered once."""
        for caller in self._callers:
            caller.start()
        try:
            wait_until(lambda: len(self.answers_s) >= CALLERS, 60, "nobody is answered")
            yield self
        finally:
            self._over.set()
            for caller in self._callers:
                caller.join()


def progress_of(service: RunningService, location: str) -> float:
    return float(service.client.get(location).json()["progress"])


def chunks_s(service: RunningService, location: str, most: int, within_s: float) -> list[float]:
    """When each of the job's next chunks was done, by the monotonic clock; fewer than `most` where the time is over."""
    found: list[float] = []
    reached, end = progress_of(service, location), time.monotonic() + within_s
    while len(found) < most and time.monotonic() < end:
        now = progress_of(service, location)
        if now > reached:
            reached = now
            found.append(time.monotonic())
        time.sleep(0.02)
    return found


@pytest.fixture(scope="module")
def alone_s(jobs_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long a chunk takes at most where nobody else asks."""
    with serving(tmp_path_factory.mktemp("alone")) as service:
        began = time.monotonic()
        done = [began, *chunks_s(service, job_of(submit(service, jobs_clip)), TURNS, 60)]
        assert len(done) == TURNS + 1
        return max(later - earlier for earlier, later in zip(done, done[1:], strict=False))


@pytest.mark.timeout(300)
def test_each_chunk_comes_within_the_stated_time_of_a_load_that_never_ends(
    jobs_clip: Path, tmp_path: Path, alone_s: float
) -> None:
    with serving(tmp_path, SIGN_JOBS_WAIT_S=str(WAIT_S)) as service, Load(service).running() as load:
        began = time.monotonic()
        done = [began, *chunks_s(service, job_of(submit(service, jobs_clip)), TURNS, 120)]
        answered = len(load.answers_s)
    assert len(done) == TURNS + 1
    waited = [later - earlier for earlier, later in zip(done, done[1:], strict=False)]
    assert max(waited) < WAIT_S + max(load.answers_s) + 3 * alone_s
    assert answered >= TURNS * CALLERS  # and the callers were answered all the while


@pytest.mark.timeout(300)
def test_without_it_the_same_load_leaves_the_job_no_turn(jobs_clip: Path, tmp_path: Path, alone_s: float) -> None:
    with serving(tmp_path, SIGN_JOBS_WAIT_S="3600") as service, Load(service).running():
        location = job_of(submit(service, jobs_clip))
        assert chunks_s(service, location, 1, 2 * WAIT_S + 3 * alone_s) == []
