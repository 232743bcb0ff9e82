"""A scikit-learn file from its bytes to a proven ONNX model."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from convert.conversion import Proven
from convert.draft import ManifestDraft
from convert.errors import ParityError
from convert.files import compute_sha256, expect
from convert.isolation import run_isolated
from convert.model_info import ModelInfo, TensorSpec
from convert.parity import TOLERANCE, Measured, Session, compare_rows
from convert.sklearn.features import rank_presets
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
    info: ModelInfo
    assumed: tuple[str, ...]

    def prove(self, draft: ManifestDraft) -> Proven:
        """The graph against the reference; what the file leaves open is added to the manifest's assumptions."""
        draft = replace(draft, assumptions=(*draft.assumptions, *self.assumed))
        return Proven(self.content, self.measure(), draft)

    def measure(self) -> Measured:
        """The graph in ONNX Runtime against the NumPy reference, on rows at and around what the model compares with."""
        rows = trial_rows(self.part, self.info.inputs[0].shape[1] or 1)
        with np.errstate(all="ignore"):
            wanted = probabilities(self.part, rows.astype(np.float64)).astype(np.float32)
        got = Session(self.content, threads=1).run([rows])
        if not np.isfinite(wanted).all():
            raise ParityError("The model's answers leave the range of numbers.", "Take another model.")
        scale = max(1.0, float(np.abs(wanted).max()))
        return Measured("numpy", len(rows), float(compare_rows(got, [wanted]).max()), TOLERANCE * scale)


@contextmanager
def open_sklearn(path: Path) -> Iterator[SklearnModel]:
    """Read a pickle or joblib file in a child process and make its graph. Raises ConversionError."""
    expect(path, "sklearn")
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        about = run_isolated("sklearn", {"path": str(path.resolve())}, Path(folder))
        part = read_part(about["part"], Path(folder))
    features, width = about["features"], len(about["classes"])
    with np.errstate(all="ignore"):  # what leaves the range is found when it is measured
        content = onnx_bytes(part, features, width)
    yield SklearnModel(part, content, _describe(path, about, part), tuple(about["assumed"]))


def _describe(path: Path, about: dict[str, Any], part: Part) -> ModelInfo:
    return ModelInfo(
        file=path.name,
        sha256=compute_sha256(path),
        framework=f"scikit-learn {about['version']}",
        inputs=(TensorSpec(INPUT, (None, about["features"])),),
        outputs=(TensorSpec(OUTPUT, (None, len(about["classes"]))),),
        output_activation="probabilities" if about["probabilities"] else "linear",
        parameters=about["parameters"],
        layers=about["kinds"],
        warnings=_notes(about),
        labels=tuple(about["classes"]),
        own=rank_presets(part, about["features"]),
        label_places=_rank_numbers(about["classes"]),
    )


def _notes(about: dict[str, Any]) -> tuple[str, ...]:
    notes, names = [*about["notes"], *about["assumed"]], about["feature_names"]
    if about["classes_from"] != "classes_":
        notes.append(f"the labels are {about['classes_from']}")
    if names:
        notes.append(f"the file names its features: {', '.join(names[:8])}" + (" …" if len(names) > 8 else ""))
    if not about["probabilities"]:
        notes.append("it was fitted without probabilities: its scores order the classes, their softmax is a stand-in")
    if all(name.lstrip("-").isdigit() for name in about["classes"]):
        notes.append("its classes are numbers: --labels FILE names them, the least number first")
    return tuple(notes)


def _rank_numbers(classes: list[str]) -> tuple[int, ...] | None:
    """The place of each class among all by its number, where classes are whole numbers in another order (as text)."""
    if not all(name.isdigit() for name in classes):
        return None
    numbers = [int(name) for name in classes]
    ranks = tuple(sorted(numbers).index(number) for number in numbers)
    return None if ranks == tuple(range(len(ranks))) or len(set(numbers)) != len(numbers) else ranks
