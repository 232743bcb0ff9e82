"""A ready ONNX file, checked and tried out in a child process."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convert.conversion import Proven
from convert.draft import ManifestDraft
from convert.files import compute_sha256, expect
from convert.isolation import run_isolated
from convert.model_info import ModelInfo, TensorSpec, count_kinds
from convert.onnx.checker import REWRITTEN_FILE
from convert.onnx.trial import DTYPES
from convert.parity import TOLERANCE, Measured
from service.registry.memory import UNEXPECTED_BYTES


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A checked file. content: as it is published; measured: its rows in a batch against the same rows alone."""

    content: bytes
    info: ModelInfo
    measured: Measured

    def prove(self, draft: ManifestDraft) -> Proven:
        """The graph as it is, and what the child found of its rows."""
        return Proven(self.content, self.measured, draft)


@contextmanager
def open_onnx(path: Path) -> Iterator[OnnxModel]:
    """Check an ONNX file. Raises ConversionError."""
    expect(path, "onnx")
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        described = run_isolated("onnx", {"path": str(path.resolve())}, Path(folder))
        content = (Path(folder) / REWRITTEN_FILE if described["rewritten"] else path).read_bytes()
    info = _describe_model(path, described)
    trial = described["trial"]
    measured = Measured("itself", trial["rows"], trial["worst"], TOLERANCE * trial["scale"])
    yield OnnxModel(content, info, measured)


def _describe_model(path: Path, described: dict[str, Any]) -> ModelInfo:
    answer = described["outputs"][described["answer"]]
    return ModelInfo(
        file=path.name,
        sha256=compute_sha256(path),
        framework=f"onnx opset {described['opset']}" + (f" ({described['producer']})" if described["producer"] else ""),
        inputs=tuple(
            TensorSpec(one["name"], _open_batch(one["shape"]), DTYPES[one["dtype"]]) for one in described["inputs"]
        ),
        outputs=(
            _describe_output(answer),
            *(_describe_output(one) for one in described["outputs"] if one is not answer),
        ),
        output_activation=described["output_activation"]
        or ("probabilities" if described["trial"]["sums_to_one"] else ""),
        parameters=described["parameters"],
        layers=count_kinds(described["operations"]),
        warnings=(
            *_note_fixed_batches(described["inputs"]),
            *_note_changes(described),
            *_note_open_ends(described["open_ends"]),
            *_note_memory(described["trial"]["memory_bytes"], path.stat().st_size),
        ),
        labels=tuple(described["labels"]) if described["labels"] else None,
        trial_bytes=described["trial"]["memory_bytes"],
    )


def _describe_output(one: dict[str, Any]) -> TensorSpec:
    return TensorSpec(one["name"], _open_batch(one["shape"]), DTYPES.get(one["dtype"], one["dtype"]))


def _note_changes(described: dict[str, Any]) -> list[str]:
    answer, others = described["outputs"][described["answer"]], len(described["outputs"]) - 1
    notes = [f"of {others + 1} outputs {answer['name']} answers"] if others else []
    return [*notes, "its maps of probabilities (ZipMap) became a table"] if described["rewritten"] else notes


def _note_open_ends(operations: list[str]) -> list[str]:
    if not operations:
        return []
    return [f"its input may decide how long it runs and how much memory it takes: {', '.join(operations)}"]


def _note_memory(taken_bytes: int, file_bytes: int) -> list[str]:
    if taken_bytes <= 2 * file_bytes + UNEXPECTED_BYTES:
        return []
    return [f"it took {taken_bytes >> 20} MiB of memory when it was tried out; its file has {file_bytes >> 10} KiB"]


def _open_batch(shape: list[int | None]) -> tuple[int | None, ...]:
    return (None, *shape[1:]) if shape else ()


def _note_fixed_batches(inputs: list[dict[str, Any]]) -> tuple[str, ...]:
    return tuple(
        f"the graph takes {one['shape'][0]} rows at a time" for one in inputs if one["shape"] and one["shape"][0]
    )
