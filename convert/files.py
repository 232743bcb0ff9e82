"""What a file is, by its first bytes: so that a wrong one is refused with what to do, not with a parser's complaint."""

import hashlib
from pathlib import Path
from typing import Literal

from convert.errors import CallError, DamagedError, MismatchError, RefusalError
from convert.unpack import compressed_by, head_of

FileKind = Literal["hdf5", "zip", "onnx", "tflite", "xgboost", "pickle"]
Command = Literal["keras", "onnx", "tflite", "xgboost", "sklearn"]

COMMANDS: dict[FileKind, Command] = {
    "hdf5": "keras", "zip": "keras", "onnx": "onnx", "tflite": "tflite", "xgboost": "xgboost", "pickle": "sklearn",
}  # fmt: skip
"""Which command converts a file of this kind."""

HEAD_BYTES = 4096
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
LEARNER_WITHIN = 256
"""Bytes from the start within which an XGBoost file (.json, .ubj) names its learner."""
_SIGNATURES: tuple[tuple[int, bytes, FileKind], ...] = (
    (0, HDF5_SIGNATURE, "hdf5"),
    (0, b"PK\x03\x04", "zip"),
    (4, b"TFL3", "tflite"),
)
"""Where the bytes lie that tell a kind."""

_IS = {
    "keras": "a Keras file", "onnx": "an ONNX file", "tflite": "a TensorFlow Lite model", "xgboost": "an XGBoost model",
    "sklearn": "a pickle, as scikit-learn's models are",
}  # fmt: skip
_PICKLED_BOOSTER = " A pickle of XGBoost: load it where it was trained and save it with model.save_model('model.ubj')."
_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_PICKLE_SUFFIXES = frozenset({".p", ".pkl", ".pickle", ".joblib"})
_RESAVE = "Load it where it was trained and save it with `model.save('model.keras')` or `model.save('model.h5')`."
_BEGINNINGS = (
    (
        (b"<!doctype", b"<html"),
        "a web page",
        "The download fetched the page about the file; use its `raw` or `download` link.",
    ),
    ((b"binf", b"bs64"), "an XGBoost model in its old binary format", "Save it with model.save_model('model.ubj')."),
    (
        (b"{",),
        "JSON: an architecture without weights",
        "Give the weights file and this one with --architecture.",
    ),
)
"""How files of other kinds begin, what they are, and what to do."""


def expect(path: Path, command: Command) -> FileKind:
    """The kind of a file that this command converts. RefusalError names the right command of another one."""
    kind = sniff(path)
    if COMMANDS[kind] != command:
        right = COMMANDS[kind]
        other = _PICKLED_BOOSTER if (right, command) == ("sklearn", "xgboost") else ""
        raise MismatchError(f"{path.name} is {_IS[right]}.", f"Use `python -m convert {right}`.{other}")
    return kind


def sniff(path: Path) -> FileKind:
    """The kind of a model file that this converter reads.

    Raises CallError if there is no such file, RefusalError with what to do for every other kind.
    """
    if not path.exists():
        raise CallError(f"There is no file {path}.")
    if path.is_dir():
        raise _refuse_folder(path)
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise DamagedError(f"{path.name} is empty.", "Download or copy it again.")
    if head.startswith(b"version https://git-lfs"):
        raise DamagedError(
            f"{path.name} is a Git LFS pointer of {size} bytes, not the model.",
            "Run `git lfs pull` in the repository, or download the file from its web page.",
        )
    kind = _find_kind(path, head)
    if kind is not None:
        return kind
    raise RefusalError(
        f"{path.name} is no Keras, ONNX, TensorFlow Lite, XGBoost or scikit-learn file: it begins with {head[:8]!r}.",
        "Check that the download is complete.",
    )


def _find_kind(path: Path, head: bytes) -> FileKind | None:
    """What the first bytes say, and where they leave it open, the name. RefusalError for kinds that are not read."""
    for place, signature, kind in _SIGNATURES:
        if head.startswith(signature, place):
            return kind
    if head.lstrip().startswith(b"{") and b"learner" in head[:LEARNER_WITHIN]:
        return "xgboost"
    if head.startswith(_PICKLES) or _is_compressed_pickle(path, head):
        return "pickle"
    foreign = _find_foreign(head)
    if foreign is not None:
        raise RefusalError(f"{path.name} is {foreign[0]}.", foreign[1])
    if path.suffix == ".onnx" or head[:1] == b"\x08":
        return "onnx"
    return "pickle" if path.suffix.lower() in _PICKLE_SUFFIXES else None


def _is_compressed_pickle(path: Path, head: bytes) -> bool:
    """Whether a file is compressed as a whole and unpacks to a pickle, or by its name should."""
    if compressed_by(head) is None:
        return False
    return path.suffix.lower() in _PICKLE_SUFFIXES or head_of(head).startswith(_PICKLES)


def _refuse_folder(path: Path) -> RefusalError:
    if (path / "saved_model.pb").is_file():
        return RefusalError(
            f"{path.name} is a SavedModel folder: it holds TensorFlow's graph, not Keras' layers.", _RESAVE
        )
    return MismatchError(f"{path.name} is a folder.", "Name the model file in it.")


def _find_foreign(head: bytes) -> tuple[str, str] | None:
    start = head.lstrip()[:64].lower()
    for marks, what, advice in _BEGINNINGS:
        if start.startswith(marks):
            return what, advice
    if b"saved_model" in head or b"tensorflow" in head[:512].lower() or head[:2] == b"\x0a\x0b":
        return "a TensorFlow graph (.pb)", _RESAVE
    return None


def compute_sha256(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
