"""Foreground: all chunks of a use case one after the other, for somebody who waits; nothing is written down between.

So a /timeline of pixels goes through in pieces, and one of landmarks is looked at by all free slots together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from service.analysis.looking import looker_of, sign_section
from service.analysis.prediction import Prediction
from service.analysis.timeline import TimelineAnswer, TimelineRequest, timeline
from service.context import AppContext
from service.jobs.timeline import TIMELINE
from service.jobs.work import RequestT, Work, WorkState
from service.media.sampling import Rate
from service.spotting.segment import Segment

StateT = TypeVar("StateT", bound=WorkState)
AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Finished(Generic[AnswerT]):
    """The answer, and each window's own where they were to be kept."""

    answer: AnswerT
    windows: Sequence[Prediction]


async def timeline_now(request: TimelineRequest, house: AppContext, *, keep_windows: bool = False) -> TimelineAnswer:
    """What /timeline answers, before jobs, by a deadline; memory is flat in the medium's length for models of pixels.

    Raises SignError as `timeline` does.
    """
    part = request.part
    sign_section(part.model.manifest)
    _, eye = looker_of(part.model)
    shared = isinstance(eye.sampling, Rate) and house.slots.free_for("interactive") > 1
    if eye.samples_windows or not (eye.request.kept_bytes or shared):
        return await timeline(request, house)  # of clips, pieces of its own
    state = TIMELINE.begin(request)
    state.reached.standing = "interactive"
    done = await _to_the_end(TIMELINE, request, state, house, keep_windows=keep_windows)
    return replace(done.answer, windows=tuple(done.windows))


async def work_through(
    work: Work[RequestT, StateT, AnswerT],
    request: RequestT,
    house: AppContext,
    *,
    keep_windows: bool = False,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Finished[AnswerT]:
    """The answer that a job would give; memory is flat in the medium's length unless windows are kept.

    on_progress is told how much more is done, as a share of all. Raises SignError as the use case does.
    """
    return await _to_the_end(
        work, request, work.begin(request), house, keep_windows=keep_windows, on_progress=on_progress
    )


async def _to_the_end(
    work: Work[RequestT, StateT, AnswerT],
    request: RequestT,
    state: StateT,
    house: AppContext,
    *,
    keep_windows: bool,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Finished[AnswerT]:
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
