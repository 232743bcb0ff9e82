"""What is known of a job, as plain values."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from service.errors import SignError
from service.spotting.segment import Segment

State = Literal["queued", "running", "succeeded", "failed", "cancelled"]
STATES: tuple[State, ...] = ("queued", "running", "succeeded", "failed", "cancelled")
UNFINISHED: tuple[State, ...] = ("queued", "running")
ENDED: tuple[State, ...] = ("succeeded", "failed", "cancelled")

Segments = TypeAdapter(tuple[Segment, ...])
_Error = TypeAdapter(dict[str, Any])


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as it is submitted.

    owner: whose it is, a digest of the API key, empty where none is needed. request: the use case's own, as JSON,
    without the medium. options: how the answer is shown, kept for whoever shows it. keeps_windows: whether each
    window's own answer, or each sample's, is asked for. fingerprint: a digest of all that was asked, the medium
    included; None of a job that an earlier release took. webhook: the address that is told of its end.
    """

    kind: str
    owner: str
    model: str
    version: int
    request: bytes
    options: bytes
    media_name: str = ""
    keeps_windows: bool = False
    idempotency_key: str | None = None
    fingerprint: str | None = None
    webhook: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the table has it. Times are seconds since the epoch.

    chunks: how many have been finished; tries: how often the present one has been tried before; attempts: how often
    work was begun, after an interruption again. work_s: time spent on the finished chunks. replica: who works on it,
    and may write of it; lost: how many replicas the present chunk has cost.
    """

    id: str
    spec: JobSpec
    state: State
    created: float
    started: float | None
    ended: float | None
    progress: float
    work_s: float
    chunks: int
    tries: int
    attempts: int
    replica: str | None
    lost: int
    error: SignError | None

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED

    @property
    def eta_s(self) -> float | None:
        """Seconds of work that are still to come, as the chunks so far suggest; None where that is not known."""
        if self.state != "running" or not 0 < self.progress <= 1:
            return None
        return self.work_s * (1 - self.progress) / self.progress


@dataclass(frozen=True, slots=True)
class ChunkNote:
    """What a finished chunk brought: the segments that are final since, and the job's progress after it.

    attempt: which of the job's attempts did it; 0: one of a release that did not say.
    """

    number: int
    progress: float
    segments: tuple[Segment, ...]
    attempt: int = 0


def error_json(error: SignError) -> bytes:
    """An error as the table keeps it."""
    return _Error.dump_json({"code": error.code, "detail": error.detail, "limit": error.limit, "actual": error.actual})


def error_of(text: str | bytes) -> SignError:
    """The error that `error_json` wrote."""
    return SignError(**_Error.validate_json(text))
