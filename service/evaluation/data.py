"""Labeled clips, in whichever of the usual forms they lie on a disk."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import numpy as np
import numpy.typing as npt

from service.media.medium import Medium

FORMS: Final = (
    "DATA is a folder with one folder of media for each label; a CSV file with the columns path and label, or "
    "Sign-MNIST's label, pixel1 … pixel784; an AI-Hub folder with video/X.mp4 and label/X_morpheme.json; or an "
    "annotation of ELAN (.eaf), or a folder of them."
)

Gray = npt.NDArray[np.uint8]


class DataError(Exception):
    """What is wrong with the data as a whole, for a person to read."""


@dataclass(frozen=True, slots=True)
class LabeledClip:
    """A medium, or a part of it, and what it shows. name: unlike all others.

    gray, pose: the picture itself, or a .pose file's content, where no file holds it. or_label: what it shows by
    another reading of the same cell. columns: what else a table says of it.
    """

    name: str
    label: str
    path: Path | None = None
    gray: Gray | None = None
    pose: bytes | None = None
    start_s: float = 0.0
    duration_s: float | None = None
    or_label: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def medium(self, spool: Path) -> Iterator[Medium]:
        """The medium, as a file; of one without any a file in this folder, as long as the block lasts."""
        if self.path is not None:
            yield Medium(str(self.path), self.path.stat().st_size)
            return
        with NamedTemporaryFile(dir=spool, prefix="row-") as file:
            if self.pose is not None:
                file.write(self.pose)
            elif self.gray is not None:
                from PIL import Image  # noqa: PLC0415 - only rows of pixels need it

                Image.fromarray(self.gray).save(file, "PNG")
            else:
                raise ValueError(f"{self.name} has no file, no picture and no landmarks")
            file.flush()
            yield Medium(file.name, file.tell())


@dataclass(frozen=True, slots=True)
class LabeledData:
    """The clips, and what was left out of them: name → why."""

    name: str
    clips: tuple[LabeledClip, ...]
    left_out: dict[str, str] = field(default_factory=dict)
