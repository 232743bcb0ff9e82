"""Inputs: the media that a command's FILE… and FOLDER arguments name."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from service.errors import SignError
from service.media.medium import Medium
from service.media.sniff import ENDINGS, HEAD_BYTES, MediaType, sniff


@dataclass(frozen=True, slots=True)
class InputFile:
    """A medium to read. folder: where it lies below the folder that was named, so that outputs may lie alike."""

    path: Path
    folder: PurePath = field(default_factory=PurePath)

    @property
    def label(self) -> str:
        """The folder in which it lies below the one that was named, as class folders are; else empty."""
        return self.folder.parts[0] if self.folder.parts else ""

    @property
    def medium(self) -> Medium:
        """The medium; OSError where there is none."""
        return Medium(str(self.path), self.path.stat().st_size)

    def kind(self) -> MediaType:
        """What the file's first bytes say that it is; SignError where it is no medium, OSError where it is no file."""
        with self.path.open("rb") as file:
            return sniff(file.read(HEAD_BYTES))


@dataclass(frozen=True, slots=True)
class Inputs:
    """media: in the order of the arguments, folders by path; broken ones, too.

    left_out: files of folders that are no media. empty: folders without a medium. many: whether several were asked
    for, be there one only.
    """

    media: tuple[InputFile, ...]
    left_out: tuple[Path, ...]
    empty: tuple[Path, ...]
    many: bool


def find_inputs(arguments: Sequence[Path]) -> Inputs:
    """What the arguments name; a file that was named itself is taken whatever it is, and fails later in words."""
    media: list[InputFile] = []
    left_out: list[Path] = []
    empty: list[Path] = []
    for argument in arguments:
        if not argument.is_dir():
            media.append(InputFile(argument))
            continue
        found, others = _in_folder(argument)
        media += found
        left_out += others
        if not found:
            empty.append(argument)
    many = len(arguments) > 1 or any(argument.is_dir() for argument in arguments)
    return Inputs(tuple(dict.fromkeys(media)), tuple(left_out), tuple(empty), many)


def files_below(folder: Path) -> Iterator[Path]:
    """All files in a folder and the folders in it, by path; hidden ones are left out."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield path


def _in_folder(folder: Path) -> tuple[list[InputFile], list[Path]]:
    media: list[InputFile] = []
    others: list[Path] = []
    for path in files_below(folder):
        input_file = InputFile(path, path.relative_to(folder).parent)
        if _is_medium(input_file):
            media.append(input_file)
        else:
            others.append(path)
    return media, others


def _is_medium(input_file: InputFile) -> bool:
    """Whether it is one by its bytes, or was one by its name: a broken file is an error later, not passed over."""
    try:
        input_file.kind()
    except SignError:
        return input_file.path.suffix.lower() in ENDINGS
    except OSError:
        return True
    return True
