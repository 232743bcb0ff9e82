"""What the job routes answer with."""

from datetime import UTC, datetime
from typing import Self

from pydantic import BaseModel

from service.contract.answers import SegmentBody
from service.contract.problem_details import Problem, problem_details
from service.jobs.spec import Job, State
from service.spotting.segment import Segment


class JobModel(BaseModel):
    """The model that a job asks. Of one that is yet to be made the version is null: the job's result says it."""

    name: str
    version: int | None


class JobBody(BaseModel):
    """A job: its state, how far it is, and when it ends as far as that can be told (eta, seconds)."""

    id: str
    kind: str
    state: State
    progress: float
    eta: float | None
    attempts: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    model: JobModel
    media_name: str
    error: Problem | None

    @classmethod
    def of(cls, job: Job, retention_h: float) -> Self:
        return cls(
            id=job.id,
            kind=job.spec.kind,
            state=job.state,
            progress=job.progress,
            eta=job.eta_s,
            attempts=job.attempts,
            created_at=_moment(job.created),
            started_at=None if job.started is None else _moment(job.started),
            ended_at=None if job.ended is None else _moment(job.ended),
            expires_at=None if job.ended is None else _moment(job.ended + 3600 * retention_h),
            model=JobModel(name=job.spec.model, version=job.spec.version or None),
            media_name=job.spec.media_name,
            error=None if job.error is None else Problem(**problem_details(job.error, job.id)),
        )


class JobWithSegments(JobBody):
    """A job and the segments that it has found so far; they do not change any more."""

    segments: list[SegmentBody]

    @classmethod
    def found(cls, job: Job, retention_h: float, segments: list[Segment]) -> Self:
        known = JobBody.of(job, retention_h).model_dump(exclude_unset=True)
        return cls(**known, segments=[SegmentBody.of(segment) for segment in segments])


class JobsPage(BaseModel):
    """Jobs, newest first; next_cursor asks for those after them."""

    jobs: list[JobBody]
    next_cursor: str | None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
