"""An XGBoost file from its bytes to a proven ONNX model."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.conversion import Proven
from convert.draft import ManifestDraft
from convert.errors import ParityError
from convert.files import compute_sha256, expect
from convert.isolation import run_isolated
from convert.model_info import ModelInfo, TensorSpec
from convert.parity import Measured, Session, compare_rows
from convert.xgboost.features import note_order
from convert.xgboost.forest import Floats, Forest, Link, read_forest
from convert.xgboost.graph import INPUT, OUTPUT, onnx_bytes

TOLERANCE = 1e-6
"""Largest difference allowed, times the largest magnitude of the reference (at least 1)."""
ROWS = 256

_ENDINGS: dict[Link, str] = {"identity": "regression", "exp": "regression", "sigmoid": "logits", "softmax": "logits"}


@dataclass(frozen=True, slots=True)
class XgboostModel:
    """A read forest and its graph."""

    forest: Forest
    content: bytes
    info: ModelInfo

    def prove(self, draft: ManifestDraft) -> Proven:
        """The graph against a walk of the trees."""
        return Proven(self.content, self.measure(), draft)

    def measure(self) -> Measured:
        """The graph in ONNX Runtime against a walk of the trees, on rows at and around their thresholds."""
        rows = make_trial_rows(self.forest)
        wanted = self.forest.margins(rows)
        if self.forest.about.link == "exp":
            with np.errstate(over="ignore"):
                wanted = np.exp(wanted)
        got = Session(self.content, threads=1).run([rows])
        if not np.isfinite(wanted).all():
            raise ParityError("The forest's sums leave the range of numbers.", "Take another model.")
        scale = max(1.0, float(np.abs(wanted).max()))
        worst = float(compare_rows(got, [wanted]).max())
        return Measured("numpy", len(rows), worst, TOLERANCE * scale)


@contextmanager
def open_xgboost(path: Path) -> Iterator[XgboostModel]:
    """Read an XGBoost file in a child process and make its graph. Raises ConversionError."""
    expect(path, "xgboost")
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        about = run_isolated("xgboost", {"path": str(path.resolve())}, Path(folder))
        forest = read_forest(about, Path(folder))
    yield XgboostModel(forest, onnx_bytes(forest), _describe_model(path, forest))


def make_trial_rows(forest: Forest) -> Floats:
    """Rows of values around each feature's thresholds, some of them exactly there and some missing."""
    rng = np.random.default_rng(20260101)
    rows = rng.normal(0, 1, (ROWS, forest.about.features)).astype(np.float32)
    inner = np.flatnonzero(forest.left >= 0)
    for feature in np.unique(forest.feature[inner]):
        thresholds = forest.threshold[inner[forest.feature[inner] == feature]]
        picked = rng.choice(thresholds, ROWS)
        beside = rng.normal(0, 0.5 * float(thresholds.std()) or 0.5, ROWS).astype(np.float32)
        rows[:, feature] = np.where(rng.random(ROWS) < 0.3, picked, picked + beside)
    rows[rng.random(rows.shape) < 0.1] = np.nan
    rows[-1] = np.nan
    return rows


def _describe_model(path: Path, forest: Forest) -> ModelInfo:
    about = forest.about
    return ModelInfo(
        file=path.name,
        sha256=compute_sha256(path),
        framework=f"xgboost {about.version}".strip(),
        inputs=(TensorSpec(INPUT, (None, about.features)),),
        outputs=(TensorSpec(OUTPUT, (None, len(forest.base))),),
        output_activation=_ENDINGS[about.link],
        parameters=forest.nodes,
        layers={about.objective: 1, "tree": forest.trees},
        warnings=(*about.notes, *note_order(about.feature_names)),
    )
