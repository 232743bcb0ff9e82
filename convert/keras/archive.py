"""A Keras file opened: its architecture as JSON, its version and its weights, whatever the container."""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import h5py

from convert.errors import RefusalError
from convert.files import sniff
from convert.graph.layer_graph import Config, Setting
from convert.keras.hdf5 import check_file, read_names_attribute, read_text_attribute

MAX_CONFIG_BYTES = 64 << 20
MAX_CONFIG_DEPTH = 300
MAX_ENTRIES = 10_000
MAX_UNPACKED_RATIO = 20
MAX_UNPACKED_BASE = 16 << 20
WEIGHTS_ENTRY = "model.weights.h5"

_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]')
_RESAVE = "Save the model again with the Keras that made it."


@dataclass(frozen=True, slots=True)
class Archive:
    """config: the architecture, None in a weights-only file; weights: the group that holds them.

    layered: weights lie by layer name with `weight_names` (.h5); otherwise by the path of objects (.keras).
    """

    config: Config | None
    keras_version: str
    weights: h5py.Group
    layered: bool
    warnings: tuple[str, ...] = ()


def open_archive(path: Path, folder: Path) -> Archive:
    """Open a .h5, .hdf5, .weights.h5 or .keras file. folder: where a zip's weights may be unpacked."""
    kind = sniff(path)
    if kind == "hdf5":
        return _open_hdf5(path)
    if kind == "zip":
        return _open_zip(path, folder)
    raise RefusalError(f"{path.name} is an ONNX file.", "Use `python -m convert onnx`.")


def parse_json(text: str, what: str) -> Setting:
    """JSON that is not nested beyond reason."""
    depth = 0
    for match in _BRACKETS.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth > MAX_CONFIG_DEPTH:
                raise RefusalError(f"{what} is nested deeper than {MAX_CONFIG_DEPTH} levels.", _RESAVE)
        elif mark in "]}":
            depth -= 1
    try:
        return json.loads(text)
    except ValueError as error:
        raise RefusalError(f"{what} is no valid JSON: {error}.", _RESAVE) from None


def _open_hdf5(path: Path) -> Archive:
    root = _hdf5(path, path.name)
    config_text = read_text_attribute(root, "model_config")
    version = read_text_attribute(root, "keras_version") or ""
    config = parse_json(config_text, "model_config") if config_text else None
    if "model_weights" in root:
        group = root["model_weights"]
        return Archive(config, version or read_text_attribute(group, "keras_version") or "1.0.0", group, layered=True)
    if read_names_attribute(root, "layer_names") is not None:
        return Archive(config, version or "1.0.0", root, layered=True)
    if "layers" in root or "_layer_checkpoint_dependencies" in root:
        return Archive(config, version or "3.0.0", root, layered=False)
    if "optimizer_weights" in root:
        raise RefusalError(f"{path.name} holds an optimizer's state only.", "Give the file with the model's weights.")
    raise RefusalError(f"{path.name} is an HDF5 file without a Keras model.", "Check that it is the right file.")


def _hdf5(path: Path, shown: str) -> h5py.File:
    try:
        root = h5py.File(path, "r")
    except OSError as error:
        detail = "it is truncated" if "truncated" in str(error) else "it is damaged"
        raise RefusalError(
            f"{shown} cannot be opened: {detail} ({path.stat().st_size} bytes).", "Download or copy it again."
        ) from None
    check_file(root, path.stat().st_size)
    return root


def _open_zip(path: Path, folder: Path) -> Archive:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _checked_entries(archive, path)
            config = parse_json(_text(archive, entries["config.json"]), "config.json")
            metadata = (
                parse_json(_text(archive, entries["metadata.json"]), "metadata.json")
                if "metadata.json" in entries
                else {}
            )
            unpacked = folder / WEIGHTS_ENTRY
            _unpack(archive, entries[WEIGHTS_ENTRY], unpacked)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        raise RefusalError(f"{path.name} is a damaged zip file: {error}.", "Download or copy it again.") from None
    root = _hdf5(unpacked, WEIGHTS_ENTRY)
    version = str(metadata.get("keras_version", "3.0.0")) if isinstance(metadata, dict) else "3.0.0"
    return Archive(config, version, root, layered=False)


def _checked_entries(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    entries = {entry.filename: entry for entry in archive.infolist()}
    if len(archive.infolist()) > MAX_ENTRIES:
        raise RefusalError(f"{path.name} has {len(archive.infolist())} entries.", _RESAVE)
    for name in entries:
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or ":" in name:
            raise RefusalError(f"{path.name} has an entry that points out of it: {name!r}.", "Do not unpack this file.")
    total = sum(entry.file_size for entry in entries.values())
    limit = MAX_UNPACKED_BASE + MAX_UNPACKED_RATIO * path.stat().st_size
    if total > limit:
        raise RefusalError(f"{path.name} would unpack to {total} bytes; {limit} are allowed.", "It is a zip bomb.")
    if "config.json" not in entries:
        what = "a PyTorch checkpoint" if any(name.endswith("data.pkl") for name in entries) else "no Keras model"
        raise RefusalError(f"{path.name} is a zip file, but {what}: it has no config.json.", "Check the file.")
    if WEIGHTS_ENTRY not in entries:
        raise RefusalError(f"{path.name} holds no {WEIGHTS_ENTRY}.", _RESAVE)
    return entries


def _text(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    if entry.file_size > MAX_CONFIG_BYTES:
        raise RefusalError(f"{entry.filename} has {entry.file_size} bytes.", _RESAVE)
    with archive.open(entry) as file:
        return file.read(MAX_CONFIG_BYTES).decode("utf-8", "replace")


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    left = entry.file_size
    with archive.open(entry) as source, target.open("wb") as file:
        while left > 0 and (chunk := source.read(min(left, 1 << 20))):
            file.write(chunk)
            left -= len(chunk)
