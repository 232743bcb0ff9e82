"""Work: what a kind of job does with each chunk, and how it ends. Its state is pickled between chunks."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from service.analysis.looking import Part
from service.analysis.prediction import Prediction
from service.context import AppContext
from service.jobs.stretch import Reached
from service.media.medium import Medium
from service.spotting.segment import Segment
from service.workers.deadline import Deadline

RequestT = TypeVar("RequestT")
StateT = TypeVar("StateT", bound="WorkState")
AnswerT = TypeVar("AnswerT")


class WorkState(Protocol):
    """What a kind of job remembers between two chunks. over: there is none to come."""

    over: bool


_NOT_KEPT: Final[Any] = {"part": {"medium", "deadline"}}


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

    def request_json(self, request: RequestT, version: int) -> bytes:
        """The request as it is kept: for this version of the model, without its medium and its deadline."""
        fields: dict[str, Any] = TypeAdapter(self.request).dump_python(request, mode="json", exclude=_NOT_KEPT)
        fields["part"]["version"] = version
        return json.dumps(fields).encode()

    def request_of(self, text: bytes, medium: Medium) -> RequestT:
        """The request for this medium, which lies somewhere else now."""
        fields: dict[str, Any] = json.loads(text)
        fields["part"] |= {"medium": medium, "deadline": Deadline.after(0.0)}
        return TypeAdapter(self.request).validate_python(fields)

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
