"""Stretch: the next seconds of a medium, joined to what is still needed of those before.

A job's stretches wait for a slot behind all interactive requests. Where several slots are free, the next pieces are
looked at side by side, if their frames can be told without counting all before them. Each begins WARM_UP_S before what
is new in it, so that a tracker which starts afresh has settled by then: what it sees while settling is left out, as it
was seen by the one before. Models of clips (kind `clip`) track nothing, and what frames they look at depends on whole
windows: their stretches begin with the window that was judged last, and no pixels are kept between two.
"""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from service.analysis.looking import (
    EyeOf,
    Look,
    Part,
    RuleFor,
    SectionOf,
    as_it_is,
    asked_end_s,
    check_moves,
    end_of,
    looker_of,
    sign_section,
)
from service.analysis.prediction import Evidence
from service.context import AppContext
from service.errors import SignError
from service.media.medium import MediaLimits
from service.media.sampling import Rate
from service.observe.call import ObserveCall, ObserveResult
from service.observe.unwanted import UnwantedError
from service.pipelines.chunking import WARM_UP_S, ChunkLimits, Position
from service.pipelines.windows import WindowRule
from service.settings import Settings
from service.track import MediaInfo, Side, Track, Window
from service.workers.deadline import Deadline

WAIT_S = 24 * 3600.0
"""Longest that a chunk waits for a slot behind interactive requests."""

Standing = Literal["job", "interactive"]
"""In which queue for a slot somebody stands, and whose limits are his."""

_UNKNOWN_WITHIN_S = 1.0
_MOST_A_CALL_S = 60.0
_UNLIMITED_FRAMES = 10**9


@dataclass(slots=True)
class Tally:
    """Evidence of all stretches together."""

    frames_sampled: int = 0
    hand_frames: int = 0
    face_frames: int = 0
    right_minus_left: float | None = None

    def add(self, track: Track) -> None:
        """Count what a stretch has brought that is new."""
        seen = Evidence.of(track)
        self.frames_sampled += seen.frames_sampled
        self.hand_frames += seen.hand_frames
        self.face_frames += seen.face_frames
        if track.handedness is not None:
            self.right_minus_left = (self.right_minus_left or 0.0) + float(track.handedness.sum())

    @property
    def evidence(self) -> Evidence:
        """The sum, as an answer has it."""
        total = self.right_minus_left
        side: Side | None = None if not total else "right" if total > 0 else "left"
        return Evidence(self.frames_sampled, self.hand_frames, self.face_frames, side)


@dataclass(slots=True)
class Reached:
    """How far a medium has been looked at, and what of it is still needed. It is pickled between chunks.

    covered_s: all sampled frames before this time have been seen. tail: the observations that windows to come, and
    the next warm-up, need. windows: how many have been judged, the last of them from last_s on. end_s: where the part
    ends, once that is known. standing: who waits for it. stages_s: how long each stage took, for who waits.
    """

    covered_s: float
    standing: Standing = "job"
    tail: Track | None = None
    tally: Tally = field(default_factory=Tally)
    warnings: dict[str, None] = field(default_factory=dict)
    windows: int = 0
    last_s: float | None = None
    progress: float = 0.0
    end_s: float | None = None
    stages_s: dict[str, float] = field(default_factory=dict)

    @property
    def media(self) -> MediaInfo:
        """The medium; only once a stretch of it has been looked at."""
        if self.tail is None:
            raise RuntimeError("nothing has been looked at yet")
        return self.tail.media

    @property
    def gaps(self) -> tuple[Window, ...]:
        """The damaged stretches of what has been looked at."""
        return () if self.tail is None else self.tail.gaps

    @property
    def position(self) -> Position:
        """What a kind needs to know of it to go on."""
        return Position(self.covered_s, self.tail, self.windows, self.last_s, self.end_s)

    def warn(self, *sentences: str) -> None:
        """Note warnings, each once."""
        self.warnings.update(dict.fromkeys(sentences))

    def spent(self, stages_s: dict[str, float]) -> None:
        """Note what the stages of a stretch took; a job's answer does not depend on it."""
        if self.standing == "interactive":
            for stage, seconds in stages_s.items():
                self.stages_s[stage] = self.stages_s.get(stage, 0.0) + seconds

    def due(self, seen: Look, start_s: float, window_s: float, stride_s: float) -> list[Window]:
        """The windows that are complete now and have not been judged, as the whole part would be cut."""
        return seen.eye.due_windows(seen.track, WindowRule(start_s, window_s, stride_s), self.position)

    def judged(self, windows: list[Window]) -> None:
        """Note that these windows have been judged."""
        self.windows += len(windows)
        if windows:
            self.last_s = windows[-1].start_s

    def let_go(self, seen: Look, needed_from_s: float) -> None:
        """Keep of the track what is needed from this time on, and a warm-up."""
        self.tail = seen.eye.trim(seen.track, self.position, needed_from_s)


async def look_on(
    part: Part,
    reached: Reached,
    house: AppContext,
    section_of: SectionOf = sign_section,
    eye_of: EyeOf = as_it_is,
    rule_for: RuleFor | None = None,
) -> Look | None:
    """Look at the next stretch, as `look` does: the track of all that is needed; `reached` is moved on.

    None where an interactive request came before anything new was seen. Raises SignError as `look` does.
    """
    model = part.model
    section = section_of(model.manifest)
    looker, own_eye = looker_of(model)
    eye = eye_of(own_eye)
    settings = house.settings
    tail, position = reached.tail, reached.position
    rule = rule_for(model.manifest, eye) if rule_for and eye.samples_windows else WindowRule(part.start_s)
    ahead = eye.next_chunk(rule, position, ChunkLimits(asked_end_s(part), settings.pixel_bytes, settings.jobs_chunk_s))
    longest_s = settings.timeline_seconds if ahead.is_whole else max(_MOST_A_CALL_S, ahead.duration_s)
    call = ObserveCall(
        medium=part.medium,
        request=eye.request,
        sampling=ahead.sampling,
        start_s=ahead.start_s,
        duration_s=ahead.duration_s,
        mirrored=part.mirrored,
        limits=MediaLimits(settings.frame_pixels, longest_s, _UNLIMITED_FRAMES, settings.pixel_bytes),
        counted=tail is None,
    )
    deadline = Deadline.after(WAIT_S) if reached.standing == "job" else part.deadline
    lanes = house.slots.free_for(reached.standing) if isinstance(ahead.sampling, Rate) else 1
    try:
        seen, until_s = await _side_by_side(_pieces(call, part, reached, lanes), house, reached.standing, deadline)
    except UnwantedError:
        return None
    except SignError as error:
        if error.code != "window-empty" or tail is None:
            raise
        until_s = min(call.end_s, asked_end_s(part))
        seen = _nothing(tail, at_end=error.actual is None or error.actual <= until_s)
    check_moves(seen.track, model.manifest, eye)
    fresh = eye.new_frames(seen.track, position)
    if seen.gave_way and not len(fresh):
        return None
    track = eye.join_context(seen.track, fresh, position)
    last_s = fresh.times_s if seen.track.decoded_s is None else seen.track.decoded_s
    reached.covered_s = float(last_s[-1]) if seen.gave_way else until_s
    reached.tally.add(fresh)
    reached.warn(*track.warnings)
    _note_end(reached, part, track, at_end=seen.at_end or reached.covered_s >= asked_end_s(part))
    _check_frames(reached, settings)
    _check_length(reached, part, track, house)
    stages_s = {"queue": seen.queue_s, "decode": seen.decode_s, "observe": seen.observe_s}
    return Look(model, section, looker, eye, track, deadline, house, stages_s)


def _pieces(call: ObserveCall, part: Part, reached: Reached, lanes: int) -> list[ObserveCall]:
    """The stretch, and as many more after it as can be looked at beside it now, each with its own warm-up."""
    ends_s, step_s = asked_end_s(part), call.end_s - reached.covered_s
    pieces = [call]
    for number in range(1, max(1, lanes)):
        from_s = reached.covered_s + number * step_s
        if from_s >= ends_s:
            break
        start_s = max(call.start_s, from_s - WARM_UP_S)
        pieces.append(replace(call, start_s=start_s, duration_s=from_s + step_s - start_s, counted=False))
    last = pieces[-1]
    pieces[-1] = replace(last, duration_s=min(last.end_s, ends_s) - last.start_s)
    return pieces


async def _side_by_side(
    pieces: list[ObserveCall], house: AppContext, standing: Standing, deadline: Deadline
) -> tuple[ObserveResult, float]:
    """What is seen in all pieces as if it had been one, and up to where that is.

    It ends with the first piece that gave way or reached the medium's end. Raises what the first piece raises.
    """
    observe = house.slots.observe_behind if standing == "job" else house.slots.observe
    found = await asyncio.gather(*(observe(piece, deadline) for piece in pieces), return_exceptions=True)
    whole: ObserveResult | None = None
    until_s = pieces[0].start_s
    for piece, seen in zip(pieces, found, strict=True):
        if isinstance(seen, ObserveResult):
            whole = seen if whole is None else _after(whole, seen, until_s)
        elif whole is not None and isinstance(seen, UnwantedError):
            break
        elif whole is not None and isinstance(seen, SignError) and seen.code == "window-empty":
            whole = replace(whole, at_end=seen.actual is None or seen.actual <= piece.end_s)
        else:
            raise seen
        until_s = piece.end_s
        if whole.at_end or whole.gave_way:
            break
    if whole is None:
        raise RuntimeError("no piece was looked at")
    return whole, until_s


def _after(first: ObserveResult, second: ObserveResult, until_s: float) -> ObserveResult:
    """Two results as one: of the second what lies after the first one's part."""
    last_s = float(first.track.times_s[-1]) if len(first.track) else np.nextafter(until_s, -np.inf)
    track = first.track.followed_by(second.track.only(second.track.times_s > last_s))
    return replace(
        second,
        track=replace(track, warnings=tuple(dict.fromkeys((*first.track.warnings, *second.track.warnings)))),
        decode_s=first.decode_s + second.decode_s,
        observe_s=first.observe_s + second.observe_s,
        queue_s=max(first.queue_s, second.queue_s),
    )


def _nothing(tail: Track, *, at_end: bool) -> ObserveResult:
    nothing = replace(tail.only(np.zeros(len(tail), bool)), decoded_s=None)
    return ObserveResult(nothing, at_end=at_end)


def _note_end(reached: Reached, part: Part, track: Track, *, at_end: bool) -> None:
    duration_s = track.media.duration
    if at_end:
        reached.end_s = reached.covered_s if not len(track) else end_of(track, part)
        reached.progress = 1.0
    elif duration_s is not None and duration_s - reached.covered_s > _UNKNOWN_WITHIN_S:
        # nearer than that, the header may give no duration, and what is said is only how far it was decoded
        whole_s = min(duration_s, asked_end_s(part)) - part.start_s
        reached.progress = max(reached.progress, min(0.99, (reached.covered_s - part.start_s) / whole_s))


def _check_frames(reached: Reached, settings: Settings) -> None:
    if reached.standing == "interactive" and reached.tally.frames_sampled > settings.sampled_frames:
        raise SignError(
            "too-many-frames",
            f"At least {reached.tally.frames_sampled} frames would have to be looked at; "
            f"{settings.sampled_frames} at most are taken. POST it to /jobs.",
            limit=settings.sampled_frames,
            actual=reached.tally.frames_sampled,
        )


def _check_length(reached: Reached, part: Part, track: Track, house: AppContext) -> None:
    interactive = reached.standing == "interactive"
    limit_s = house.settings.timeline_seconds if interactive else house.settings.jobs_seconds
    advice = "at most are taken here; POST it to /jobs." if interactive else "at most are taken by a job."
    known_s = max(reached.covered_s, track.media.duration or 0.0) if reached.end_s is None else reached.end_s
    span_s = min(known_s, asked_end_s(part)) - part.start_s
    if span_s > limit_s:
        raise SignError(
            "media-too-long",
            f"The part to analyse lasts at least {span_s:g} s; {limit_s:g} s {advice}",
            limit=limit_s,
            actual=span_s,
        )
