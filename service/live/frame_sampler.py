"""Pacing: which of a camera's frames are looked at, so that 15 and 60 frames a second give the same answer.

A model asks for the frame that is shown at each multiple of 1/rate. Whether a frame is the last one before such a point
is only known when the next one comes; waiting for it would cost a frame's time. So the camera's usual interval is
learned, and a frame that is expected to be still shown at the next point is looked at when it comes. Where that was
wrong and nothing was looked at for a point, the frame before it is looked at after all.
"""

from collections import deque
from dataclasses import dataclass
from statistics import median

from service.live.frames import SentFrame
from service.media.sampling import TIME_SLACK_S, first_step_at_or_after

GAP_S = 1.0
"""A pause of the camera that is longer ends what was open: nothing is known of the time between."""

BACKWARDS_S = 1.0
"""A frame this much older than the newest is no straggler but another clock."""

_INTERVALS = 9
_FIRST_INTERVAL_S = 1 / 30


class ClockError(Exception):
    """Times that went backwards, by how many seconds."""


@dataclass(frozen=True, slots=True)
class SampledFrame:
    """A frame that is to be looked at. until_s: when it ends, as far as the camera's interval tells.

    discontinuity: the camera paused before it (or it is the first one), so nothing that came before goes on in it.
    """

    frame: SentFrame
    until_s: float
    discontinuity: bool = False

    @property
    def time_s(self) -> float:
        return self.frame.time_s


class FrameSampler:
    """Takes a session's frames as they come and says which are looked at; `rate` a second."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._intervals: deque[float] = deque(maxlen=_INTERVALS)
        self._step = 0
        self._discontinuity = True
        self._last_s: float | None = None
        self._held: SentFrame | None = None
        self.skipped = 0
        self.late = 0

    @property
    def interval_s(self) -> float:
        """The camera's usual time between two frames."""
        return median(self._intervals) if self._intervals else _FIRST_INTERVAL_S

    @property
    def until_s(self) -> float | None:
        """When the newest frame ends, None before the first."""
        return None if self._last_s is None else self._last_s + self.interval_s

    def push(self, frame: SentFrame) -> tuple[SampledFrame, ...]:
        """The frames that are to be looked at now, in order: none, this one, the one before, or both.

        One that is older than the newest comes too late (`late` counts them). Raises ClockError where it is older by
        more than BACKWARDS_S.
        """
        time_s, last_s = frame.time_s, self._last_s
        if last_s is not None and time_s <= last_s:
            if last_s - time_s > BACKWARDS_S:
                raise ClockError(last_s - time_s)
            self.late += 1
            return ()
        if last_s is None or time_s - last_s > GAP_S:
            self._begin(time_s)
        else:
            self._intervals.append(time_s - last_s)
        self._last_s = time_s
        before = self._sample_before(time_s)
        now = self._sample_now(frame)
        return (*before, *now)

    def finish(self) -> None:
        """Nothing follows: what is held will not be looked at."""
        if self._held is not None:
            self._held = None
            self.skipped += 1

    def reset(self) -> None:
        """Forget all times; any may follow."""
        self.finish()
        self._last_s = None

    def _begin(self, time_s: float) -> None:
        self.finish()
        self._discontinuity = True
        self._step = first_step_at_or_after(time_s, self._rate)

    def _sample_before(self, time_s: float) -> tuple[SampledFrame, ...]:
        """The held frame, where a point has passed that it was shown at."""
        held, self._held = self._held, None
        missed = self._step / self._rate < time_s - TIME_SLACK_S
        if missed:
            self._step = first_step_at_or_after(time_s, self._rate)
        if held is None:
            return ()
        if not missed:
            self.skipped += 1
            return ()
        return (self._take(held, time_s),)

    def _sample_now(self, frame: SentFrame) -> tuple[SampledFrame, ...]:
        until_s = frame.time_s + self.interval_s
        if self._step / self._rate >= until_s - TIME_SLACK_S:
            self._held = frame
            return ()
        self._step = first_step_at_or_after(until_s, self._rate)
        return (self._take(frame, until_s),)

    def _take(self, frame: SentFrame, until_s: float) -> SampledFrame:
        discontinuity, self._discontinuity = self._discontinuity, False
        return SampledFrame(frame, until_s, discontinuity)
