"""A ready ONNX file, checked and tried out in a child process."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.errors import RefusalError
from convert.files import expect, sha256_of
from convert.findings import Findings, Port, counted
from convert.isolation import run_isolated
from convert.onnx.checker import REWRITTEN_FILE
from convert.parity import TOLERANCE, Measured

_DTYPES = {
    "float": "float32",
    "float16": "float16",
    "uint8": "uint8",
    "int64": "int64",
    "int32": "int32",
    "bool": "bool",
}


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A checked file. content: as it is published; measured: its rows in a batch against the same rows alone."""

    content: bytes
    findings: Findings
    measured: Measured


@contextmanager
def opened_onnx(path: Path) -> Iterator[OnnxModel]:
    """Check an ONNX file. Raises ConversionError."""
    expect(path, "onnx")
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        described = run_isolated("onnx", {"path": str(path.resolve())}, Path(folder))
        content = (Path(folder) / REWRITTEN_FILE if described["rewritten"] else path).read_bytes()
    findings = _findings(path, described)
    trial = described["trial"]
    measured = Measured("itself", trial["rows"], trial["worst"], TOLERANCE * trial["scale"])
    yield OnnxModel(content, findings, measured)


def _findings(path: Path, described: dict[str, Any]) -> Findings:
    for one in described["inputs"]:
        if one["dtype"] not in _DTYPES:
            raise RefusalError(f"The input {one['name']} takes {one['dtype']}.", "Export it with float32 inputs.")
    answer = described["outputs"][described["answer"]]
    return Findings(
        file=path.name,
        sha256=sha256_of(path),
        framework=f"onnx opset {described['opset']}" + (f" ({described['producer']})" if described["producer"] else ""),
        inputs=tuple(
            Port(one["name"], _open_batch(one["shape"]), _DTYPES[one["dtype"]]) for one in described["inputs"]
        ),
        outputs=(_output(answer), *(_output(one) for one in described["outputs"] if one is not answer)),
        ending=described["ending"] or ("probabilities" if described["trial"]["sums_to_one"] else ""),
        parameters=described["parameters"],
        layers=counted(described["operations"]),
        warnings=(*_fixed_batches(described["inputs"]), *_notes(described)),
        labels=tuple(described["labels"]) if described["labels"] else None,
    )


def _output(one: dict[str, Any]) -> Port:
    return Port(one["name"], _open_batch(one["shape"]), _DTYPES.get(one["dtype"], one["dtype"]))


def _notes(described: dict[str, Any]) -> list[str]:
    answer, others = described["outputs"][described["answer"]], len(described["outputs"]) - 1
    notes = [f"of {others + 1} outputs {answer['name']} answers"] if others else []
    return [*notes, "its maps of probabilities (ZipMap) became a table"] if described["rewritten"] else notes


def _open_batch(shape: list[int | None]) -> tuple[int | None, ...]:
    return (None, *shape[1:]) if shape else ()


def _fixed_batches(inputs: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        f"the graph takes {one['shape'][0]} rows at a time" for one in inputs if one["shape"] and one["shape"][0]
    )
