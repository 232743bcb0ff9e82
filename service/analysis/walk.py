"""The walk: a medium from its start to its end in chunks, one after the other, each joined to what windows still need.

A door says how it walks: all of a part at once, chunk after chunk for who waits, or behind everybody else for a job.
Where several slots are free, the next chunks are looked at side by side, if their frames can be told without counting
all before them. What a tracker sees while it settles at the beginning of a chunk is left out: the one before saw it.
"""

import asyncio
from dataclasses import dataclass, field, replace

import numpy as np

from service.analysis.ahead import Ahead, Seen
from service.analysis.clip import AnyClip, ClipRequest, Looked, ObservedClip
from service.analysis.prediction import Evidence
from service.context import AppContext
from service.errors import SignError
from service.media.clock import leapt_s
from service.media.medium import MediaLimits, too_long, too_many_frames
from service.media.sampling import Rate
from service.observe.call import ObserveCall, ObserveResult
from service.observe.cancelled import ObservationCancelledError
from service.pipelines import Observing
from service.pipelines.chunking import WARM_UP_S, Chunk, ChunkLimits, Position
from service.pipelines.windows import WindowRule
from service.track import MediaInfo, Side, Track, Window
from service.workers.admission import Turn
from service.workers.deadline import Deadline
from service.workers.slots import Priority

WAIT_S = 24 * 3600.0
"""Longest that a job's chunk waits for a slot behind interactive requests."""

_UNKNOWN_WITHIN_S = 1.0
_MOST_A_CALL_S = 60.0
_UNLIMITED_FRAMES = 10**9


@dataclass(slots=True)
class EvidenceCounter:
    """Evidence of all chunks together."""

    frames_sampled: int = 0
    hand_frames: int = 0
    face_frames: int = 0
    right_minus_left: float | None = None

    def add(self, track: Track) -> None:
        """Count what a chunk has brought that is new."""
        found = Evidence.of(track)
        self.frames_sampled += found.frames_sampled
        self.hand_frames += found.hand_frames
        self.face_frames += found.face_frames
        if track.handedness is not None:
            self.right_minus_left = (self.right_minus_left or 0.0) + float(track.handedness.sum())

    @property
    def evidence(self) -> Evidence:
        """The sum, as an answer has it."""
        total = self.right_minus_left
        side: Side | None = None if not total else "right" if total > 0 else "left"
        return Evidence(self.frames_sampled, self.hand_frames, self.face_frames, side)


@dataclass(slots=True)
class Cursor:
    """How far a clip has been walked through. It is pickled between a job's chunks.

    medium_end_s: where the medium ends, as far as it is known. stages_s: how long each stage took in all chunks.
    leapt_s: how much of the medium its timestamps leap over, as far as is known.
    """

    position: Position
    medium_end_s: float = float("-inf")
    counter: EvidenceCounter = field(default_factory=EvidenceCounter)
    warnings: tuple[str, ...] = ()
    progress: float = 0.0
    stages_s: dict[str, float] = field(default_factory=dict)
    leapt_s: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the clip has been seen to its end."""
        return self.position.end_s is not None

    @property
    def end_s(self) -> float:
        """Where the clip ends; only once it has been seen to there."""
        if self.position.end_s is None:
            raise RuntimeError("the clip has not been seen to its end")
        return self.position.end_s

    @property
    def media(self) -> MediaInfo:
        """The medium; only once a chunk of it has been observed."""
        if self.position.context is None:
            raise RuntimeError("nothing has been observed yet")
        return self.position.context.media

    @property
    def gaps(self) -> tuple[Window, ...]:
        """The stretches of what has been observed that show nothing: damaged ones, and leaps."""
        return () if self.position.context is None else self.position.context.gaps

    @property
    def leaps(self) -> tuple[Window, ...]:
        """Those of them over which timestamps leap."""
        return () if self.position.context is None else self.position.context.leaps

    @property
    def damaged(self) -> tuple[Window, ...]:
        """Those of them that are damaged."""
        return tuple(gap for gap in self.gaps if gap not in self.leaps)

    def known(self, rule: WindowRule, track: Track | None = None) -> WindowRule:
        """The rule as what is known of the medium changes it; track: of what was observed last."""
        seen = track or self.position.context
        return rule if seen is None else rule.over(seen.media, seen.leaps)

    def warn(self, *sentences: str) -> None:
        """Note warnings, each once."""
        self.warnings = tuple(dict.fromkeys((*self.warnings, *sentences)))

    def finish_chunk(
        self, clip: ObservedClip | Looked, windows: list[Window], needed_from_s: float, scored_count: int | None = None
    ) -> None:
        """Note which windows are scored with it, and keep of the chunk what those to come need, from this time on.

        scored_count: how many windows lie before the next, those in leaps among them.
        """
        scored = replace(
            self.position,
            scored=self.position.scored + len(windows) if scored_count is None else scored_count,
            last_s=windows[-1].start_s if windows else self.position.last_s,
        )
        self.position = replace(scored, context=clip.preprocessing.trim(clip.track, scored, needed_from_s))

    def add_times(self, clip: ObservedClip | Looked) -> None:
        """Note how long each stage of a chunk took, once it is scored."""
        for stage, seconds in clip.stages_s.items():
            self.stages_s[stage] = self.stages_s.get(stage, 0.0) + seconds


def start_of(request: AnyClip) -> Cursor:
    """Nothing has been observed yet."""
    return Cursor(Position(request.start_s))


@dataclass(frozen=True, slots=True)
class Walk:
    """How a door walks through clips.

    chunk_s: seconds of a chunk; None: the clip is one chunk (where windows choose their frames, as many windows as
    memory allows). ahead: where the next chunk is kept that is looked at while this one is scored; None: none is.
    longest_s: the longest clip; whole_s: the longest that is one answer, and held until its end.
    most_frames: frames of all chunks together. advice: what to do about a clip that is too long. turn: of a job, how
    long it has let others go first.
    """

    context: AppContext
    chunk_s: float | None
    priority: Priority
    longest_s: float
    whole_s: float
    most_frames: int
    advice: str
    turn: Turn = field(default_factory=Turn)
    ahead: Ahead | None = None

    @classmethod
    def at_once(cls, context: AppContext, longest_s: float) -> "Walk":
        """A clip of at most longest_s, for who waits."""
        advice = "Choose a part with start_time and clip_duration, or POST it to /jobs."
        return cls(context, None, "interactive", longest_s, longest_s, context.settings.sampled_frames, advice)

    @classmethod
    def in_chunks(cls, context: AppContext, longest_s: float) -> "Walk":
        """The same, so that few frames are held at a time."""
        return replace(cls.at_once(context, longest_s), chunk_s=context.settings.jobs_chunk_s, ahead=Ahead())

    @classmethod
    def of_job(cls, context: AppContext, turn: Turn | None = None) -> "Walk":
        """Behind everybody who waits, but not for ever."""
        settings = context.settings
        advice = "Submit a shorter part with start_time and clip_duration."
        longest_s, whole_s = settings.jobs_seconds, settings.timeline_seconds
        return cls(context, settings.jobs_chunk_s, "job", longest_s, whole_s, _UNLIMITED_FRAMES, advice, turn or Turn())

    def deadline_of(self, request: AnyClip) -> Deadline:
        """Until when an answer is wanted."""
        return Deadline.after(WAIT_S) if self.priority == "job" else request.deadline

    def for_one_answer(self) -> "Walk":
        """The same for a clip that is one answer, so that all of it is held until its end."""
        return replace(self, longest_s=min(self.longest_s, self.whole_s))

    async def next_chunk(
        self, request: ClipRequest, preprocessing: Observing, rule: WindowRule, cursor: Cursor
    ) -> ObservedClip | None:
        """What `look` observes, for the model that answers."""
        seen = await self.look(request, preprocessing, rule, cursor)
        if seen is None:
            return None
        return ObservedClip(
            model=request.model,
            preprocessing=preprocessing,
            track=seen.track,
            deadline=seen.deadline,
            context=self.context,
            stages_s=seen.stages_s,
            is_job=self.priority == "job",
        )

    def look_ahead(self, request: AnyClip, preprocessing: Observing, rule: WindowRule, cursor: Cursor) -> None:
        """Begin to look at the chunk behind the cursor, while what came before is scored; `look` then takes that.

        Only where this walk has somewhere to keep it, something is left to see, and a slot is free for it now.
        """
        if self.ahead is None or cursor.is_over or not self.context.slots.free_for(self.priority):
            return
        chunk = self._chunk_after(request, preprocessing, cursor.known(rule), cursor)
        if not chunk.is_whole:
            calls = self._calls(request, preprocessing, chunk, cursor)[:1]
            self.ahead.begin(chunk, self._observe(calls, self.deadline_of(request)))

    async def look(self, request: AnyClip, preprocessing: Observing, rule: WindowRule, cursor: Cursor) -> Looked | None:
        """Observe the next chunk, and move the cursor on: the track of all that the windows that are due need.

        rule: how the clip is cut into windows. None where an interactive request came before anything new was seen.
        Raises SignError where the medium or the clip does not allow it.
        """
        chunk = self._chunk_after(request, preprocessing, cursor.known(rule), cursor)
        deadline = self.deadline_of(request)
        begun = None if self.ahead is None else self.ahead.take(chunk)
        seen = await (begun or self._observe(self._calls(request, preprocessing, chunk, cursor), deadline))
        if seen is None:
            return None
        result, position = seen.result, cursor.position
        observed = result.track
        if position.context is not None and not len(observed):
            observed = _of_nothing(position.context)
        _check_moves(observed, request, preprocessing)
        new = preprocessing.new_frames(observed, position)
        if result.preempted and not len(new):
            return None
        track = preprocessing.join_context(observed, new, position)
        last_s = new.times_s if observed.decoded_s is None else observed.decoded_s
        covered_s = float(last_s[-1]) if result.preempted else seen.until_s
        self._move(cursor, request, covered_s, track, at_end=result.at_end or covered_s >= request.end_s)
        cursor.counter.add(new)
        cursor.leapt_s = max(cursor.leapt_s, result.leapt_s)
        cursor.warn(*track.warnings)
        self._check(request, cursor, track)
        stages_s = {"queue": result.queue_s, "decode": result.decode_s, "observe": result.observe_s}
        return Looked(preprocessing, track, deadline, stages_s)

    def _chunk_after(self, request: AnyClip, preprocessing: Observing, rule: WindowRule, cursor: Cursor) -> Chunk:
        if self.chunk_s is None and not preprocessing.samples_windows:
            sampling = preprocessing.part_sampling(request.start_s, request.end_s)
            return Chunk(request.start_s, request.end_s, sampling, is_whole=True)
        limits = ChunkLimits(request.end_s, self.context.settings.pixel_bytes, self.chunk_s)
        return preprocessing.next_chunk(rule, cursor.position, limits)

    def _calls(self, request: AnyClip, preprocessing: Observing, chunk: Chunk, cursor: Cursor) -> list[ObserveCall]:
        """The chunk, and as many more after it as can be looked at beside it now, each with its own warm-up."""
        settings, is_first = self.context.settings, cursor.position.context is None
        longest_s = self.longest_s
        if self.chunk_s is not None:
            longest_s = self.whole_s if chunk.is_whole else max(_MOST_A_CALL_S, chunk.duration_s)
        call = ObserveCall(
            medium=request.medium,
            request=preprocessing.request,
            sampling=chunk.sampling,
            start_s=chunk.start_s,
            duration_s=request.duration_s if chunk.is_whole else chunk.duration_s,
            mirrored=request.mirrored,
            limits=MediaLimits(settings.frame_pixels, longest_s, self.most_frames, settings.pixel_bytes),
            counted=is_first,
            may_be_empty=not is_first,
        )
        if chunk.is_whole:
            return [call]
        call = replace(call, longest_s=self.longest_s if is_first else None, moves_until_s=request.end_s)
        lanes = self.context.slots.free_for(self.priority) if isinstance(chunk.sampling, Rate) else 1
        return _side_by_side(call, request.end_s, cursor.position.covered_s, lanes)

    async def _observe(self, calls: list[ObserveCall], deadline: Deadline) -> Seen | None:
        """What is seen in all calls as if it had been one; None where nothing was, as an interactive request came.

        It ends with the first call that gave way, reached the medium's end, or found no frame where there was to be
        one. Raises what the first call raises.
        """
        found = await asyncio.gather(*(self._observe_one(call, deadline) for call in calls), return_exceptions=True)
        whole: ObserveResult | None = None
        until_s = calls[0].start_s
        for result in found:
            if isinstance(result, ObservationCancelledError):
                break
            if isinstance(result, BaseException):
                raise result
            whole = result if whole is None else _join(whole, result, until_s)
            until_s = result.until_s
            if whole.at_end or whole.preempted or whole.moved or not len(whole.track):
                break
        return None if whole is None else Seen(whole, until_s)

    async def _observe_one(self, call: ObserveCall, deadline: Deadline) -> ObserveResult:
        slots = self.context.slots
        if self.priority == "job":
            return await slots.observe_low_priority(call, deadline, self.turn)
        return await slots.observe(call, deadline)

    def _move(self, cursor: Cursor, request: AnyClip, covered_s: float, track: Track, *, at_end: bool) -> None:
        duration_s, start_s = track.media.duration, max(request.start_s, track.media.start)
        end_s: float | None = None
        if len(track):
            cursor.medium_end_s = track.end_s
        if at_end:
            end_s = min(cursor.medium_end_s, request.end_s)
            cursor.progress = 1.0
        elif duration_s is not None and duration_s - covered_s > _UNKNOWN_WITHIN_S:
            # nearer than that, the header may give no duration, and what is said is only how far it was decoded
            whole_s = min(duration_s, request.end_s) - start_s
            cursor.progress = max(cursor.progress, min(0.99, (covered_s - start_s) / whole_s))
        cursor.position = replace(cursor.position, covered_s=covered_s, end_s=end_s)

    def _check(self, request: AnyClip, cursor: Cursor, track: Track) -> None:
        """Refuse in time what a worker, which sees one chunk, cannot: what is too long or too much in all."""
        position, frames = cursor.position, cursor.counter.frames_sampled
        if frames > self.most_frames:
            raise too_many_frames(frames, self.most_frames, self.advice)
        known_s = position.end_s
        if known_s is None:
            known_s = max(position.covered_s, track.media.duration or 0.0)
        part = Window(max(request.start_s, track.media.start), min(known_s, request.end_s))
        span_s = part.duration_s - max(cursor.leapt_s, leapt_s(track.leaps, part))
        if span_s > self.longest_s:
            raise too_long(span_s, self.longest_s, self.advice, is_least=position.end_s is None)


async def observe_at_once(
    request: ClipRequest, preprocessing: Observing, context: AppContext, longest_s: float
) -> ObservedClip:
    """All of a clip as one chunk, for who waits. Raises SignError as a walk does."""
    walk = Walk.at_once(context, longest_s)
    clip = await walk.next_chunk(request, preprocessing, WindowRule(request.start_s), start_of(request))
    if clip is None:
        raise RuntimeError("a clip that somebody waits for gave way")
    return clip


def _side_by_side(call: ObserveCall, ends_s: float, covered_s: float, lanes: int) -> list[ObserveCall]:
    step_s = call.end_s - covered_s
    calls = [call]
    for number in range(1, max(1, lanes)):
        from_s = covered_s + number * step_s
        if from_s >= ends_s:
            break
        start_s = max(call.start_s, from_s - WARM_UP_S)
        later = replace(call, start_s=start_s, duration_s=from_s + step_s - start_s, counted=False, may_be_empty=True)
        calls.append(later)
    last = calls[-1]
    calls[-1] = replace(last, duration_s=min(last.end_s, ends_s) - last.start_s)
    return calls


def _join(first: ObserveResult, second: ObserveResult, until_s: float) -> ObserveResult:
    """Two results as one: of the second what lies after the first one's part."""
    track = first.track
    if len(second.track):
        last_s = float(track.times_s[-1]) if len(track) else np.nextafter(until_s, -np.inf)
        track = track.join(second.track.only(second.track.times_s > last_s))
        track = replace(track, warnings=tuple(dict.fromkeys((*first.track.warnings, *second.track.warnings))))
    return replace(
        second,
        track=track,
        leapt_s=max(first.leapt_s, second.leapt_s),
        decode_s=first.decode_s + second.decode_s,
        observe_s=first.observe_s + second.observe_s,
        queue_s=max(first.queue_s, second.queue_s),
    )


def _of_nothing(context: Track) -> Track:
    """A chunk in which no frame lies, of the medium as it is known."""
    return replace(context.only(np.zeros(len(context), bool)), decoded_s=None)


def _check_moves(track: Track, request: AnyClip, preprocessing: Observing) -> None:
    """Refuse a picture for a model that looks at clips."""
    if preprocessing.clip_frames is not None and track.media.duration is None:
        who = request.model.manifest.name if isinstance(request, ClipRequest) else "This pipeline"
        detail = f"{who} looks at clips of {preprocessing.clip_frames} frames; send a video."
        raise SignError("media-wrong-kind", detail)
