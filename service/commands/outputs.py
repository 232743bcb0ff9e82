"""Outputs: where each answer goes, and files that are there whole or not at all."""

import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import IO, TypeVar

from service.commands.environment import misused
from service.commands.inputs import InputFile, Inputs
from service.export.answer import MediaFile
from service.export.formats import Format

AnswerT = TypeVar("AnswerT")


@dataclass(frozen=True, slots=True)
class Outputs:
    """Each medium's file; None: its answer is printed. overwrite, skip_existing: what becomes of one that is there."""

    paths: Mapping[InputFile, Path | None]
    overwrite: bool = False
    skip_existing: bool = False

    def already_there(self, input_file: InputFile) -> bool:
        """Whether the answer's file exists."""
        place = self.paths[input_file]
        return place is not None and place.exists()


def plan_outputs(
    inputs: Inputs, output: str | None, ending: str, *, overwrite: bool = False, skip_existing: bool = False
) -> Outputs:
    """Where each answer goes; ends the program in words where two would be one file, or a folder is a file.

    output: a folder where it is one, is written as one (a slash at its end) or is for several; else a file's name.
    """
    if output is None:
        if skip_existing:
            raise misused("--skip-existing needs --output: without it nothing is written that could exist.")
        return Outputs(dict.fromkeys(inputs.media))
    folder = Path(output)
    if not (inputs.many or folder.is_dir() or output.endswith(os.sep)):
        return Outputs(dict.fromkeys(inputs.media, folder), overwrite, skip_existing)
    if folder.exists() and not folder.is_dir():
        raise misused(f"--output {output} is a file; for several media name a folder.")
    paths: dict[InputFile, Path | None] = {}
    taken: dict[Path, InputFile] = {}
    for input_file in inputs.media:
        place = folder / input_file.folder / (stem(input_file.path) + ending)
        if (other := taken.setdefault(place, input_file)) is not input_file:
            raise misused(
                f"{other.path} and {input_file.path} would both be written to {place}; ask for one at a time."
            )
        paths[input_file] = place
    return Outputs(paths, overwrite, skip_existing)


def linked_from(place: Path | None, media: MediaFile, path: Path) -> MediaFile:
    """The medium at this path as a file at that place links to it; one that is printed, from the working folder."""
    folder = Path.cwd() if place is None else place.absolute().parent
    way = Path(os.path.relpath(path.absolute(), folder)).as_posix()
    return replace(media, place=path.absolute().as_posix(), way=way if way.startswith("../") else f"./{way}")


def stem(path: PurePath) -> str:
    """The name of a medium without its ending, as exports name their files."""
    return path.stem or "media"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also where the machine stops meanwhile."""
    put(path, content, settle=lambda file: os.fsync(file.fileno()))


def put(path: Path, content: bytes, settle: Callable[[IO[bytes]], None] = lambda _: None) -> None:
    """Write a file that is whole as soon as it is there; the machine may take its time to keep it.

    settle: done with the file when all is written, before it gets its name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(content)
            file.flush()
            settle(file)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def format_of(output: str | None, formats: Mapping[str, Format[AnswerT]]) -> str:
    """The format that a file's name ends like, json where it ends like none."""
    named = (output or "").lower()
    fitting = {len(entry.ending): name for name, entry in formats.items() if named.endswith(entry.ending)}
    return fitting[max(fitting)] if fitting else "json"


def ending_of(format_name: str, formats: Mapping[str, Format[AnswerT]]) -> str:
    """How files of a format are named."""
    return ".json" if format_name == "json" else formats[format_name].ending


def refuse_mixed(inputs: Inputs, output: str | None, format_name: str) -> None:
    """Several answers printed one after the other are read only as lines of json."""
    if output is None and inputs.many and format_name != "json":
        raise misused(f"--format {format_name} of several media needs --output FOLDER, for a file each.")


def refuse_existing(file: Path | None, *, overwrite: bool) -> None:
    """End the program in words where a file would be replaced unasked."""
    if file is not None and file.exists() and not overwrite:
        raise misused(f"{file} is there already; --overwrite replaces it.")
