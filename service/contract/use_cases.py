"""The three use cases, each described once: routes, jobs, commands and embedders read these tables."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from service.analysis.exporting import moments_answer, signs_answer
from service.analysis.highlights import HIGHLIGHTS as HIGHLIGHTS_TASK
from service.analysis.highlights import highlights
from service.analysis.predict import PREDICT as PREDICT_TASK
from service.analysis.predict import predict
from service.analysis.prediction import Prediction
from service.analysis.task import ChunkedTask, TaskRequest
from service.analysis.timeline import TIMELINE as TIMELINE_TASK
from service.analysis.timeline import timeline
from service.context import AppContext
from service.contract.answers import HighlightsBody, PredictBody, TimelineBody
from service.contract.options import HighlightsOptions, MediumOptions, PredictOptions, TimelineOptions
from service.contract.requests import make_highlights_request, make_predict_request, make_timeline_request
from service.export.formats import HIGHLIGHT_FORMATS, TIMELINE_FORMATS, Format
from service.media.medium import Medium
from service.registry.registry import ServedModel

OptionsT = TypeVar("OptionsT", bound=MediumOptions)
RequestT = TypeVar("RequestT", bound=TaskRequest)
AnswerT = TypeVar("AnswerT")
BodyT = TypeVar("BodyT", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCase(Generic[OptionsT, RequestT, AnswerT, BodyT]):
    """What can be asked of a medium, whichever the door.

    name: of its route, job and command. task: the use case in chunks, as jobs and commands do it. make_request: what
    the options ask of a medium and a model. answer: before a deadline. keeps_windows: whether each window's own answer,
    or each sample's, is asked for; with_windows: the answer with those that its chunks gave. to_body: the answer as
    json shows it; to_export: as its formats are written from, with the medium's name.
    """

    name: str
    summary: str
    job_summary: str
    options: type[OptionsT]
    body: type[BodyT]
    task: ChunkedTask[RequestT, Any, AnswerT]
    make_request: Callable[[OptionsT, Medium, AppContext, ServedModel], RequestT]
    answer: Callable[[RequestT, OptionsT, AppContext], Coroutine[Any, Any, AnswerT]]
    to_body: Callable[[AnswerT, OptionsT], BodyT]
    formats: Mapping[str, Format[Any]]
    to_export: Callable[[AnswerT, str], Any]
    keeps_windows: Callable[[OptionsT], bool] = lambda _: False
    with_windows: Callable[[AnswerT, Sequence[Prediction]], AnswerT] = lambda answer, _: answer


def _no_export(_answer: object, _name: str) -> None:
    raise ValueError("json is the only format")


PREDICT = UseCase(
    name="predict",
    summary="One answer for a picture, a video, or a part of it",
    job_summary="One answer, as /predict gives it",
    options=PredictOptions,
    body=PredictBody,
    task=PREDICT_TASK,
    make_request=make_predict_request,
    answer=lambda request, _options, context: predict(request, context),
    to_body=lambda answer, options: PredictBody.of_answer(
        answer,
        top_k=options.top_k,
        with_probabilities=options.return_probabilities,
        with_frames=options.return_frames,
    ),
    formats={},
    to_export=_no_export,
)

TIMELINE = UseCase(
    name="timeline",
    summary="What is signed when",
    job_summary="What is signed when, as /timeline answers",
    options=TimelineOptions,
    body=TimelineBody,
    task=TIMELINE_TASK,
    make_request=make_timeline_request,
    answer=lambda request, options, context: timeline(request, context, keep_windows=options.return_windows),
    to_body=lambda answer, options: TimelineBody.of(
        answer, with_windows=options.return_windows, with_probabilities=options.return_probabilities
    ),
    formats=TIMELINE_FORMATS,
    to_export=signs_answer,
    keeps_windows=lambda options: options.return_windows,
    with_windows=lambda answer, windows: replace(answer, windows=tuple(windows)),
)

HIGHLIGHTS = UseCase(
    name="highlights",
    summary="Tension over time and the moments that stand out",
    job_summary="The moments that stand out, as /highlights answers",
    options=HighlightsOptions,
    body=HighlightsBody,
    task=HIGHLIGHTS_TASK,
    make_request=make_highlights_request,
    answer=lambda request, _options, context: highlights(request, context),
    to_body=lambda answer, _options: HighlightsBody.of(answer),
    formats=HIGHLIGHT_FORMATS,
    to_export=moments_answer,
    keeps_windows=lambda options: options.return_series,
)

AnyUseCase = UseCase[Any, Any, Any, Any]
USE_CASES: Mapping[str, AnyUseCase] = {case.name: case for case in (PREDICT, TIMELINE, HIGHLIGHTS)}
