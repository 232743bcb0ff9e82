"""Models of scikit-learn's own training, on rows like those of hands, and how they are read and asked here."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.parity import Session
from convert.sklearn import reader
from convert.sklearn.graph import onnx_bytes
from convert.sklearn.parts import Part
from convert.sklearn.saved import read_part

FILES = Path(__file__).parent / "files"
HOSTILE = Path(__file__).parent / "hostile"
NAMES = np.array(["A", "B", "L", "W"])
FEATURES = 12
Doubles = npt.NDArray[np.float64]


def hands(count: int = 160, classes: int = 4, seed: int = 1) -> tuple[Doubles, npt.NDArray[Any]]:
    """Rows that float32 holds exactly, and the classes that they show."""
    centers = np.random.default_rng(7).uniform(0, 0.5, (classes, FEATURES))
    rng = np.random.default_rng(seed)
    shown = rng.integers(0, classes, count)
    rows = centers[shown] + rng.normal(0, 0.2, (count, FEATURES))
    return rows.astype(np.float32).astype(np.float64), NAMES[shown]


def fit(model: Any, classes: int = 4) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(*hands(classes=classes))


def read_model(path: Path) -> tuple[Part, dict[str, Any]]:
    """The parts of a file, and what is said of it; read in this process."""
    with tempfile.TemporaryDirectory() as folder:
        about = reader.run({"path": str(path)}, Path(folder))
        return read_part(about["part"], Path(folder)), about


def run_graph(part: Part, about: dict[str, Any], rows: Doubles) -> npt.NDArray[np.float32]:
    """What the ONNX graph of a read model answers."""
    content = onnx_bytes(part, about["features"], len(about["classes"]))
    answer: npt.NDArray[np.float32] = Session(content, threads=1).run([rows.astype(np.float32)])[0]
    return answer
