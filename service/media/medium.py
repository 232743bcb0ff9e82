"""Medium: an upload that lies in a private folder and waits to be read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Medium:
    """A spooled upload. The path has no extension on purpose: only the bytes say what it is."""

    path: str
    size: int


@dataclass(frozen=True, slots=True)
class MediaLimits:
    """What a medium may cost.

    frame_pixels: pixels of a picture or of one frame; seconds: length of the part that is analysed; frames: how many
    sampled frames are looked at.
    """

    frame_pixels: int
    seconds: float
    frames: int
