"""The kinds of jobs as the routes know them: what each can be asked, and how its answer is shown."""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi.responses import JSONResponse, Response, StreamingResponse

from service.analysis.house import House
from service.analysis.looking import looker_of, sign_section
from service.analysis.predict import PredictAnswer, PredictRequest
from service.analysis.timeline import TimelineAnswer, TimelineRequest, times_of
from service.api.answers import WINDOW_TOP_K, PredictBody, PredictionBody, TimelineBody
from service.api.options import MediumOptions, PredictOptions, TimelineOptions
from service.api.predict import predict_asked
from service.api.timeline import exported, timeline_asked
from service.errors import SignError
from service.export.formats import TIMELINE_FORMATS
from service.jobs.jobs import Jobs
from service.jobs.record import Job
from service.media.medium import Medium
from service.registry.registry import ServedModel

OptionsT = TypeVar("OptionsT", bound=MediumOptions)


@dataclass(frozen=True, slots=True)
class JobKind(Generic[OptionsT]):
    """A kind of job.

    ask: the use case's request. check: raises where the model cannot answer it. show: the answer in a format, which
    is one of `formats`. keeps_windows: whether each window's own answer is asked for.
    """

    summary: str
    options: type[OptionsT]
    formats: tuple[str, ...]
    ask: Callable[[OptionsT, Medium, House], Any]
    check: Callable[[Any, ServedModel], None]
    show: Callable[[Jobs, Job, OptionsT, Any, str], Awaitable[Response]]
    keeps_windows: Callable[[OptionsT], bool] = lambda _: False

    def format_of(self, wanted: str | None) -> str:
        """The format that is wanted, json where none is; SignError format-not-acceptable."""
        if wanted is not None and wanted not in self.formats:
            raise SignError("format-not-acceptable", f"This job's answer comes as: {', '.join(self.formats)}.")
        return wanted or "json"


def _signs(_asked: PredictRequest | TimelineRequest, model: ServedModel) -> None:
    sign_section(model.manifest)
    looker_of(model)


def _timed_signs(asked: TimelineRequest, model: ServedModel) -> None:
    _signs(asked, model)
    times_of(asked, model.manifest)


async def _show_predict(
    _jobs: Jobs, _job: Job, options: PredictOptions, answer: PredictAnswer, _format: str
) -> Response:
    body = PredictBody.of_answer(
        answer,
        top_k=options.top_k,
        with_probabilities=options.return_probabilities,
        with_frames=options.return_frames,
    )
    return JSONResponse(body.model_dump(exclude_unset=True))


async def _show_timeline(
    jobs: Jobs, job: Job, options: TimelineOptions, answer: TimelineAnswer, format_name: str
) -> Response:
    if format_name != "json":
        return await exported(answer, format_name, job.draft.media_name, {})
    body = TimelineBody.of(answer, with_windows=False, with_probabilities=False).model_dump(exclude_unset=True)
    if not options.return_windows:
        return JSONResponse(body)
    return StreamingResponse(_with_windows(body, jobs, job, options), media_type="application/json")


def _with_windows(body: dict[str, Any], jobs: Jobs, job: Job, options: TimelineOptions) -> Iterator[str]:
    """The body and its windows, which are read one at a time: there may be very many."""
    yield json.dumps(body, ensure_ascii=False, separators=(",", ":"))[:-1] + ',"windows":['
    comma = ""
    for window in jobs.windows(job):
        shown = PredictionBody.of(window, top_k=WINDOW_TOP_K, with_probabilities=options.return_probabilities)
        yield comma + shown.model_dump_json(exclude_unset=True)
        comma = ","
    yield "]}"


JOB_KINDS: Mapping[str, JobKind[Any]] = {
    "predict": JobKind(
        "One answer, as /predict gives it", PredictOptions, ("json",), predict_asked, _signs, _show_predict
    ),
    "timeline": JobKind(
        "What is signed when, as /timeline answers",
        TimelineOptions,
        ("json", *TIMELINE_FORMATS),
        timeline_asked,
        _timed_signs,
        _show_timeline,
        lambda options: options.return_windows,
    ),
}
