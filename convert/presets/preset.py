"""Preset: the class alone; `presets` holds the table."""

from dataclasses import dataclass
from typing import Literal

from service.pipelines import Described
from service.registry.manifest import Task

Shape = tuple[int | None, ...]
"""One input's shape without the batch."""


@dataclass(frozen=True, slots=True)
class Times:
    """How a model answers over time, in seconds; whole_clip: /predict looks at all of a medium at once."""

    window_s: float
    stride_s: float
    min_duration_s: float = 0.0
    merge_gap_s: float = 0.0
    whole_clip: bool = False


@dataclass(frozen=True, slots=True)
class Preset:
    """name, what it stands for, the pipeline section, times, what is assumed in both, and which route it is for.

    An assumption may begin with the part it is about ("length: …"): it falls when the caller sets that part.
    outputs: what its author's networks name, in the order of their outputs; the one of a graph's own width is assumed
    where the caller names none.
    """

    name: str
    about: str
    pipeline: Described
    times: Times
    assumptions: tuple[str, ...]
    task: Task = "sign"
    outputs: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A preset that fits a graph, and why. standing: how it is printed, as far as anything speaks for it."""

    preset: Preset
    reason: str
    standing: Literal["Likely", "Possible", "Less likely"] = "Likely"


FRAME_VOTE = Times(window_s=1.0, stride_s=0.25, min_duration_s=0.3, merge_gap_s=0.2)
YUV_ASSUMED = "yuv: every video by BT.601, whatever its tag says (as OpenCV 4 and PyAV up to 12 do)"
FRAME_VOTE_ASSUMED = (
    YUV_ASSUMED,
    "time: single frames vote: five looks a second, windows of 1 s every 0.25 s (the author answers frame by frame)",
)
