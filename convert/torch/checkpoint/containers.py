"""The four containers that PyTorch has saved in, opened as a pickled value and the bytes of its storages."""

import io
import mmap
import zipfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Literal

from convert.errors import CallError, RefusalError
from convert.pickles.interpreter import PickleInterpreter
from convert.pickles.values import Value, shown
from convert.torch.checkpoint import legacy, safetensors, tar
from convert.torch.checkpoint.rebuild import CHECKPOINT, declare_storage
from convert.torch.checkpoint.values import Storage, is_count

ContainerKind = Literal["zip", "torchscript", "legacy", "tar", "safetensors"]

MAX_ENTRIES = 100_000
MAX_PICKLE_BYTES = 256 << 20
MAX_UNPACKED_RATIO = 10
UNPACKED_BASE = 4 << 20
HEAD_BYTES = 512
_DAMAGED = "Download or copy the file again."
_ENCRYPTED = 0x1


@dataclass(slots=True)
class Opened:
    """A file as its container gives it. value: what the pickle describes; bytes_of: a storage's bytes."""

    kind: ContainerKind
    value: Value
    bytes_of: Callable[[Storage], memoryview]
    stand_ins: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def open_container(path: Path, stack: ExitStack) -> Opened:
    """Open a .pt, .pth, .ckpt or .bin file by its content, not by its name. stack: closes what stays open."""
    kind = sniff(path)
    if kind == "zip":
        return _open_zip(stack.enter_context(_zip_file(path)), path.stat().st_size)
    if kind == "tar":
        value, bytes_of, stand_ins = tar.read(path)
        return Opened("tar", value, bytes_of, stand_ins)
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)  # closed with the last array that looks into it
    value, bytes_of, stand_ins = legacy.read(data)
    return Opened("legacy", value, bytes_of, stand_ins)


def sniff(path: Path) -> ContainerKind:
    """Which container a file is. CallError if there is none, RefusalError with what to do for a foreign one."""
    if not path.is_file():
        raise CallError(f"There is no file {path}.", "" if not path.is_dir() else "Name a file in that folder.")
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise RefusalError(f"{path.name} is empty.", "Download or copy it again.")
    if head.startswith(b"PK\x03\x04"):
        return "zip"
    if safetensors.looks_like(head, size):
        return "safetensors"
    if head.startswith(b"version https://git-lfs"):
        raise RefusalError(
            f"{path.name} is a Git LFS pointer of {size} bytes, not the model.",
            "Run `git lfs pull` in the repository, or download the file from its web page.",
        )
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        raise RefusalError(f"{path.name} is a web page.", "Use the file's `raw` or `download` link.")
    if head.startswith(b"\x89HDF"):
        raise RefusalError(f"{path.name} is an HDF5 file.", "Use `python -m convert keras`.")
    if head[257:262] == b"ustar" or tar.looks_like(path):
        return "tar"
    if head[:1] in (b"\x80", b"(", b"c", b"}", b"]"):
        return "legacy"
    raise RefusalError(
        f"{path.name} is no PyTorch or safetensors file: it begins with {head[:8]!r}.",
        "Check that the download is complete.",
    )


def _zip_file(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise RefusalError(f"{path.name} is a damaged zip file: {error}.", _DAMAGED) from None


def _open_zip(archive: zipfile.ZipFile, size: int) -> Opened:
    entries = _checked_entries(archive, size)
    pickles = [name for name in entries if PurePosixPath(name).name == "data.pkl"]
    if len(pickles) != 1:
        raise _no_checkpoint(entries)
    root = pickles[0].removesuffix("data.pkl")
    if entries[pickles[0]].file_size > MAX_PICKLE_BYTES:
        raise RefusalError(f"{pickles[0]} has {entries[pickles[0]].file_size} bytes.", "No checkpoint needs that.")
    if root + "byteorder" in entries and _entry(archive, entries[root + "byteorder"]) != b"little":
        raise RefusalError("The file was saved on a big-endian machine.", "Load and save it on a common one.")
    interpreter = PickleInterpreter(io.BytesIO(_entry(archive, entries[pickles[0]])), CHECKPOINT, "data.pkl", _storage)
    value = interpreter.run()
    is_script = root + "constants.pkl" in entries or any(name.startswith(root + "code/") for name in entries)

    @lru_cache(maxsize=2)
    def numbers(key: str) -> memoryview:
        entry = entries.get(f"{root}data/{key}")
        if entry is None:
            raise RefusalError(f"The numbers of storage {shown(key)} are not in the file.", _DAMAGED)
        return memoryview(_entry(archive, entry))

    notes = ("The code in the TorchScript archive was not read.",) if is_script else ()
    return Opened(
        "torchscript" if is_script else "zip", value, lambda storage: numbers(storage.key), interpreter.stand_ins, notes
    )


def _checked_entries(archive: zipfile.ZipFile, size: int) -> dict[str, zipfile.ZipInfo]:
    entries: dict[str, zipfile.ZipInfo] = {}
    total = 0
    for entry in archive.infolist():
        name = entry.filename
        if name.startswith("/") or "\\" in name or ".." in PurePosixPath(name).parts or ":" in name.split("/", 1)[0]:
            raise RefusalError(f"The zip entry {name!r} points out of the file.", "No checkpoint has such an entry.")
        if name in entries:
            raise RefusalError(f"The zip entry {name} is there twice.", _DAMAGED)
        if entry.flag_bits & _ENCRYPTED:
            raise RefusalError(f"The zip entry {name} is encrypted.", "Save the file without a password.")
        entries[name] = entry
        total += entry.file_size
    if len(entries) > MAX_ENTRIES or total > UNPACKED_BASE + MAX_UNPACKED_RATIO * size:
        raise RefusalError(
            f"The zip file of {size} bytes declares {len(entries)} entries of {total} bytes together.",
            "PyTorch stores numbers uncompressed: this is no checkpoint.",
        )
    return entries


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """An entry's bytes, never more than it declares."""
    try:
        with archive.open(entry) as file:
            data = file.read(entry.file_size + 1)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, EOFError, RuntimeError) as error:
        raise RefusalError(f"The zip entry {entry.filename} is damaged: {error}.", _DAMAGED) from None
    if len(data) != entry.file_size:
        raise RefusalError(
            f"The zip entry {entry.filename} has {len(data)} bytes and declares {entry.file_size}.", _DAMAGED
        )
    return data


def _storage(reference: Value) -> Value:
    """A zip's persistent id: ("storage", class, key, device, elements)."""
    if not isinstance(reference, tuple) or len(reference) < 5 or reference[0] != "storage":
        raise RefusalError(f"The file refers to {str(reference)[:100]!r}, which is no storage.", _DAMAGED)
    _, kind, key, _, length = reference[:5]
    if not isinstance(key, str | int) or not is_count(length):
        raise RefusalError("The file refers to a storage without a key or length.", _DAMAGED)
    return declare_storage(kind, str(key), length)


def _no_checkpoint(entries: dict[str, zipfile.ZipInfo]) -> RefusalError:
    names = {PurePosixPath(name).name for name in entries}
    if "config.json" in names and "model.weights.h5" in names:
        return RefusalError("This is a .keras file.", "Use `python -m convert keras`.")
    if any(name.endswith(".npy") for name in names):
        return RefusalError("This is a NumPy archive, not a checkpoint.", "Save `model.state_dict()` with torch.save.")
    return RefusalError(
        "The zip file holds no single data.pkl.", "Unpack it if it is a folder of checkpoints, and name one of them."
    )
