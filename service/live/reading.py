"""Reading: from what a camera's frames showed to predictions and segments, as each window becomes full."""

import math
from dataclasses import dataclass, replace

import numpy as np

from service.analysis.prediction import Evidence, Prediction, answer
from service.analysis.scoring import WindowScores
from service.analysis.timeline import SpottingOptions, rules_of, times_of, to_spot, window_told
from service.context import AppContext
from service.errors import SignError
from service.live.frame_sampler import SampledFrame
from service.live.scoring import LiveScorer
from service.media.sampling import TIME_SLACK_S, first_step_at_or_after
from service.observe.live import LiveObservation
from service.observe.request import LandmarkRequest, PictureRequest
from service.pipelines.windows import WindowRule
from service.registry.manifest import Timing
from service.registry.registry import ServedModel
from service.spotting.segment import Segment
from service.spotting.spotting import spotter_for
from service.spotting.states import StateSpan
from service.spotting.transcript import transcript
from service.track import Track, Window


@dataclass(frozen=True, slots=True)
class Update:
    """What is new: segments that are final, and the one that grows if it changed; each with the transcript then.

    states: those that the hand has come into, each as far as it is known.
    """

    segments: tuple[tuple[Segment, str], ...] = ()
    growing: tuple[Segment, str] | None = None
    states: tuple[StateSpan, ...] = ()


class Reader:
    """Takes what the frames of one session showed, in order, and says what is signed.

    Windows begin at the first frame's time, are cut as a file's are, and are scored as soon as every point of time in
    them has been looked at. Memory: one window of observations, and the segments.
    """

    def __init__(self, model: ServedModel, options: SpottingOptions, context: AppContext) -> None:
        self._model = model
        self._scorer = LiveScorer(model, context)
        self._options = options
        manifest = model.manifest
        self.times = times_of(options, manifest)
        self._rules = rules_of(options, self.times, manifest)
        self._rate = self._scorer.rate
        _check_window(self.times, self._rate, self.request.kept_bytes, context.settings.pixel_bytes)
        self.segments: list[Segment] = []
        self.states: list[StateSpan] = []
        self.prediction: Prediction | None = None
        self._said_until_s = -np.inf
        self._forget()

    @property
    def request(self) -> LandmarkRequest | PictureRequest:
        """What a worker looks for in each frame."""
        request = self._scorer.preprocessing.request
        if not isinstance(request, LandmarkRequest | PictureRequest):
            raise TypeError(f"{type(request).__name__} is for no live frames")
        return request

    @property
    def rate(self) -> float:
        """How often per second frames are looked at."""
        return self._rate

    @property
    def tells_states(self) -> bool:
        """Whether the model tells what the hand does where it names no sign."""
        return self._model.manifest.decoder is not None

    @property
    def transcript(self) -> str:
        """All final segments as text."""
        return self._text_of(self.segments)

    def _text_of(self, segments: list[Segment]) -> str:
        manifest = self._model.manifest
        return transcript((segment.label for segment in segments), manifest.unit, manifest.label_text)

    async def read(self, shown: SampledFrame, look: LiveObservation) -> Update:
        """Take one more observation; what is new with it."""
        before = Update()
        if shown.discontinuity or look.discontinuity or self._start_s is None:
            before = await self.flush(shown.time_s)
            self._begin(shown.time_s)
        self._note(shown, look.track)
        return _both(before, await self._score(self._due()))

    async def flush(self, until_s: float | None) -> Update:
        """Finish what is open; nothing that follows goes on with it. until_s: when the last frame ends, if known."""
        if self._start_s is None or self._track is None or until_s is None:
            self._forget()
            return Update()
        end_s = max(self._until_s, min(until_s, self._until_s + 1 / self._rate))
        windows = self._rule.windows(end_s)
        update = await self._score(windows)
        update = self._found(update, self._spotter.finish())
        self.states += self._spotter.take_states()
        self._said_until_s = end_s
        self._forget()
        return replace(update, growing=None)

    def reset(self) -> None:
        """Forget everything that was seen and said."""
        self.segments.clear()
        self.states.clear()
        self.prediction = None
        self._said_until_s = -np.inf
        self._forget()

    def _forget(self) -> None:
        self._start_s: float | None = None
        self._track: Track | None = None
        self._last: Track | None = None
        self._until_s = -np.inf
        self._scored_count = 0
        self._grown: Segment | None = None
        self._told: StateSpan | None = None

    def _begin(self, start_s: float) -> None:
        self._start_s = start_s
        self._step = first_step_at_or_after(start_s, self._rate)
        self._spotter = spotter_for(self._rules, max(start_s, self._said_until_s))

    def _note(self, shown: SampledFrame, one: Track) -> None:
        """Put the observation at every point that the frame stands for.

        Points before the frame that none stood for (theirs were dropped) have the observation before, as a file's have.
        """
        if self._last is not None:
            self._put(self._last, self._points_before(shown.time_s))
        self._put(one, self._points_before(shown.until_s))
        self._last = one
        self._until_s = max(self._until_s, shown.until_s)

    def _put(self, one: Track, points_s: list[float]) -> None:
        if points_s:
            repeated = _repeated(one, points_s)
            self._track = repeated if self._track is None else self._track.join(repeated)

    def _points_before(self, time_s: float) -> list[float]:
        points = []
        while (point_s := self._step / self._rate) < time_s - TIME_SLACK_S:
            points.append(point_s)
            self._step += 1
        return points

    def _due(self) -> list[Window]:
        """The windows in which every point has been looked at."""
        return [] if self._start_s is None else self._rule.complete(self._step / self._rate)

    @property
    def _rule(self) -> WindowRule:
        """How what comes is cut into windows, those aside that were scored."""
        times, start_s = self.times, 0.0 if self._start_s is None else self._start_s
        return WindowRule(
            start_s, times.window_s, times.stride_s, first=self._scored_count, answers_at_s=times.answers_at_s
        )

    async def _score(self, windows: list[Window]) -> Update:
        """Score windows, and let the spotter have them."""
        track, update = self._track, Update()
        if not windows or track is None:
            return update
        scores = await self._scorer.score(track, windows)
        self._scored_count += len(windows)
        for entry in scores:
            update = self._found(update, self._spotter.push(to_spot(entry, track.cut(entry.window))))
            update = self._changed(update)
        self.prediction = self._prediction(scores[-1], track)
        growing = self._spotter.growing
        if growing is not None and _differs(growing, self._grown):
            update = replace(update, growing=(growing, self._text_of([*self.segments, growing])))
        self._grown = growing
        if self._start_s is not None:
            needed_s = self._rule.begins_s(self._scored_count) - TIME_SLACK_S
            keep = track.times_s >= min(needed_s, float(track.times_s[-1]))
            self._track = track.only(keep)
            self._scorer.forget(float(self._track.times_s[0]))
        return update

    def _changed(self, update: Update) -> Update:
        """The update with the state that the hand has come into, if it is another than before."""
        self.states += self._spotter.take_states()
        now = self._spotter.state
        if now is None or (self._told is not None and now.state == self._told.state):
            return update
        self._told = now
        return replace(update, states=(*update.states, now))

    def _prediction(self, entry: WindowScores, track: Track) -> Prediction:
        evidence = Evidence.of(track.cut(entry.window))
        manifest = self._model.manifest
        window = window_told(entry.window, manifest)
        return answer(window, entry.probabilities, evidence, manifest, self._options.threshold)

    def _found(self, update: Update, segments: tuple[Segment, ...]) -> Update:
        told = []
        for segment in segments:
            self.segments.append(segment)
            told.append((segment, self.transcript))
        return replace(update, segments=(*update.segments, *told))


def _check_window(times: Timing, rate: float, kept_bytes: int, most_bytes: int) -> None:
    """SignError where the pixels of one window would take more memory than a request may."""
    needed = math.ceil((times.window_s + times.stride_s) * rate) * kept_bytes
    if needed > most_bytes:
        detail = f"The pixels of a window of {times.window_s:g} s take {needed} bytes; {most_bytes} at most are kept."
        raise SignError("parameter-invalid", detail, limit=most_bytes, actual=needed)


def _both(first: Update, second: Update) -> Update:
    return Update((*first.segments, *second.segments), second.growing, (*first.states, *second.states))


def _differs(growing: Segment, before: Segment | None) -> bool:
    if before is None:
        return True
    return (growing.class_idx, growing.start_s, growing.end_s) != (before.class_idx, before.start_s, before.end_s)


def _repeated(one: Track, times_s: list[float]) -> Track:
    """An observation at each of these times."""
    same = np.zeros(len(times_s), np.intp)
    return replace(
        one,
        times_s=np.array(times_s, np.float64),
        values=one.values[same],
        present=one.present[same],
        handedness=None if one.handedness is None else one.handedness[same],
    )
