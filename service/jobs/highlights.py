"""The work of /jobs/highlights: the samples of /highlights, a few seconds of the medium at a time.

Only numbers are kept of each sample. What stands out depends on all of them, so it is found at the end, by the same
function, from the same numbers: each sample is looked at for itself, wherever a chunk begins.
"""

from dataclasses import dataclass, replace

import numpy as np

from service.analysis.highlights import (
    HighlightsAnswer,
    HighlightsRequest,
    answer_from,
    check_moving,
    eye_for,
    first_on_grid,
    section_for_highlights,
)
from service.analysis.looking import Look, looker_of
from service.analysis.samples import condensed
from service.context import AppContext
from service.errors import SignError
from service.jobs.stretch import WAIT_S, Reached, look_on
from service.jobs.work import Gained, Work
from service.spotting.segment import Segment
from service.track import Track
from service.workers.deadline import Deadline

MOST_SAMPLES = 100_000
"""Samples of one job: 14 hours at 2 a second. Their numbers are written down with every chunk."""


@dataclass(slots=True)
class HighlightsState:
    """Between two chunks: the numbers of all samples so far."""

    reached: Reached
    samples: Track | None = None
    over: bool = False


def _begin(request: HighlightsRequest) -> HighlightsState:
    """The first stretch begins where something is sampled, else it might hold nothing."""
    part, rate = request.part, request.sample_rate
    first_s = part.start_s if rate is None else first_on_grid(part.start_s, rate)
    is_inside = part.duration_s is None or first_s < part.start_s + part.duration_s
    return HighlightsState(Reached(covered_s=first_s if is_inside else part.start_s))


async def _chunk(request: HighlightsRequest, state: HighlightsState, house: AppContext) -> Gained | None:
    reached = state.reached
    seen = await look_on(request.part, reached, house, section_for_highlights(request), eye_for(request))
    if seen is None:
        return None
    check_moving(seen.track)
    fresh = await _fresh_numbers(seen, state.samples)
    if not request.with_series:
        fresh = replace(fresh, boxes=None)
    state.samples = fresh if state.samples is None else state.samples.followed_by(fresh)
    if len(state.samples) > MOST_SAMPLES:
        raise SignError(
            "too-many-frames",
            f"At least {len(state.samples)} samples would have to be kept; {MOST_SAMPLES} at most are. "
            "Choose a lower sample_rate.",
            limit=MOST_SAMPLES,
            actual=len(state.samples),
        )
    reached.let_go(seen, float(state.samples.times_s[-1]))
    return Gained(reached.progress, reached.end_s is not None)


async def _fresh_numbers(seen: Look, known: Track | None) -> Track:
    """The numbers of the samples that are new; the one before them is read again, as what moved since then counts."""
    last_s = -np.inf if known is None else float(known.times_s[-1])
    fresh_from = int(np.searchsorted(seen.track.times_s, last_s, side="right"))
    places = np.arange(len(seen.track))
    part = await condensed(replace(seen, track=seen.track.only(places >= fresh_from - 1)))
    return part.track.only(part.track.times_s > last_s)


async def _finish(
    request: HighlightsRequest, state: HighlightsState, _segments: tuple[Segment, ...], house: AppContext
) -> HighlightsAnswer:
    samples, end_s = state.samples, state.reached.end_s
    if samples is None or end_s is None:
        raise RuntimeError("a medium was looked at to its end without a sample")
    model = request.part.model
    looker, eye = looker_of(model)
    seen = Look(
        model=model,
        section=section_for_highlights(request)(model.manifest),
        looker=looker,
        eye=eye_for(request)(eye),
        track=replace(samples, warnings=tuple(state.reached.warnings)),
        deadline=Deadline.after(WAIT_S),
        house=house,
    )
    return replace(await answer_from(request, seen, end_s), stages_s={})


HIGHLIGHTS = Work(HighlightsRequest, HighlightsAnswer, _begin, _chunk, _finish)
