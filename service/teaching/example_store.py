"""The store of examples: a folder for each taught model, a file for each take, readable by its owner alone.

ROOT/NAME/examples/ID.npz holds landmarks, times and what is said of the take. Nothing else is kept: no video, no
picture. A file is written beside its place and moved there whole, so that a reader never sees half of one.
"""

import io
import json
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from zipfile import BadZipFile

import numpy as np

from service.registry.manifest import NAME_PATTERN
from service.system import sync
from service.teaching.examples import Example, ExampleError, Source, track_of

_NAME: Final = re.compile(NAME_PATTERN)
_ID: Final = re.compile(r"[0-9a-f]{16}")
_ENDING: Final = ".npz"
_FOLDER: Final = "examples"
_FORM: Final = 1


class UnknownExampleError(KeyError):
    """There is no example of this id."""


@dataclass(frozen=True, slots=True)
class ExampleInfo:
    """What is said of an example without reading its landmarks. duration_s: from its first frame to its end."""

    id: str
    label: str
    teacher: str
    source: Source
    origin: str
    created: datetime
    frames: int
    duration_s: float


class ExampleStore:
    """All examples of all taught models below one folder. Every method reads the disk; nothing is held."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, model: str, example: Example) -> None:
        """Keep an example, for good once this returns. ExampleError where it or the name is none; OSError."""
        place = self._place(model, example.id)
        for folder in (self.root, place.parent.parent, place.parent):
            if not folder.is_dir():
                folder.mkdir(mode=0o700, parents=folder is self.root, exist_ok=True)
        work = place.parent / f".{example.id}.{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(work, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(example_bytes(example))
                file.flush()
                os.fsync(file.fileno())
            work.replace(place)
        finally:
            work.unlink(missing_ok=True)
        sync(place.parent)

    def models(self) -> list[str]:
        """Names of models with examples."""
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if _NAME.fullmatch(entry.name) and _ids(entry))

    def list(self, model: str) -> list[ExampleInfo]:
        """What there is of a model, oldest first; files that are no examples are left out."""
        folder = self._folder(model)
        found = [info for name in _ids(folder.parent) if (info := _read_info(folder / f"{name}{_ENDING}")) is not None]
        return sorted(found, key=lambda info: (info.created, info.id))

    def get(self, model: str, example: str) -> Example:
        """One example with its landmarks. UnknownExampleError where there is none."""
        try:
            return read_example(self._place(model, example).read_bytes())
        except FileNotFoundError:
            raise UnknownExampleError(example) from None

    def all(self, model: str) -> tuple[Example, ...]:
        """All examples of a model, oldest first."""
        return tuple(self.get(model, info.id) for info in self.list(model))

    def delete(self, model: str, example: str) -> None:
        """Remove one example. UnknownExampleError where there is none."""
        place = self._place(model, example)
        try:
            place.unlink()
        except FileNotFoundError:
            raise UnknownExampleError(example) from None
        sync(place.parent)

    def delete_all(self, model: str) -> int:
        """Remove everything that is kept of a model's examples; how many there were."""
        folder = self._folder(model)
        count = len(_ids(folder.parent))
        if folder.parent.is_dir():
            gone = self.root / f".{model}.{secrets.token_hex(4)}"
            folder.parent.rename(gone)  # at once gone for readers, whatever the removal takes
            shutil.rmtree(gone)
            sync(self.root)
        return count

    def size_bytes(self, model: str | None = None) -> int:
        """What a model's examples, or all, take on the disk."""
        names = self.models() if model is None else [model]
        return sum(path.stat().st_size for name in names for path in self._folder(name).glob(f"*{_ENDING}"))

    def _folder(self, model: str) -> Path:
        if not _NAME.fullmatch(model):
            raise ExampleError(f"{model!r} is no name: small letters, digits and hyphens, at most 64.")
        return self.root / model / _FOLDER

    def _place(self, model: str, example: str) -> Path:
        if not _ID.fullmatch(example):
            raise UnknownExampleError(example)
        return self._folder(model) / f"{example}{_ENDING}"


def example_bytes(example: Example) -> bytes:
    """An example as its file holds it."""
    track = example.track
    said = {
        "form": _FORM,
        "id": example.id,
        "label": example.label,
        "teacher": example.teacher,
        "source": example.source,
        "origin": example.origin,
        "created": None if example.created is None else example.created.isoformat(),
        "frames": len(track),
        "duration_s": float(track.end_s - track.times_s[0]),
        "width": track.media.width,
        "height": track.media.height,
    }
    out = io.BytesIO()
    np.savez_compressed(
        out,
        allow_pickle=False,
        said=np.array(json.dumps(said, ensure_ascii=False)),
        times_s=track.times_s,
        values=np.asarray(track.values, np.float32),
    )
    return out.getvalue()


def read_example(content: bytes) -> Example:
    """An example from its file's bytes; ExampleError where they are none."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            said = json.loads(str(file["said"]))
            track = track_of(file["values"], file["times_s"], int(said["width"]), int(said["height"]))
            return Example(
                label=said["label"],
                track=track,
                teacher=said["teacher"],
                source=said["source"],
                origin=said["origin"],
                id=said["id"],
                created=datetime.fromisoformat(said["created"]),
            )
    except (ValueError, KeyError, TypeError, BadZipFile, EOFError) as error:
        raise ExampleError(f"The file holds no example: {error}") from None


def _ids(model: Path) -> list[str]:
    folder = model / _FOLDER
    if not folder.is_dir():
        return []
    return [path.stem for path in folder.iterdir() if path.suffix == _ENDING and _ID.fullmatch(path.stem)]


def _read_info(path: Path) -> ExampleInfo | None:
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            said = json.loads(str(file["said"]))
        return ExampleInfo(
            said["id"],
            said["label"],
            said["teacher"],
            said["source"],
            said["origin"],
            datetime.fromisoformat(said["created"]),
            said["frames"],
            said["duration_s"],
        )
    except (ValueError, KeyError, TypeError, BadZipFile, EOFError, OSError):
        return None
