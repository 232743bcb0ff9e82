"""What fuzzing found in the readers of model files, each case at its kind: refused in words that are true."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from convert import isolation
from convert.errors import ConversionError
from tests.running import ROOT

KERAS = ROOT / "tests" / "data" / "keras"


def _with_broken(signature: bytes) -> Callable[[], bytes]:
    """An HDF5 file in which a structure does not begin as such a one does."""
    return lambda: (KERAS / "five_signs_k2.h5").read_bytes().replace(signature, signature[:3] + b"?")


def _with_history(step: float) -> bytes:
    """A .keras file whose graph names a layer's call by this number."""
    made = io.BytesIO()
    with zipfile.ZipFile(KERAS / "k3_resprep.keras") as source, zipfile.ZipFile(made, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                text = json.dumps(_replaced(json.loads(content), step))
                content = text.encode()
            target.writestr(name, content)
    return made.getvalue()


def _replaced(value: object, step: float) -> object:
    if isinstance(value, dict):
        return {
            key: [inner[0], step, step] if key == "keras_history" else _replaced(inner, step)
            for key, inner in value.items()
        }
    return [_replaced(item, step) for item in value] if isinstance(value, list) else value


def _with_entries_elsewhere() -> bytes:
    """A zip file whose directory says that its entries begin before the file does."""
    data = bytearray((KERAS / "windows_separator.keras").read_bytes())
    end = data.rindex(b"PK\5\6")
    data[end + 16 : end + 20] = (int.from_bytes(data[end + 16 : end + 20], "little") + 5000).to_bytes(4, "little")
    return bytes(data)


CASES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a heap that is none": (".h5", _with_broken(b"HEAP"), "damaged"),
    "a tree that is none": (".h5", _with_broken(b"TREE"), "damaged"),
    "a group's table that is none": (".h5", _with_broken(b"SNOD"), "damaged"),
    "a call that is no number": (".keras", lambda: _with_history(float("nan")), "contradiction"),
    "entries before the file": (".keras", _with_entries_elsewhere, "damaged"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_damaged_keras_file_is_refused_for_what_it_is(case: str, tmp_path: Path) -> None:
    suffix, make, kind = CASES[case]
    path = tmp_path / f"tried{suffix}"
    path.write_bytes(make())
    with pytest.raises(ConversionError) as caught:
        isolation.run_isolated("keras", {"path": str(path)}, tmp_path)
    assert caught.value.kind == kind
    assert "memory" not in caught.value.reason


def test_an_error_that_was_not_foreseen_is_told_as_ours(tmp_path: Path) -> None:
    folder = tmp_path / "model.json"
    folder.mkdir()
    with pytest.raises(ConversionError, match="IsADirectoryError in ") as caught:
        isolation.run_isolated("xgboost", {"path": str(folder)}, tmp_path)
    assert (caught.value.kind, caught.value.exit_code) == ("fault", 4)
    assert "report" in caught.value.advice
