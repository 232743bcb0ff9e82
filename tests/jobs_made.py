"""What tests of jobs share: long media, and how a job is submitted and waited for."""

import contextlib
import itertools
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import av
import httpx

from tests.running import SAMPLES, RunningService, running_service, wait_until

WORDS = ("word_cab_left_brown", "word_fly_right_tan", "letter_a_right_light", "letter_j_right_light")


def long_clip(path: Path, seconds: float, names: tuple[str, ...] = WORDS) -> Path:
    """The samples one after the other, again and again, as one video of so many seconds."""
    wanted = round(seconds * 30)
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=30)
        stream.options = {"preset": "ultrafast"}
        stream.pix_fmt = "yuv420p"
        for count, frame in enumerate(itertools.islice(_frames(names), wanted)):
            if not count:
                stream.width, stream.height = frame.width, frame.height
            pixels = frame.reformat(stream.width, stream.height, "rgb24").to_ndarray()
            target.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        target.mux(stream.encode())
    return path


def _frames(names: tuple[str, ...]) -> "itertools.chain[av.VideoFrame]":
    return itertools.chain.from_iterable(map(_frames_of, itertools.cycle(names)))


def _frames_of(name: str) -> list[av.VideoFrame]:
    with av.open(str(SAMPLES / f"{name}.mp4")) as source:
        return list(source.decode(video=0))


def submit(
    service: RunningService, medium: Path | bytes, kind: str = "timeline", key: str | None = None, **options: Any
) -> httpx.Response:
    """POST /jobs/KIND with the medium as the body."""
    content = medium if isinstance(medium, bytes) else medium.read_bytes()
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    params = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in options.items()}
    return service.client.post(f"/jobs/{kind}", content=content, params=params, headers=headers)


def job_of(response: httpx.Response) -> str:
    """Where a job that was taken is to be found."""
    assert response.status_code == 202, response.text
    return response.headers["location"]


def ended(service: RunningService, location: str, seconds: float = 60) -> dict[str, Any]:
    """The job, as soon as it has ended."""
    wait_until(
        lambda: service.client.get(location).json()["state"] in ("succeeded", "failed"),
        seconds,
        f"the job does not end: {service.client.get(location).text}",
    )
    job: dict[str, Any] = service.client.get(location).json()
    return job


def serving(folder: Path, **settings: str) -> "contextlib.AbstractContextManager[RunningService]":
    """A service with one slot, and short chunks."""
    chosen = {"SIGN_SLOTS": "1", "SIGN_JOBS_DIR": str(folder / "jobs"), "SIGN_JOBS_CHUNK_S": "3", **settings}
    return running_service(folder, **chosen)


@contextlib.contextmanager
def replicas(folder: Path, database: str, count: int, **settings: str) -> Iterator[list[RunningService]]:
    """So many services that share a database in PostgreSQL and a folder."""
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(count) as pool:

        def start(number: int) -> RunningService:
            return stack.enter_context(replica(folder, database, str(number), **settings))

        yield list(pool.map(start, range(count)))


def replica(
    folder: Path, database: str, name: str, **settings: str
) -> "contextlib.AbstractContextManager[RunningService]":
    """One of them; its log lies in a folder of this name, and its files where they share a store and no disk."""
    (folder / name).mkdir()
    files = folder / name if "SIGN_JOBS_STORE_URL" in settings else folder
    shared = {"SIGN_JOBS_DATABASE_URL": database, "SIGN_JOBS_DIR": str(files / "jobs")}
    return serving(folder / name, **{**shared, **settings})


def worker(services: list[RunningService]) -> RunningService:
    """The one of them that is at work, as soon as one is."""
    found: list[RunningService] = []

    def looks() -> bool:
        found[:] = [one for one in services if one.metric('sign_slots{state="busy"}') == 1]
        return len(found) == 1

    wait_until(looks, 60, "no replica works, or more than one")
    return found[0]


def problem(response: httpx.Response) -> tuple[int, str]:
    """Status and code of an error."""
    return response.status_code, response.json()["code"]


def result(service: RunningService, location: str, **params: str) -> dict[str, Any]:
    """The answer of a job that succeeded."""
    response = service.client.get(f"{location}/result", params=params)
    assert response.status_code == 200, response.text
    return dict(response.json())


def at_work(service: RunningService, location: str) -> None:
    """Wait until the job has finished a chunk, and another is to come."""
    wait_until(
        lambda: service.client.get(location).json()["progress"] > 0,
        60,
        f"the job does not start: {service.client.get(location).text}",
    )


def kept(folder: Path) -> list[Path]:
    """Files of jobs, without the databases and locks."""
    return [path for path in (folder / "jobs").rglob("*") if path.is_file() and len(path.parent.name) == 36]


def told(service: RunningService, location: str, last: str | None = None) -> list[dict[str, Any]]:
    """A job's events up to its end."""
    headers = {} if last is None else {"Last-Event-ID": last}
    found: list[dict[str, Any]] = []
    with service.client.stream("GET", f"{location}/events", headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        for line in response.iter_lines():
            name, _, value = line.partition(": ")
            if name in ("event", "id"):
                event[name] = value
            elif name == "data":
                event["data"] = json.loads(value)
            elif not line and event:
                found.append(event)
                event = {}
    return found
