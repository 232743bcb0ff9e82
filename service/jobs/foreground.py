"""Foreground: all chunks of a use case one after the other, for somebody who waits; nothing is written down between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from service.analysis.house import House
from service.analysis.prediction import Prediction
from service.jobs.work import Work, WorkState
from service.spotting.segment import Segment

RequestT = TypeVar("RequestT")
StateT = TypeVar("StateT", bound=WorkState)
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Finished(Generic[AnswerT]):
    """The answer, and each window's own where they were to be kept."""

    answer: AnswerT
    windows: Sequence[Prediction]


async def work_through(
    work: Work[RequestT, StateT, AnswerT],
    request: RequestT,
    house: House,
    *,
    keep_windows: bool = False,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Finished[AnswerT]:
    """The answer that a job would give; memory is flat in the medium's length unless windows are kept.

    on_progress is told how much more is done, as a share of all. Raises SignError as the use case does.
    """
    state = work.begin(request)
    segments: list[Segment] = []
    windows: list[Prediction] = []
    progress, done = 0.0, state.over
    while not done:
        gained = await work.chunk(request, state, house)
        if gained is None:
            continue  # somebody else came first
        segments += gained.segments
        if keep_windows:
            windows += gained.windows
        on_progress(gained.progress - progress)
        progress, done = gained.progress, gained.done
    return Finished(await work.finish(request, state, tuple(segments), house), windows)
