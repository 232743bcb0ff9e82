"""The kinds of jobs as the routes know them: what each can be asked, and how its answer is shown."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fastapi.responses import JSONResponse, Response, StreamingResponse

from service.analysis.highlights import HighlightsAnswer
from service.analysis.house import House
from service.analysis.predict import PredictAnswer
from service.analysis.suitable import check_highlights, check_predict, check_timeline
from service.analysis.timeline import TimelineAnswer
from service.api.answers import WINDOW_TOP_K, HighlightsBody, PredictBody, PredictionBody, TimelineBody
from service.api.highlights import exported_moments, highlights_asked
from service.api.options import HighlightsOptions, MediumOptions, PredictOptions, TimelineOptions
from service.api.predict import predict_asked
from service.api.timeline import exported, timeline_asked
from service.errors import SignError
from service.export.formats import HIGHLIGHT_FORMATS, TIMELINE_FORMATS, Format
from service.jobs.jobs import Jobs
from service.jobs.record import Job
from service.media.medium import Medium
from service.registry.registry import ServedModel

OptionsT = TypeVar("OptionsT", bound=MediumOptions)


@dataclass(frozen=True, slots=True)
class JobKind(Generic[OptionsT]):
    """A kind of job.

    ask: the use case's request. check: raises where its model cannot answer it. show: the answer as json, or in one of
    `formats`. keeps_windows: whether each window's own answer, or each sample's, is asked for.
    """

    summary: str
    options: type[OptionsT]
    formats: Mapping[str, Format[Any]]
    ask: Callable[[OptionsT, Medium, House, ServedModel], Any]
    check: Callable[[Any], None]
    show: Callable[[Jobs, Job, OptionsT, Any, str], Awaitable[Response]]
    keeps_windows: Callable[[OptionsT], bool] = lambda _: False

    def format_of(self, wanted: str | None) -> str:
        """The format that is wanted, json where none is; SignError format-not-acceptable."""
        known = ("json", *self.formats)
        if wanted is not None and wanted not in known:
            raise SignError("format-not-acceptable", f"This job's answer comes as: {', '.join(known)}.")
        return wanted or "json"


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


async def _show_highlights(
    _jobs: Jobs, job: Job, _options: HighlightsOptions, answer: HighlightsAnswer, format_name: str
) -> Response:
    if format_name != "json":
        return await exported_moments(answer, format_name, job.draft.media_name, {})
    return JSONResponse(await asyncio.to_thread(lambda: HighlightsBody.of(answer).model_dump(exclude_unset=True)))


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
        "One answer, as /predict gives it", PredictOptions, {}, predict_asked, check_predict, _show_predict
    ),
    "timeline": JobKind(
        "What is signed when, as /timeline answers",
        TimelineOptions,
        TIMELINE_FORMATS,
        timeline_asked,
        check_timeline,
        _show_timeline,
        lambda options: options.return_windows,
    ),
    "highlights": JobKind(
        "The moments that stand out, as /highlights answers",
        HighlightsOptions,
        HIGHLIGHT_FORMATS,
        highlights_asked,
        check_highlights,
        _show_highlights,
        lambda options: options.return_series,
    ),
}
