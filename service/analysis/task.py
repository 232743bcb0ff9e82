"""A task in chunks: what each use case is, and how one is taken to its end for somebody who waits."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import Field, dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from service.analysis.clip import ClipRequest
from service.analysis.prediction import Prediction
from service.analysis.walk import Cursor, Walk
from service.spotting.segment import Segment


class TaskRequest(Protocol):
    """What a caller asks of one clip: a dataclass, whose fields a job writes down."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def clip(self) -> ClipRequest: ...


class TaskState(Protocol):
    """What a task remembers between two chunks; it can be pickled."""

    cursor: Cursor


RequestT = TypeVar("RequestT", bound=TaskRequest)
StateT = TypeVar("StateT", bound=TaskState)
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """What one chunk brought: segments that are final, and windows' own answers."""

    segments: Sequence[Segment] = ()
    windows: Sequence[Prediction] = ()


@dataclass(frozen=True, slots=True)
class ChunkedTask(Generic[RequestT, StateT, AnswerT]):
    """A use case in chunks.

    check: SignError where the model cannot answer the request. begin: the state before the first chunk. next_chunk:
    moves the state on; None where an interactive request came first. finish: the answer, from the last state and all
    segments.
    """

    request: type[RequestT]
    answer: type[AnswerT]
    check: Callable[[RequestT], object]
    begin: Callable[[RequestT], StateT]
    next_chunk: Callable[[RequestT, StateT, Walk], Awaitable[ChunkResult | None]]
    finish: Callable[[RequestT, StateT, tuple[Segment, ...], Walk], Awaitable[AnswerT]]


AnyTask = ChunkedTask[Any, Any, Any]


async def run(
    task: ChunkedTask[RequestT, StateT, AnswerT],
    request: RequestT,
    walk: Walk,
    *,
    windows: list[Prediction] | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> AnswerT:
    """The answer, after all chunks, one after the other; memory is flat in the medium's length unless windows are kept.

    windows: where each window's own answer is added, if it is wanted. on_progress is told how much more is done, as a
    share of all. Raises SignError as the use case does.
    """
    state = task.begin(request)
    segments: list[Segment] = []
    progress = 0.0
    try:
        while not state.cursor.is_over:
            result = await task.next_chunk(request, state, walk)
            if result is None:
                continue  # somebody else came first
            segments += result.segments
            if windows is not None:
                windows += result.windows
            on_progress(state.cursor.progress - progress)
            progress = state.cursor.progress
    finally:
        if walk.ahead is not None:
            walk.ahead.close()
    return await task.finish(request, state, tuple(segments), walk)
