"""Stores: media that lie elsewhere, at an address of fsspec's (s3://…, https://…). What knows fsspec here."""

from pathlib import Path, PurePosixPath

import fsspec

from service.media.sniff import ENDINGS


def list_media(address: str, *, is_pattern: bool) -> list[str]:
    """Addresses of the media that an address stands for: below a folder, after a pattern, or itself. Raises OSError."""
    store, path = fsspec.url_to_fs(address)
    if is_pattern:
        found = [one for one in store.glob(path) if store.isfile(one)]
    elif store.isdir(path):
        found = [one for one in store.find(path) if PurePosixPath(one).suffix.lower() in ENDINGS]
    else:
        found = [path]
    return [str(store.unstrip_protocol(one)) for one in found]


def read_bytes(address: str) -> bytes:
    """All of a file. Raises OSError."""
    with fsspec.open(address, "rb") as file:
        content: bytes = file.read()
    return content


def fetch(address: str, place: Path) -> None:
    """A file's copy at a place here. Raises OSError."""
    store, path = fsspec.url_to_fs(address)
    store.get_file(path, str(place))
