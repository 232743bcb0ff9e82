"""Items: the media of a corpus, by folder, pattern, list or address, and which of them are a shard's."""

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from service.commands.environment import misused
from service.commands.inputs import files_below
from service.media.sniff import ENDINGS

_PATTERN = "*?["
_LISTS = (".csv", ".parquet")
_COLUMN = "path"


@dataclass(frozen=True, slots=True)
class Item:
    """One medium. name: what its rows are known by, the same in every run; address: where it is to be read."""

    name: str
    address: str

    @property
    def is_remote(self) -> bool:
        """Whether it has to be fetched."""
        return is_address(self.address)

    @property
    def place(self) -> PurePosixPath:
        """Where a file of its own lies below the output, as it lies itself."""
        _, _, path = self.name.rpartition("://")
        return PurePosixPath(*(part for part in PurePosixPath(path).parts if part not in ("/", "..", ".")))


@dataclass(frozen=True, slots=True)
class Shard:
    """One of so many parts of a corpus, counted from 1; which items are its own depends on their names alone."""

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """I/N; ends the program in words where it is none."""
        number, _, of = text.partition("/")
        if not (number.isdigit() and of.isdigit() and 1 <= int(number) <= int(of)):
            raise misused(f"--shard {text}: write I/N, I from 1 to N.")
        return cls(int(number), int(of))

    def has(self, item: Item) -> bool:
        """Whether the item is one of this shard's."""
        digest = hashlib.sha256(item.name.encode()).digest()
        return int.from_bytes(digest[:8]) % self.of == self.number - 1


def is_address(text: str) -> bool:
    """Whether it is one of fsspec's (s3://…) rather than a path."""
    return "://" in text


def find_items(given: str) -> list[Item]:
    """The media that INPUT names, by name; ends the program in words where it names none or cannot be read.

    A folder stands for what is named like a medium below it, a pattern for what it matches, a .csv or .parquet for the
    paths in its column `path`, or its first.
    """
    try:
        items = sorted(set(_find(given)), key=lambda item: item.name)
    except OSError as error:
        raise misused(f"{given}: {error.strerror or error}") from None
    if not items:
        raise misused(f"{given}: no media are found there.")
    return items


def _find(given: str) -> Iterator[Item]:
    if given.lower().endswith(_LISTS):
        yield from _listed(given)
    elif is_address(given):
        yield from _remote(given)
    elif any(letter in given for letter in _PATTERN) and not Path(given).exists():
        base = Path(given)
        anchor = Path(base.anchor) if base.anchor else Path()
        for path in anchor.glob(str(base.relative_to(anchor))):
            if path.is_file():
                yield Item(path.as_posix(), str(path.absolute()))
    elif Path(given).is_dir():
        folder = Path(given)
        for path in files_below(folder):
            if path.suffix.lower() in ENDINGS:
                yield Item(path.relative_to(folder).as_posix(), str(path.absolute()))
    elif Path(given).exists():
        yield Item(Path(given).name, str(Path(given).absolute()))
    else:
        raise misused(f"{given}: there is no such file or folder.")


def _remote(given: str) -> Iterator[Item]:
    from service.commands.corpora.stores import list_media  # noqa: PLC0415 - an extra

    for address in list_media(given, is_pattern=any(letter in given for letter in _PATTERN)):
        yield Item(address, address)


def _listed(given: str) -> Iterator[Item]:
    content = _bytes_at(given)
    paths = _of_parquet(content) if given.lower().endswith(".parquet") else _of_csv(content)
    base = None if is_address(given) else Path(given).absolute().parent
    for path in paths:
        if is_address(path) or base is None:
            yield Item(path, path)
        else:
            yield Item(Path(path).as_posix(), str(base / path))


def _of_csv(content: bytes) -> list[str]:
    rows = [row for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) if row]
    if not rows:
        return []
    first, *rows = rows
    if _COLUMN in first:
        return [row[first.index(_COLUMN)] for row in rows]
    return [row[0] for row in (first, *rows)]


def _of_parquet(content: bytes) -> list[str]:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    names = pq.read_schema(pa.BufferReader(content)).names
    column = _COLUMN if _COLUMN in names else names[0]
    values: list[Any] = pq.read_table(pa.BufferReader(content), columns=[column]).column(0).to_pylist()
    return [str(value) for value in values]


def _bytes_at(address: str) -> bytes:
    if not is_address(address):
        return Path(address).read_bytes()
    from service.commands.corpora.stores import read_bytes  # noqa: PLC0415 - an extra

    return read_bytes(address)
