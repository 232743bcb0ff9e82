"""Tension: one number over time, and nothing where too few samples show a face."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from service.track import Window

Signal = Literal["value", "change"]
_SLACK_S = 1e-6


@dataclass(frozen=True, slots=True)
class TensionPoint:
    """The tension around one moment; None where it is not known."""

    time_s: float
    value: float | None


def sample_times(start_s: float, end_s: float, sample_rate: float) -> tuple[float, ...]:
    """The moments that get a point: each 1/sample_rate from start_s on, before end_s."""
    if sample_rate <= 0 or not start_s < end_s:
        raise ValueError(f"nothing is sampled from {start_s} s to {end_s} s at {sample_rate} a second")
    count = math.ceil((end_s - start_s) * sample_rate - _SLACK_S)
    return tuple(start_s + index / sample_rate for index in range(max(count, 1)))


def tension_windows(times_s: Sequence[float], window_s: float, sample_rate: float) -> tuple[Window, ...]:
    """The window of samples around each moment: window_s × sample_rate of them, fewer at the medium's ends.

    Of an even number, one more lies before the moment than after it. Each window is a quarter of a sample early, so
    that neither rounding nor a frame shown a little before its moment decides whether a sample belongs.
    """
    early_s = 0.25 / sample_rate
    return tuple(Window(time_s - window_s / 2 - early_s, time_s + window_s / 2 - early_s) for time_s in times_s)


def tension_curve(
    times_s: Sequence[float],
    values: Sequence[float | None],
    faces: Sequence[int],
    samples: Sequence[int],
    min_faces: int,
) -> tuple[TensionPoint, ...]:
    """A point for each moment: the head's answer for its window, None where too few of its samples show a face.

    faces and samples count those of each moment's window. A window at the medium's end that cannot hold min_faces
    samples needs a face in all that it has; one without any face never has a value.
    """
    return tuple(
        TensionPoint(time_s, _known(value) if count >= max(1, min(min_faces, held)) else None)
        for time_s, value, count, held in zip(times_s, values, faces, samples, strict=True)
    )


def changes(points: Sequence[TensionPoint], window_s: float, sample_rate: float) -> tuple[TensionPoint, ...]:
    """How much the tension changes: |slope of the line fitted over one window| × the window, in the tension's unit.

    None where the point itself is, and where fewer than two points of its window are known.
    """
    half = max(math.floor(window_s * sample_rate / 2 + _SLACK_S), 1)
    return tuple(
        TensionPoint(point.time_s, _change(points[max(index - half, 0) : index + half + 1], window_s))
        if point.value is not None
        else point
        for index, point in enumerate(points)
    )


def _change(points: Sequence[TensionPoint], window_s: float) -> float | None:
    known = [(point.time_s, point.value) for point in points if point.value is not None]
    if len(known) < 2:
        return None
    times_s, values = np.array(known, np.float64).T
    centered = times_s - times_s.mean()
    slope = float(centered @ (values - values.mean())) / float(centered @ centered)
    return abs(slope) * window_s


def _known(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else value
