"""Videos whose frames carry their own number as a pattern that a browser, too, can read off the screen."""

from fractions import Fraction
from pathlib import Path

import numpy as np

from service.media.upright import Pixels
from tests.media_made import film

COLUMNS, ROWS = 5, 2
RATE = 30


def numbered_clock(number: int, width: int = 200, height: int = 80) -> Pixels:
    """The number as ten fields, the lowest bit at the top left; white is 1."""
    picture = np.zeros((height, width, 3), np.uint8)
    for place in range(COLUMNS * ROWS):
        row, column = divmod(place, COLUMNS)
        if number >> place & 1:
            top, left = row * height // ROWS, column * width // COLUMNS
            picture[top : top + height // ROWS, left : left + width // COLUMNS] = 255
    return picture


def read_clock(picture: Pixels) -> int:
    """The number that a picture of any size shows."""
    height, width = picture.shape[:2]
    number = 0
    for place in range(COLUMNS * ROWS):
        row, column = divmod(place, COLUMNS)
        y, x = int((row + 0.5) * height / ROWS), int((column + 0.5) * width / COLUMNS)
        number |= int(picture[y, x].mean() > 128) << place
    return number


def clock(
    path: Path,
    *,
    frames: int = 60,
    first: int = 0,
    late_s: float = 0.0,
    leap_s: float = 0.0,
    codec: str = "libx264",
    size: tuple[int, int] = (200, 80),
    options: dict[str, str] | None = None,
    pixel_aspect: Fraction | None = None,
    b_frames: int = 0,
) -> Path:
    """A clock from the number `first` on. late_s: when it begins. leap_s: by how much timestamps leap in its middle."""
    times = [late_s + index / RATE + (leap_s if index >= frames // 2 else 0.0) for index in range(frames)]
    return film(
        path,
        lambda index: numbered_clock(first + index, *size),
        frames=frames,
        rate=RATE,
        codec=codec,
        times=times,
        options=options,
        keyframe_every=15,
        pixel_aspect=pixel_aspect,
        b_frames=b_frames,
    )
