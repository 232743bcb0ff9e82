"""Animated pictures (WebP, PNG, AVIF) as clips: Pillow puts their frames together. Only workers import this."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image, ImageOps

from service.media.decoding import decoded, decoding
from service.media.medium import SHORTER_PART, MediaLimits, Medium, Orientation, check_picture_size, too_long
from service.media.picture import opened_picture, rgb_pixels
from service.media.shown import shown_in
from service.media.sniff import MediaType
from service.media.upright import Pixels
from service.track import MediaInfo, Window

_SHORTEST_MS = 10
_USUAL_MS = 100
_BEGINS_WELL = "The animated picture begins well"


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of an animation, as a `Frame` of a video."""

    index: int
    time_s: float
    until_s: float
    shown: Image.Image

    def pixels(self, most: float = float("inf")) -> Pixels:
        """The upright picture, H × W × 3, RGB; of a picture of more than `most` pixels, a smaller."""
        with decoding(_BEGINS_WELL):
            return rgb_pixels(self.shown, most)


class Animation:
    """An open animation, read as a `Video` is: shown once, from 0 s, each picture as long as browsers show it."""

    def __init__(self, image: Image.Image, kind: MediaType, limits: MediaLimits, orientation: Orientation) -> None:
        check_picture_size(*image.size, limits, "The picture")
        self._image = image
        self._limits = limits
        self._orientation = orientation
        first = self._turned()
        self.info = MediaInfo("video", kind.format, first.width, first.height, None, None)
        self.decoded = 0
        self.at_end = False
        self.next_s: float | None = None
        self.gaps: list[Window] = []
        self.leaps: tuple[Window, ...] = ()
        self.warnings: tuple[str, ...] = ()

    @property
    def knows_its_end(self) -> bool:
        """No header says how long it lasts."""
        return self.at_end

    def leapt_ahead_s(self, _window: Window, _most_s: float) -> float:
        """0: pictures follow one another."""
        return 0.0

    def frames(
        self, window: Window, counted: bool = False, keep_going: Callable[[], None] = lambda: None
    ) -> Iterator[Picture]:
        """The pictures shown in the window, in order; once only. As `Video.frames`."""
        shown = decoded(self._pictures(), _BEGINS_WELL)
        self.next_s = yield from shown_in(window, shown, self._check, keep_going, counted=counted)

    def _check(self, picture: Picture, window: Window) -> None:
        seen_s = min(picture.time_s, window.end_s) - window.start_s
        if seen_s > self._limits.seconds:
            raise too_long(seen_s, self._limits.seconds, SHORTER_PART, is_least=True)

    def _pictures(self) -> Iterator[Picture]:
        at_ms = 0.0
        count = getattr(self._image, "n_frames", 1)
        first = 1 if getattr(self._image, "default_image", False) else 0  # APNG: for who shows no animations
        for index, number in enumerate(range(first, count)):
            self._image.seek(number)
            self._image.load()
            lasts_ms = float(self._image.info.get("duration") or 0)
            until_ms = at_ms + (lasts_ms if lasts_ms > _SHORTEST_MS else _USUAL_MS)
            self.decoded += 1
            self.info = replace(self.info, duration=until_ms / 1000)
            yield Picture(index, at_ms / 1000, until_ms / 1000, self._turned())
            at_ms = until_ms
        self.at_end = True
        if self.decoded and at_ms:
            self.info = replace(self.info, frame_rate=round(1000 * self.decoded / at_ms, 6))

    def _turned(self) -> Image.Image:
        return ImageOps.exif_transpose(self._image) if self._orientation == "upright" else self._image.copy()


@contextmanager
def open_animation(
    medium: Medium, kind: MediaType, limits: MediaLimits, orientation: Orientation = "upright"
) -> Iterator[Animation]:
    """Open an animated picture. Raises SignError: media-corrupt, picture-too-large."""
    with contextlib.ExitStack() as held:
        with decoding(_BEGINS_WELL):
            file = held.enter_context(Path(medium.path).open("rb"))
            animation = Animation(held.enter_context(opened_picture(file, kind)), kind, limits, orientation)
        yield animation
