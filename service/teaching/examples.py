"""Examples: what somebody showed of one sign, as landmarks over time. There is no video in them."""

import secrets
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Literal

import numpy as np

from service.text import compose
from service.track import HAND_PARTS, PART_POINTS, MediaInfo, PartName, Track

PARTS: Final[tuple[PartName, ...]] = ("left_hand", "right_hand", "pose")
"""What is kept of a frame, in this order: 21 + 21 + 33 points with x, y, z and visibility."""

POINTS: Final = 75
NOTHING: Final = "nothing"
"""The label of examples that show no sign: talking, scratching, waiting."""

UNKNOWN: Final = "unknown"
"""The model's own label for whatever it was not taught; no sign may be called so."""

LONGEST_LABEL: Final = 100
LEAST_FRAMES: Final = 4

SELDOM: Final = 0.25
MORE_OFTEN: Final = 3
"""In a picture of a hand alone a body is sometimes seen in it, and the hand with that body now and then."""

Source = Literal["camera", "file", "landmarks", "correction"]


class ExampleError(ValueError):
    """What is wrong with an example, for the one who gives it."""


@dataclass(frozen=True, slots=True)
class Example:
    """One take of one sign.

    label: the sign, or NOTHING. teacher: who shows it, by whatever name they chose; "" where nobody said. track:
    T × 75 × 4 landmarks of PARTS, NaN where missing, with their times and the frame's size. source: where it came
    from; origin: the file or clip in it, for people to find it again.
    """

    label: str
    track: Track
    teacher: str = ""
    source: Source = "landmarks"
    origin: str = ""
    id: str = ""
    created: datetime | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether it shows no sign."""
        return self.label == NOTHING


def make_example(
    label: str, track: Track, *, teacher: str = "", source: Source = "landmarks", origin: str = ""
) -> Example:
    """A checked example with a new id; ExampleError where the label or the landmarks cannot be taught."""
    checked = check_label(label)
    if track.parts != PARTS or track.values.shape[1:] != (POINTS, 4):
        raise ExampleError(f"Landmarks are T × {POINTS} × 4, of {', '.join(PARTS)}.")
    if len(track) < LEAST_FRAMES:
        raise ExampleError(f"There are {len(track)} frames; a take needs {LEAST_FRAMES} at least.")
    if np.any(np.diff(track.times_s) <= 0):
        raise ExampleError("The times of a take's frames rise from each to the next.")
    return Example(
        checked, track, clean_name(teacher, "teacher"), source, origin, secrets.token_hex(8), datetime.now(UTC)
    )


def check_label(label: str) -> str:
    """The label as it is kept: composed, without blanks around it. ExampleError where it is none."""
    cleaned = clean_name(label, "label")
    if not cleaned:
        raise ExampleError("A sign needs a name.")
    if cleaned.casefold() == UNKNOWN:
        raise ExampleError(f"{UNKNOWN!r} is what the model says of what it was not taught; choose another name.")
    return NOTHING if cleaned.casefold() == NOTHING else cleaned


def clean_name(name: str, what: str) -> str:
    """A name of one line, composed; ExampleError where it is too long or holds what is not shown."""
    cleaned = " ".join(compose(name).split())
    if len(cleaned) > LONGEST_LABEL:
        raise ExampleError(f"A {what} has at most {LONGEST_LABEL} characters; this one has {len(cleaned)}.")
    if any(unicodedata.category(character).startswith("C") for character in cleaned):
        raise ExampleError(f"A {what} holds characters that are not shown.")
    return cleaned


def lacks_hands(track: Track) -> bool:
    """Whether hands are seen so seldom that they might better be looked for without a body."""
    return track.frames_with(HAND_PARTS) < SELDOM * len(track)


def shows_more(alone: Track, track: Track) -> bool:
    """Whether hands that were looked for alone are seen so much more often that the body was none."""
    return alone.frames_with(HAND_PARTS) > max(MORE_OFTEN * track.frames_with(HAND_PARTS), SELDOM * len(alone))


def with_all_parts(track: Track) -> Track:
    """A track of some of PARTS as one of all of them; what was not looked for is missing."""
    values = np.full((len(track), POINTS, 4), np.nan, np.float32)
    start = 0
    for part in PARTS:
        stop = start + PART_POINTS[part]
        if part in track.parts:
            values[:, start:stop] = track.part(part)
        start = stop
    return replace(track, values=values, parts=PARTS)


def track_of(
    values: np.ndarray[tuple[int, ...], np.dtype[np.floating]],
    times_s: np.ndarray[tuple[int], np.dtype[np.floating]],
    width: int,
    height: int,
) -> Track:
    """T × 75 × 4 landmarks as a track; width and height of the frame in pixels, or in any unit: their ratio counts."""
    landmarks = np.asarray(values, np.float32)
    times = np.asarray(times_s, np.float64)
    seen = np.isfinite(landmarks[:, 0, 0]) | np.isfinite(landmarks[:, 21, 0])
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1 / 15
    media = MediaInfo("landmarks", "landmarks", width, height, float(times[-1]) + step, 1 / step if step > 0 else None)
    return Track(times, landmarks, seen, media, PARTS)
