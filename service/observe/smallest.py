"""How small a picture may be in which a hand is looked for: in fewer pixels, what is found is a guess."""

from service.media.upright import Pixels
from service.observe.landmarker import Landmarker, LandmarkFrame
from service.track import MediaInfo

SMALLEST_SIDE = 32
"""Pixels of the shorter side. Of the samples' letters, brought to 16 to 28 pixels, 9 of 35 answers were wrong."""


def look_for_hands(landmarker: Landmarker, rgb: Pixels) -> LandmarkFrame:
    """Landmarks of the next frame; none of a picture too small to hold a hand."""
    return LandmarkFrame() if min(rgb.shape[:2]) < SMALLEST_SIDE else landmarker.detect(rgb)


def warn_of_size(media: MediaInfo) -> tuple[str, ...]:
    """The sentence about a picture in which nothing is looked for; none where it is large enough."""
    if min(media.width, media.height) >= SMALLEST_SIDE:
        return ()
    size = f"{media.width} × {media.height}"
    return (f"The picture has {size} pixels; hands are looked for from {SMALLEST_SIDE} × {SMALLEST_SIDE} on.",)
