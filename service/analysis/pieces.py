"""Pieces: a part is looked at and judged; for models of clips piece by piece, so that few pixels are held at a time."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from service.analysis.judging import Judged, judge, judge_together
from service.analysis.looking import Look, Part, RuleFor, SectionOf, asked_end_s, end_of, look, looker_of, sign_section
from service.context import AppContext
from service.errors import SignError
from service.pipelines import Observing
from service.pipelines.chunking import ChunkLimits, Position, without_pixels
from service.pipelines.windows import WindowRule
from service.track import Window

WindowsOf = Callable[[Look], list[Window]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a use case goes through a part.

    rule_for: how it is cut for a model of clips, whose frames are chosen by windows. windows_of: how it is cut once it
    has been looked at, for any other model.
    """

    longest_s: float
    rule_for: RuleFor
    windows_of: WindowsOf
    section_of: SectionOf = sign_section


async def look_and_judge(part: Part, house: AppContext, plan: Plan) -> tuple[Look, list[Judged]]:
    """All windows of the part, judged. The track of a model of clips comes without its pixels. Raises as `look`."""
    model = part.model
    plan.section_of(model.manifest)
    eye = looker_of(model)[1]
    if eye.samples_windows:
        return await _pieces(part, house, plan, eye, plan.rule_for(model.manifest, eye))
    seen = await look(part, house, longest_s=plan.longest_s, section_of=plan.section_of)
    return seen, await judge(seen, plan.windows_of(seen))


async def _pieces(
    part: Part, house: AppContext, plan: Plan, eye: Observing, rule: WindowRule
) -> tuple[Look, list[Judged]]:
    before: Look | None = None
    judged: list[Judged] = []
    limits = ChunkLimits(asked_end_s(part), house.settings.pixel_bytes)
    position = Position(part.start_s)
    while True:
        piece = eye.next_chunk(rule, position, limits)
        try:
            seen = await look(part, house, longest_s=plan.longest_s, section_of=plan.section_of, piece=piece)
        except SignError as error:
            if error.code != "window-empty" or before is None:
                raise
            seen = _pause(before, at_end=error.actual is None or error.actual <= piece.until_s)
        before = _with(before, seen)
        _check(before, part, plan, house)
        over = seen.at_end or piece.is_last
        end_s = min(asked_end_s(part), before.track.end_s) if over else None
        windows = eye.due_windows(seen.track, rule, replace(position, covered_s=piece.until_s, end_s=end_s))
        judged += [await judge_together(seen, windows)] if rule.spread else await judge(seen, windows)
        if over:
            return before, judged
        position = Position(piece.until_s, scored=len(judged))


def _pause(before: Look, *, at_end: bool) -> Look:
    """A piece in which no frame begins."""
    nothing = replace(before.track.only(np.zeros(len(before.track), bool)), decoded_s=None)
    return replace(before, track=nothing, stages_s={}, at_end=at_end)


def _with(before: Look | None, seen: Look) -> Look:
    """Both as one, without pixels."""
    earlier = None if before is None else before.track
    spent = {} if before is None else before.stages_s
    stages = {name: spent.get(name, 0.0) + seen.stages_s.get(name, 0.0) for name in spent | seen.stages_s}
    return replace(seen, track=without_pixels(seen.track, earlier), stages_s=stages)


def _check(seen: Look, part: Part, plan: Plan, house: AppContext) -> None:
    """Refuse in time what a worker that sees one piece at a time cannot."""
    span_s = end_of(seen.track, part) - part.start_s
    if span_s > plan.longest_s:
        raise SignError(
            "media-too-long",
            f"The part to analyse lasts {span_s:g} s; {plan.longest_s:g} s at most are taken. "
            "Choose a part with start_time and clip_duration, or submit a job.",
            limit=plan.longest_s,
            actual=span_s,
        )
    if len(seen.track) > house.settings.sampled_frames:
        raise SignError(
            "too-many-frames",
            f"At least {len(seen.track)} frames would have to be looked at; {house.settings.sampled_frames} at most "
            "are taken.",
            limit=house.settings.sampled_frames,
            actual=len(seen.track),
        )
