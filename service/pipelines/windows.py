"""Windows over time: one function cuts them for files, jobs and live sessions alike."""

import math

from service.track import Window

_SLACK_S = 1e-6


def full_window(index: int, start_s: float, window_s: float, stride_s: float) -> Window:
    """The window number `index` (from 0) of a stretch that begins at start_s."""
    return Window(start_s + index * stride_s, start_s + index * stride_s + window_s)


def windows_over(start_s: float, end_s: float, window_s: float, stride_s: float) -> list[Window]:
    """Windows of window_s at every stride_s from start_s, and one that ends at end_s if the last does not.

    A stretch shorter than a window is one window of its own length. Raises ValueError unless start_s < end_s and
    window and stride are positive.
    """
    if not start_s < end_s:
        raise ValueError(f"nothing lies between {start_s} s and {end_s} s")
    if window_s <= 0 or stride_s <= 0:
        raise ValueError(f"window ({window_s} s) and stride ({stride_s} s) must be positive")
    span = end_s - start_s
    if span <= window_s + _SLACK_S:
        return [Window(start_s, end_s)]
    full = math.floor((span - window_s + _SLACK_S) / stride_s) + 1
    windows = [full_window(index, start_s, window_s, stride_s) for index in range(full)]
    if windows[-1].end_s < end_s - _SLACK_S:
        windows.append(Window(end_s - window_s, end_s))
    return windows
