"""Crops: the pictures that a model is given, as files in folders, ready to train the next one on."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from service.observe.request import PixelRequest
from service.track import Track

MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Crops:
    """Where a medium's pictures go: FOLDER/STEM_TIME.png, with the time in milliseconds, and the face's number if any.

    write: puts a file there. Only observations that show what the model needs have one.
    """

    folder: Path
    stem: str
    request: PixelRequest

    def pictures(self, track: Track) -> list[tuple[Path, bytes]]:
        """Each picture of a piece of a track, as PNG, in RGB or gray whatever order the model takes."""
        found: list[tuple[Path, bytes]] = []
        for place in np.flatnonzero(track.present):
            name = f"{self.stem}_{round(float(track.times_s[place]) * MILLISECONDS):08}"
            if track.faces is None:
                found.append((self.folder / f"{name}.png", self._png(track.values[place])))
                continue
            found += [
                (self.folder / f"{name}_{face + 1}.png", self._png(track.values[place, face]))
                for face in range(int(track.faces[place]))
            ]
        return found

    def _png(self, picture: npt.NDArray[np.uint8] | npt.NDArray[np.float32]) -> bytes:
        from PIL import Image  # noqa: PLC0415 - only crops need it

        levels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
        if self.request.color == "bgr":
            levels = levels[..., ::-1]
        image = Image.fromarray(levels[..., 0] if self.request.color == "grey" else np.ascontiguousarray(levels))
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue()
