"""The model store: a folder of NAME/VERSION/manifest.json + model.onnx. Read with every check, published atomically."""

import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from pydantic import ValidationError

from service import system
from service.errors import InvalidModelError
from service.registry.manifest import (
    FILE_NAME,
    MANIFEST_FILE,
    MODEL_FILE,
    NAME_PATTERN,
    Manifest,
    StoredFile,
    manifest_json,
)

MANIFEST_BYTES = 4 * 1024 * 1024
"""Most bytes of a manifest.json; thousands of labels take a tenth of it."""

_NAME = re.compile(NAME_PATTERN)
_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_CHUNK = 1024 * 1024
_PROBLEMS_SHOWN = 5
_PLACEHOLDER_VERSION = 1

Fingerprint = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True, slots=True, order=True)
class StoredVersion:
    """A version that lies in the store; nothing of it has been read yet."""

    name: str
    version: int
    folder: Path


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A version that was read and verified."""

    manifest: Manifest
    folder: Path

    @property
    def graph(self) -> Path:
        return self.folder / MODEL_FILE


class Store:
    """The folder `root`. Reading never writes; publishing adds a version and changes none.

    taught: a second folder of the same form, of models that users taught. It is read only: of a name that both have,
    the first one's counts.
    """

    def __init__(self, root: Path, taught: Path | None = None) -> None:
        self.root = root
        self.taught = taught

    def versions(self) -> list[StoredVersion]:
        """What lies in the store, by name and version. Hidden folders, such as unfinished publishes, do not count.

        A folder whose name is not allowed is listed all the same, so that `read` can say so. Raises OSError if the
        store itself cannot be listed.
        """
        found = _versions_in(self.root)
        names = {one.name for one in found}
        if self.taught is not None and self.taught.is_dir():
            found += [one for one in _versions_in(self.taught) if one.name not in names]
        return sorted(found)

    def has(self, name: str) -> bool:
        """Whether `root` has a model of this name, or something in its place."""
        return os.path.lexists(self.root / name)

    def folder(self, name: str, version: int) -> Path:
        """Where a version lies, whether it exists or not. Raises InvalidModelError for a name that is not allowed."""
        if not _NAME.fullmatch(name):
            raise InvalidModelError(
                f"{name!r} is no model name: small letters, digits and hyphens, at most 64, no hyphen first"
            )
        if version < 1:
            raise InvalidModelError(f"{version} is no version: versions count from 1")
        root = self.root if self.taught is None or self.has(name) else self.taught
        return root / name / str(version)

    def fingerprint(self, name: str, version: int) -> Fingerprint:
        """Names, sizes, times and inodes of what lies in a version's folder: other ones mean that it was changed."""
        try:
            with os.scandir(self.folder(name, version)) as entries:
                stats = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        except (OSError, InvalidModelError):
            return ()
        return tuple(sorted((file, was.st_size, was.st_mtime_ns, was.st_ino) for file, was in stats))

    def read(self, name: str, version: int) -> StoredModel:
        """Read and verify a version: what `inspect` looks at, and the SHA-256 of each file.

        Raises InvalidModelError with the reason. What only the graph can tell (inputs, outputs) is not looked at here.
        """
        return self._read(name, version, with_digests=True)

    def inspect(self, name: str, version: int) -> StoredModel:
        """Read a version without its weights: links, plain files, manifest, name, version, sizes.

        Raises InvalidModelError with the reason.
        """
        return self._read(name, version, with_digests=False)

    def _read(self, name: str, version: int, *, with_digests: bool) -> StoredModel:
        folder = self.folder(name, version)
        try:
            _check_folder(folder, folder.parents[1])
            manifest = _read_manifest(folder)
            _check_identity(manifest, name, version)
            _check_listing(folder, manifest)
            for file, expected in manifest.files.items():
                _check_file(folder / file, expected, with_digest=with_digests)
        except OSError as error:
            raise InvalidModelError(f"{folder}: cannot be read: {error.strerror or error}") from error
        return StoredModel(manifest, folder)

    def publish(self, draft: Manifest | Mapping[str, object], files: Mapping[str, bytes | Path]) -> Manifest:
        """Publish the next version of a model: all of it or nothing, never over one that exists.

        draft: the manifest's fields (as in manifest.json) without `version` and `files`, which are filled in here; a
        Manifest's own are replaced. files: name → its bytes, or the path to copy; model.onnx among them.
        Raises InvalidModelError for a draft or file names that the service would refuse, OSError where writing fails;
        nothing is left in the store then.
        """
        fields = dict(draft.model_dump(by_alias=True) if isinstance(draft, Manifest) else draft)
        _check_names(files)
        name = check_fields(fields, files).name
        self.root.mkdir(mode=0o755, parents=True, exist_ok=True)
        home = self.root / name
        work = self.root / f".{name}-{_next_version(home)}.{secrets.token_hex(8)}"
        work.mkdir(mode=0o755)
        try:
            work.chmod(0o755)
            stored = {file: _write(work / file, content) for file, content in files.items()}
            return self._move_into_place(work, home, fields, stored)
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def remove(self, name: str) -> None:
        """Delete a model with all its versions; nothing where there is none. It is gone at once, or OSError."""
        gone = self.root / f".{name}.{secrets.token_hex(8)}"
        try:
            self.folder(name, _PLACEHOLDER_VERSION).parent.rename(gone)
        except FileNotFoundError:
            return
        system.sync(self.root)
        shutil.rmtree(gone, ignore_errors=True)

    def _move_into_place(
        self, work: Path, home: Path, fields: dict[str, object], stored: dict[str, StoredFile]
    ) -> Manifest:
        """Give the finished folder the next free number; where another publisher takes it first, the one after."""
        while True:
            version = _next_version(home)
            manifest = _manifest_of(fields, version, stored)
            _write(work / MANIFEST_FILE, manifest_json(manifest).encode())
            system.sync(work)
            if not home.is_dir():
                home.mkdir(mode=0o755, exist_ok=True)
                home.chmod(0o755)
                system.sync(self.root)
            target = home / str(version)
            try:
                work.rename(target)  # fails on a folder that holds something: that is the lock between publishers
            except OSError:
                if os.path.lexists(target):
                    continue
                raise
            system.sync(home)
            return manifest


def check_fields(fields: Mapping[str, object], files: Iterable[str]) -> Manifest:
    """The manifest that these fields would make, with a stand-in for version and files; InvalidModelError if none."""
    placeholder = {file: StoredFile(sha256="0" * 64, bytes=0) for file in files}
    return _manifest_of(dict(fields), _PLACEHOLDER_VERSION, placeholder)


def explain(error: ValidationError) -> str:
    """A ValidationError as one sentence: the first problems, each with its place."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    shown = [
        f"{'.'.join(str(step) for step in problem['loc'])}: {problem['msg']}" if problem["loc"] else problem["msg"]
        for problem in problems[:_PROBLEMS_SHOWN]
    ]
    more = len(problems) - len(shown)
    return "; ".join(shown) + (f"; and {more} more" if more else "")


def _versions_in(root: Path) -> list[StoredVersion]:
    found = []
    for name in _folders(root):
        try:
            numbers = _folders(root / name)
        except OSError:
            continue  # gone since, or not ours to read
        found += [
            StoredVersion(name, int(number), root / name / number) for number in numbers if _VERSION.fullmatch(number)
        ]
    return found


def _folders(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]


def _next_version(home: Path) -> int:
    """One above the highest number in the model's folder, whatever lies under it."""
    try:
        taken = [int(entry.name) for entry in home.iterdir() if _VERSION.fullmatch(entry.name)]
    except FileNotFoundError:
        taken = []
    return max(taken, default=0) + 1


def _check_folder(folder: Path, root: Path) -> None:
    for part in (folder.parent, folder):
        if part.is_symlink():
            raise InvalidModelError(f"{part.relative_to(root)} is a link; put the folder itself into the store")
    if not folder.is_dir():
        raise InvalidModelError(f"{folder.relative_to(root)} is no folder")


def _read_manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST_FILE
    try:
        file = _open_plain(path)
    except FileNotFoundError:
        raise InvalidModelError(f"{MANIFEST_FILE} is missing") from None
    with file:
        raw = file.read(MANIFEST_BYTES + 1)
    if len(raw) > MANIFEST_BYTES:
        raise InvalidModelError(f"{MANIFEST_FILE} is larger than {MANIFEST_BYTES} bytes")
    try:
        return Manifest.model_validate_json(raw)
    except ValidationError as error:
        raise InvalidModelError(f"{MANIFEST_FILE}: {explain(error)}") from None


def _check_identity(manifest: Manifest, name: str, version: int) -> None:
    if (manifest.name, manifest.version) != (name, version):
        raise InvalidModelError(
            f"{MANIFEST_FILE} says {manifest.name} version {manifest.version}, "
            f"the folder says {name} version {version}; they must be equal"
        )


def _check_listing(folder: Path, manifest: Manifest) -> None:
    """Only listed files: a graph may load weights from a file beside it, and one that nobody verified must not be."""
    listed = {MANIFEST_FILE, *manifest.files}
    with os.scandir(folder) as entries:
        surplus = sorted(entry.name for entry in entries if entry.name not in listed)
    if surplus:
        names = ", ".join(surplus[:_PROBLEMS_SHOWN])
        raise InvalidModelError(f"the folder holds what the manifest does not list: {names}; remove it or publish it")


def _check_file(path: Path, expected: StoredFile, *, with_digest: bool) -> None:
    try:
        file = _open_plain(path)
    except FileNotFoundError:
        raise InvalidModelError(f"{path.name} is missing, though the manifest lists it") from None
    with file:
        size = os.fstat(file.fileno()).st_size
        if size != expected.bytes:
            raise InvalidModelError(f"{path.name} has {size} bytes, the manifest says {expected.bytes}; copy it again")
        if with_digest and hashlib.file_digest(file, "sha256").hexdigest() != expected.sha256:
            raise InvalidModelError(f"{path.name} has another SHA-256 than the manifest says; copy it again")


def _open_plain(path: Path) -> BufferedReader:
    """Open a plain file for reading: no link is followed, a pipe or device does not block."""
    if path.is_symlink():
        raise InvalidModelError(f"{path.name} is a link; the store takes plain files only")
    if not stat.S_ISREG(path.lstat().st_mode):
        raise InvalidModelError(f"{path.name} is no plain file")
    return os.fdopen(os.open(path, system.READ_NO_LINK), "rb")


def _check_names(files: Mapping[str, bytes | Path]) -> None:
    unsafe = [file for file in files if not FILE_NAME.fullmatch(file) or file == MANIFEST_FILE]
    if unsafe:
        raise InvalidModelError(f"files: {unsafe} cannot be published under these names")


def _manifest_of(fields: dict[str, object], version: int, files: dict[str, StoredFile]) -> Manifest:
    try:
        return Manifest.model_validate({"schema": 1, **fields, "version": version, "files": files})
    except ValidationError as error:
        raise InvalidModelError(f"the manifest would be refused: {explain(error)}") from None


def _write(path: Path, content: bytes | Path) -> StoredFile:
    """Write a file through to the disk, readable by all; its size and SHA-256."""
    digest = hashlib.sha256()
    size = 0
    with path.open("wb") as target:
        path.chmod(0o644)
        if isinstance(content, bytes):
            target.write(content)
            digest.update(content)
            size = len(content)
        else:
            with content.open("rb") as source:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
                    digest.update(chunk)
                    size += len(chunk)
        target.flush()
        os.fsync(target.fileno())
    return StoredFile(sha256=digest.hexdigest(), bytes=size)
