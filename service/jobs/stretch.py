"""Stretch: the next seconds of a medium, looked at behind all interactive requests, joined to what is still needed.

A stretch begins WARM_UP_S before what is new in it, so that a tracker which starts afresh has settled by then: what
it sees while settling is left out, as it was seen by the stretch before. Models of clips (kind `clip`) track nothing,
and what frames they look at depends on whole windows: their stretches begin with the window that was judged last, and
no pixels are kept between two.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from service.analysis.house import House
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
    windows_over_part,
)
from service.analysis.prediction import Evidence
from service.errors import SignError
from service.media.medium import MediaLimits
from service.media.sampling import Choice, Sampling
from service.observe.observe import ObserveCall, ObserveResult
from service.observe.unwanted import UnwantedError
from service.pipelines import Observing, observer
from service.pipelines.chunks import ChunksSection
from service.pipelines.clip import ClipSection, piece_of, without_pixels
from service.pipelines.windows import WindowRule, complete_windows, windows_over
from service.settings import Settings
from service.track import MediaInfo, Side, Track, Window
from service.workers.deadline import Deadline

WARM_UP_S = 2.0
WAIT_S = 24 * 3600.0
"""Longest that a chunk waits for a slot behind interactive requests."""

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
    ends, once that is known.
    """

    covered_s: float
    tail: Track | None = None
    tally: Tally = field(default_factory=Tally)
    warnings: dict[str, None] = field(default_factory=dict)
    windows: int = 0
    last_s: float | None = None
    progress: float = 0.0
    end_s: float | None = None

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

    def warn(self, *sentences: str) -> None:
        """Note warnings, each once."""
        self.warnings.update(dict.fromkeys(sentences))

    def due(self, seen: Look, start_s: float, window_s: float, stride_s: float) -> list[Window]:
        """The windows that are complete now and have not been judged, as the whole part would be cut."""
        if isinstance(seen.eye, ChunksSection):
            return self._due_clips(seen, start_s, window_s, stride_s)
        if self.end_s is not None:
            return windows_over(start_s, self.end_s, window_s, stride_s)[self.windows :]
        return complete_windows(start_s, self.covered_s, window_s, stride_s, self.windows)

    def _due_clips(self, seen: Look, start_s: float, window_s: float, stride_s: float) -> list[Window]:
        """Clips on the grid of the part's frames: it is laid from the last one that was judged."""
        from_s = start_s if self.last_s is None else self.last_s
        until_s = self.covered_s if self.end_s is None else self.end_s
        clips = windows_over_part(seen, from_s, until_s, window_s, stride_s) if from_s < until_s else []
        if self.end_s is None:
            clips = clips[:-1]  # the last one is off the grid, or not full yet
        return clips if self.last_s is None else clips[1:]

    def judged(self, windows: list[Window]) -> None:
        """Note that these windows have been judged."""
        self.windows += len(windows)
        if windows:
            self.last_s = windows[-1].start_s

    def let_go(self, seen: Look, needed_from_s: float) -> None:
        """Keep of the track what is needed from this time on, and a warm-up."""
        from_s = min(needed_from_s, self.covered_s - WARM_UP_S)
        if isinstance(seen.eye, ChunksSection):
            from_s = min(from_s, -np.inf if self.last_s is None else self.last_s)
        if isinstance(seen.eye, ClipSection):
            times = without_pixels(seen.track, self.tail)
            self.tail = replace(times.only(times.times_s >= needed_from_s), decoded_s=None)
        else:
            self.tail = seen.track.only(seen.track.times_s >= from_s)


@dataclass(frozen=True, slots=True)
class _Next:
    """The next stretch, [start_s, until_s), what is sampled of it, and the longest that it may turn out to be."""

    start_s: float
    until_s: float
    sampling: Sampling | Choice
    longest_s: float = _MOST_A_CALL_S


async def look_on(
    part: Part,
    reached: Reached,
    house: House,
    section_of: SectionOf = sign_section,
    eye_of: EyeOf = as_it_is,
    rule_for: RuleFor | None = None,
) -> Look | None:
    """Look at the next stretch, as `look` does: the track of all that is needed; `reached` is moved on.

    None where an interactive request came before anything new was seen. Raises SignError as `look` does.
    """
    model = await house.registry.get(part.model, part.version)
    section = section_of(model.manifest)
    looker, own_eye = looker_of(model)
    eye = eye_of(own_eye)
    settings = house.settings
    tail = reached.tail
    if isinstance(eye, ClipSection):
        rule = rule_for(model.manifest, eye) if rule_for else WindowRule(part.start_s)
        ahead = _next_clips(part, rule, eye, settings, reached)
    else:
        until_s = min(reached.covered_s + settings.jobs_chunk_s, asked_end_s(part))
        ahead = _Next(_warm_up_from(reached), until_s, eye.sampling)
    call = ObserveCall(
        medium=part.medium,
        request=observer(eye),
        sampling=ahead.sampling,
        start_s=ahead.start_s,
        duration_s=ahead.until_s - ahead.start_s,
        mirrored=part.mirrored,
        limits=MediaLimits(settings.frame_pixels, ahead.longest_s, _UNLIMITED_FRAMES, settings.pixel_bytes),
        counted=tail is None,
    )
    deadline = Deadline.after(WAIT_S)
    try:
        seen = await house.slots.observe_behind(call, deadline)
    except UnwantedError:
        return None
    except SignError as error:
        if error.code != "window-empty" or tail is None:
            raise
        seen = _nothing(tail, at_end=error.actual is None or error.actual <= call.end_s)
    check_moves(seen.track, model.manifest, eye)
    fresh = _fresh(seen.track, reached, eye)
    if seen.gave_way and not len(fresh):
        return None
    if isinstance(eye, ClipSection):
        track, last_s, until_s = seen.track, seen.track.decoded_s, ahead.until_s
    else:
        track, last_s, until_s = fresh if tail is None else tail.followed_by(fresh), fresh.times_s, call.end_s
    reached.covered_s = float(last_s[-1]) if seen.gave_way and last_s is not None else until_s
    reached.tally.add(fresh)
    reached.warn(*track.warnings)
    _note_end(reached, part, track, at_end=seen.at_end or reached.covered_s >= asked_end_s(part))
    _check_length(reached, part, track, house)
    return Look(model, section, looker, eye, track, deadline, house)


def _next_clips(part: Part, rule: WindowRule, eye: ClipSection, settings: Settings, reached: Reached) -> _Next:
    piece = piece_of(eye, rule, asked_end_s(part), settings.jobs_chunk_s, reached.windows)
    whole = rule.window_s is None or rule.spread > 0
    longest_s = settings.timeline_seconds if whole else max(_MOST_A_CALL_S, piece.duration_s)
    return _Next(piece.start_s, piece.until_s, piece.choice, longest_s)


def _fresh(track: Track, reached: Reached, eye: Observing) -> Track:
    """What no stretch before has seen."""
    if reached.tail is None:
        return track
    if isinstance(eye, ClipSection):
        return track.only(~np.isin(track.times_s, reached.tail.times_s))
    return track.only(track.times_s > _last_s(reached.tail, reached))


def _warm_up_from(reached: Reached) -> float:
    """Where the next stretch begins: at a sampled frame, so that whoever counts frames goes on counting alike."""
    if reached.tail is None:
        return reached.covered_s
    times_s = reached.tail.times_s
    recent = times_s[times_s >= reached.covered_s - WARM_UP_S]
    return float(recent[0]) if len(recent) else max(0.0, reached.covered_s - WARM_UP_S)


def _last_s(tail: Track, reached: Reached) -> float:
    return float(tail.times_s[-1]) if len(tail) else np.nextafter(reached.covered_s, -np.inf)


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


def _check_length(reached: Reached, part: Part, track: Track, house: House) -> None:
    limit_s = house.settings.jobs_seconds
    known_s = max(reached.covered_s, track.media.duration or 0.0) if reached.end_s is None else reached.end_s
    span_s = min(known_s, asked_end_s(part)) - part.start_s
    if span_s > limit_s:
        raise SignError(
            "media-too-long",
            f"The part to analyse lasts at least {span_s:g} s; a job takes {limit_s:g} s at most.",
            limit=limit_s,
            actual=span_s,
        )
