"""Work: what a kind of job does with each chunk, and how it ends. Its state is pickled between chunks."""

import dataclasses
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from service.analysis.highlights import HighlightsRequest
from service.analysis.looking import Part
from service.analysis.predict import PredictRequest
from service.analysis.prediction import Prediction
from service.analysis.timeline import TimelineRequest
from service.context import AppContext
from service.jobs.stretch import Reached
from service.media.medium import Medium
from service.registry.registry import ServedModel
from service.spotting.segment import Segment
from service.workers.deadline import Deadline

UseCaseRequest = PredictRequest | TimelineRequest | HighlightsRequest
RequestT = TypeVar("RequestT", bound=UseCaseRequest)
StateT = TypeVar("StateT", bound="WorkState")
AnswerT = TypeVar("AnswerT")


class WorkState(Protocol):
    """What a kind of job remembers between two chunks. over: there is none to come."""

    over: bool


_KEPT = ("start_s", "duration_s", "mirrored")
"""What is written down of a part."""


@dataclass(frozen=True, slots=True)
class Gained:
    """What one chunk brought: segments that are final, windows' own answers, how far the job is, 0 to 1."""

    progress: float
    done: bool
    segments: Sequence[Segment] = ()
    windows: Sequence[Prediction] = ()


@dataclass(frozen=True, slots=True)
class Work(Generic[RequestT, StateT, AnswerT]):
    """A use case in chunks.

    begin: the state before the first chunk. chunk: moves the state on; None where an interactive request came first.
    finish: the answer, from the last state and all segments.
    """

    request: type[RequestT]
    answer: type[AnswerT]
    begin: Callable[[RequestT], StateT]
    chunk: Callable[[RequestT, StateT, AppContext], Awaitable[Gained | None]]
    finish: Callable[[RequestT, StateT, tuple[Segment, ...], AppContext], Awaitable[AnswerT]]

    def request_json(self, request: RequestT) -> bytes:
        """The request as it is kept: without its medium, its deadline and its model, which the job names."""
        fields = {field.name: getattr(request, field.name) for field in dataclasses.fields(request)}
        part: Part = fields["part"]
        return json.dumps(fields | {"part": {name: getattr(part, name) for name in _KEPT}}).encode()

    def request_of(self, text: bytes, medium: Medium, model: ServedModel) -> RequestT:
        """The request for this medium, which lies somewhere else now, and this model."""
        fields: dict[str, Any] = json.loads(text)
        kept = {name: fields["part"][name] for name in _KEPT}
        return self.request(**fields | {"part": Part(medium, Deadline.after(0.0), model, **kept)})

    def answer_json(self, answer: AnswerT) -> bytes:
        """The answer as it is kept."""
        return TypeAdapter(self.answer).dump_json(answer, by_alias=True)

    def answer_of(self, text: bytes) -> AnswerT:
        """The answer that was kept."""
        return TypeAdapter(self.answer).validate_json(text)


AnyWork = Work[Any, Any, Any]


def window_json(window: Prediction) -> bytes:
    """A window's own answer as a line of text."""
    return TypeAdapter(Prediction).dump_json(window)


def window_of(line: bytes) -> Prediction:
    """The window's answer that `window_json` wrote."""
    return TypeAdapter(Prediction).validate_json(line)


def first(part: Part) -> Reached:
    """Nothing has been looked at yet."""
    return Reached(covered_s=part.start_s)
