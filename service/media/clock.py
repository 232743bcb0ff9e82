"""The clock of a video: timestamps, which may begin late, begin anew or leap, become seconds as players show them."""

from fractions import Fraction

from service.track import Window

LEAP_S = 10.0
"""Longest time without a frame that is waiting; what is longer is a leap of the timestamps, as for FFmpeg."""

MOST_LEAPS = 100
"""Leaps of one medium that are told apart from its length: what leaps more often is no recording."""

_BACK_S = 0.25
_LONG_HELD = 4
_ROUNDED_S = 1e-6  # FFmpeg gives a container's start in whole microseconds


class Clock:
    """Seconds of frames in order, on the timeline on which `<video>.currentTime` counts (ADR 0018).

    origin: the timestamp that is 0 s. Timestamps that go back by more than decoders let frames wait began anew: time
    goes on from where it was. restarts: how often. leaps: stretches of more than LEAP_S that no frame is shown in.
    """

    def __init__(self, origin: Fraction, frame_s: float) -> None:
        self._origin = float(origin)
        self._frame_s = frame_s
        self._shift_s = 0.0
        self._begun = False
        self.time_s = 0.0
        self.until_s = 0.0
        self.restarts = 0
        self.leaps: list[Window] = []

    def seconds(self, stamp_s: float) -> float:
        """Where a timestamp lies, before anything began anew."""
        time_s = stamp_s - self._origin
        return 0.0 if -_ROUNDED_S < time_s < 0 else time_s

    def tick(self, stamp_s: float | None, lasts_s: float) -> float:
        """When the next frame is shown, given its timestamp and how long the file says that it lasts (0: nothing)."""
        if stamp_s is None:
            time_s = self.until_s
        else:
            time_s = self.seconds(stamp_s) + self._shift_s
            if self._begun and time_s < self.time_s - _BACK_S:
                self.restarts += 1
                self._shift_s += self.until_s - time_s
                time_s = self.until_s
        if self._begun:
            time_s = max(time_s, self.time_s)
            if time_s - self.until_s > LEAP_S and len(self.leaps) < MOST_LEAPS:
                self.leaps.append(Window(self.until_s, time_s))
        self._begun, self.time_s = True, time_s
        self.until_s = time_s + self._shown_s(lasts_s)
        return time_s

    def _shown_s(self, lasts_s: float) -> float:
        """How long a frame is shown by itself; mp4 writes a leap down as the duration of the frame before it."""
        if not 0 < lasts_s <= max(LEAP_S, _LONG_HELD * self._frame_s):
            return self._frame_s
        return lasts_s


def leapt_s(leaps: list[Window] | tuple[Window, ...], part: Window) -> float:
    """How much of a part lies in leaps."""
    overlaps = (min(leap.end_s, part.end_s) - max(leap.start_s, part.start_s) for leap in leaps)
    return sum(overlap for overlap in overlaps if overlap > 0)
