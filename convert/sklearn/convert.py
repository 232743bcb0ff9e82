"""A scikit-learn file from its bytes to a proven ONNX model."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from convert.errors import ParityError
from convert.files import expect, sha256_of
from convert.findings import Findings, Port
from convert.isolation import run_isolated
from convert.parity import TOLERANCE, Measured, Session, row_differences
from convert.sklearn.graph import onnx_bytes
from convert.sklearn.nodes import INPUT, OUTPUT
from convert.sklearn.parts import Part
from convert.sklearn.reference import probabilities
from convert.sklearn.saved import read_part
from convert.sklearn.trial import trial_rows


@dataclass(frozen=True, slots=True)
class SklearnModel:
    """A read classifier and its graph."""

    part: Part
    content: bytes
    findings: Findings

    def measured(self) -> Measured:
        """The graph in ONNX Runtime against the NumPy reference, on rows at and around what the model compares with."""
        rows = trial_rows(self.part, self.findings.inputs[0].shape[1] or 1)
        with np.errstate(all="ignore"):
            wanted = probabilities(self.part, rows.astype(np.float64)).astype(np.float32)
        got = Session(self.content, threads=1).run([rows])
        if not np.isfinite(wanted).all():
            raise ParityError("The model's answers leave the range of numbers.", "Take another model.")
        scale = max(1.0, float(np.abs(wanted).max()))
        return Measured("numpy", len(rows), float(row_differences(got, [wanted]).max()), TOLERANCE * scale)


@contextmanager
def opened_sklearn(path: Path) -> Iterator[SklearnModel]:
    """Read a pickle or joblib file in a child process and make its graph. Raises ConversionError."""
    expect(path, "sklearn")
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        about = run_isolated("sklearn", {"path": str(path.resolve())}, Path(folder))
        part = read_part(about["part"], Path(folder))
    features, width = about["features"], len(about["classes"])
    yield SklearnModel(part, onnx_bytes(part, features, width), _findings(path, about, features, width))


def _findings(path: Path, about: dict[str, Any], features: int, width: int) -> Findings:
    names = about["feature_names"]
    notes = list(about["notes"])
    if about["classes_from"] != "classes_":
        notes.append(f"the labels are {about['classes_from']}")
    if names:
        notes.append(f"the file names its features: {', '.join(names[:8])}" + (" …" if len(names) > 8 else ""))
    if not about["probabilities"]:
        notes.append(
            "it was fitted without probabilities: its scores order the classes, their softmax is no probability"
        )
    return Findings(
        file=path.name,
        sha256=sha256_of(path),
        framework=f"scikit-learn {about['version']}",
        inputs=(Port(INPUT, (None, features)),),
        outputs=(Port(OUTPUT, (None, width)),),
        ending="probabilities" if about["probabilities"] else "linear",
        parameters=about["parameters"],
        layers=about["kinds"],
        warnings=tuple(notes),
        labels=tuple(about["classes"]),
    )
