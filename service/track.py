"""Track: what was observed in a medium over time, the one currency between the rooms."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
TimeArray = Annotated[npt.NDArray[np.float64], "T, seconds from the medium's start"]
CountArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Landmarks = Annotated[FloatArray, "T × P × 4: x, y, z, visibility; NaN where missing"]

Numbers = TypeVar("Numbers", FloatArray, CountArray)

MediaKind = Literal["video", "picture", "landmarks"]
PartName = Literal["left_hand", "right_hand", "hand", "pose", "face"]
Side = Literal["left", "right"]

PART_POINTS: dict[PartName, int] = {
    "left_hand": 21,
    "right_hand": 21,
    "hand": 21,
    "pose": 33,
    "face": 468,
}
HAND_PARTS: tuple[PartName, ...] = ("hand", "left_hand", "right_hand")
HAND_BONES = (
    *((base, base + 1) for finger in range(5) for base in range(4 * finger + 1, 4 * finger + 4)),
    *((0, 1), (0, 5), (5, 9), (9, 13), (13, 17), (0, 17)),
)
"""The points of a hand between which MediaPipe sees a bone."""


_AFTER_S = 1e-6


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What a medium is: sizes in pixels of the upright picture as it is shown, times in seconds.

    duration: where its last frame ends. start: when its first frame is shown, which in some is long after 0 s.
    """

    kind: MediaKind
    format: str
    width: int
    height: int
    duration: float | None
    frame_rate: float | None
    start: float = 0.0

    @property
    def aspect(self) -> float:
        """Width over height of the upright picture."""
        return self.width / self.height


@dataclass(frozen=True, slots=True)
class Window:
    """A half-open stretch of a medium, [start_s, end_s), in seconds from its start."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s


def merge_windows(*stretches: Window) -> tuple[Window, ...]:
    """Stretches in order, those that overlap or touch as one, empty ones left out."""
    found: list[Window] = []
    for one in sorted((one for one in stretches if one.duration_s > 0), key=lambda one: one.start_s):
        if found and one.start_s <= found[-1].end_s:
            found[-1] = Window(found[-1].start_s, max(found[-1].end_s, one.end_s))
        else:
            found.append(one)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Track:
    """Observations in order of time.

    values: T × P × 4 landmarks (fractions of the upright picture's width and height, z over its width) whose P
    points are those of `parts`, one part after the other (a part that stands several times is that of several
    persons); or T × … pixels, or T × C numbers of each observation, where `parts` is empty.
    present: whether the observation shows what the model needs (a hand, a face).
    handedness: T, signed score of the followed hand, positive for the person's own right, 0 without a hand;
    None where no single hand is followed.
    warnings: sentences for the caller about how the medium was read.
    shows: the part that pixels or numbers are of where they are present, None where that is whatever there is.
    boxes: T × 4, x, y, width and height of the face that they are of, in fractions of the upright picture; NaN without
    one, None where none is looked for. faces: T, of how many faces there are pixels, None where they are not of faces.
    decoded_s: the times of all frames of the part, where windows choose among them and only those are observed.
    gaps: stretches of the medium of which nothing could be observed, in order, without overlaps.
    leaps: those of them that its timestamps leap over; the others are damaged.
    """

    times_s: TimeArray
    values: npt.NDArray[np.float32] | npt.NDArray[np.uint8]
    present: BoolArray
    media: MediaInfo
    parts: tuple[PartName, ...] = ()
    handedness: FloatArray | None = None
    warnings: tuple[str, ...] = field(default=())
    shows: PartName | None = None
    boxes: FloatArray | None = None
    faces: CountArray | None = None
    gaps: tuple[Window, ...] = ()
    leaps: tuple[Window, ...] = ()
    decoded_s: TimeArray | None = None

    def __len__(self) -> int:
        return len(self.times_s)

    @property
    def end_s(self) -> float:
        """Where the medium ends, as far as it is known."""
        times_s = self.times_s if self.decoded_s is None else self.decoded_s
        return end_after(self.media.duration, float(times_s[-1]))

    def part(self, name: PartName) -> Landmarks:
        """The T × P × 4 landmarks of one part, the first person's; KeyError where this track does not carry it."""
        return self.part_of_each(name)[0]

    def part_of_each(self, name: PartName) -> list[Landmarks]:
        """The T × P × 4 landmarks of a part of each person; KeyError where this track does not carry it."""
        found: list[Landmarks] = []
        start = 0
        for part in self.parts:
            stop = start + PART_POINTS[part]
            if part == name:
                found.append(self.values[:, start:stop].astype(np.float32, copy=False))
            start = stop
        if not found:
            raise KeyError(name)
        return found

    def cut(self, window: Window) -> "Track":
        """The observations with window.start_s ≤ time < window.end_s."""
        start, stop = self.indices(window)
        return self._only(slice(start, stop))

    def indices(self, window: Window) -> tuple[int, int]:
        """Where the window's observations begin and end among all."""
        start, stop = np.searchsorted(self.times_s, (window.start_s, window.end_s), side="left")
        return int(start), int(stop)

    def only(self, chosen: BoolArray) -> "Track":
        """The chosen observations."""
        return self._only(chosen)

    def join(self, later: "Track") -> "Track":
        """This track and a later one of the same medium, which is as the later one knows it."""
        return replace(
            later,
            times_s=np.concatenate([self.times_s, later.times_s]),
            values=np.concatenate([self.values, later.values]),
            present=np.concatenate([self.present, later.present]),
            handedness=_joined(self.handedness, later.handedness),
            boxes=_joined(self.boxes, later.boxes),
            faces=_joined(self.faces, later.faces),
            gaps=merge_windows(*self.gaps, *later.gaps),
            leaps=merge_windows(*self.leaps, *later.leaps),
        )

    def _only(self, chosen: BoolArray | slice) -> "Track":
        return replace(
            self,
            times_s=self.times_s[chosen],
            values=self.values[chosen],
            present=self.present[chosen],
            handedness=None if self.handedness is None else self.handedness[chosen],
            boxes=None if self.boxes is None else self.boxes[chosen],
            faces=None if self.faces is None else self.faces[chosen],
        )

    def frames_with(self, parts: tuple[PartName, ...]) -> int:
        """How many observations show at least one of the parts."""
        if self.shows in parts:
            return int(self.present.sum())
        seen = np.zeros(len(self), dtype=bool)
        for name in parts:
            if name in self.parts:
                seen |= ~np.isnan(self.part(name)[:, 0, 0])
        return int(seen.sum())

    def side(self) -> Side | None:
        """The followed hand's side: the sum of its handedness scores decides; None without evidence."""
        if self.handedness is None:
            return None
        total = float(self.handedness.sum())
        if total == 0.0:
            return None
        return "right" if total > 0 else "left"


def end_after(duration_s: float | None, last_s: float) -> float:
    """The end of a medium of this duration whose last frame begins at last_s: after it, whatever the duration says."""
    return max(duration_s or 0.0, last_s + _AFTER_S)


def _joined(first: Numbers | None, second: Numbers | None) -> Numbers | None:
    return None if first is None or second is None else np.concatenate([first, second])
