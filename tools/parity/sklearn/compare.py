"""Reads each zoo's files as the converter does and measures its answers against scikit-learn's own.

python -m tools.parity.sklearn.compare FOLDER --page docs/parity/sklearn.md   (FOLDER has a folder a version)
"""

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from convert.errors import RefusalError
from convert.isolation import run_isolated
from convert.parity import Session
from convert.sklearn.graph import onnx_bytes
from convert.sklearn.reference import probabilities
from convert.sklearn.saved import read_part
from tools.parity.sklearn.zoo import FAMILIES, file_stem

ALLOWED = 1e-5
TREES = ("forest", "extra trees", "decision tree", "boosting", "bagged")
"""Families that have to be exact: their answers are sums of numbers that stand in the file."""
HEAD = """# Parity with real scikit-learn

Written by `make parity-sklearn` (tools/parity/sklearn), not by hand. Each model was fitted and saved by the
scikit-learn of its column on 240 rows of 42 numbers like a hand's coordinates, in forms that change from family to
family (pickle of protocols 2, 4 and 5, in a dict, joblib, joblib compressed by zlib and xz), read without scikit-learn,
and asked 200 rows.
Figures: largest |difference| between the ONNX graph's float32 answers and `predict_proba` (`decision_function` where
there is none) rounded to float32; allowed are 1e-05, and 0 for trees. In brackets: the NumPy reference's, in float64.
"""


@dataclass(frozen=True)
class Figure:
    """One model's figures; problem: why it was not read."""

    graph: float = 0.0
    reference: float = 0.0
    problem: str = ""

    def shown(self) -> str:
        if self.problem:
            return "refused"
        return ("exact" if self.graph == 0 else f"{self.graph:.1e}") + f" ({self.reference:.1e})"


def measure(path: Path) -> Figure:
    """One file of a zoo."""
    golden = np.load(path.with_suffix(".npz"))
    rows, wanted = golden["x0"], golden["y0"]
    if wanted.ndim == 1:  # decisions between two classes
        wanted = np.stack([-wanted / 2, wanted / 2], axis=1)
    with tempfile.TemporaryDirectory() as folder:
        try:
            about = run_isolated("sklearn", {"path": str(path)}, Path(folder))
        except RefusalError as error:
            return Figure(problem=str(error))
        part = read_part(about["part"], Path(folder))
    if about["classes"] != golden["labels"].tolist():
        return Figure(problem=f"labels {about['classes']}")
    content = onnx_bytes(part, about["features"], len(about["classes"]))
    got = Session(content, threads=1).run([rows.astype(np.float32)])[0]
    with np.errstate(all="ignore"):
        reference = float(np.abs(probabilities(part, rows) - wanted).max())
    return Figure(float(np.abs(got - wanted.astype(np.float32)).max()), reference)


def main() -> int:
    """Write the page; 1 where a figure is above what is allowed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--page", type=Path, required=True)
    arguments = parser.parse_args()
    zoos = sorted((one for one in arguments.folder.iterdir() if one.is_dir()), key=_version)
    table: dict[str, list[Figure | None]] = {name: [] for name in FAMILIES}
    for zoo in zoos:
        files = {path.stem: path for path in zoo.iterdir() if path.suffix in (".p", ".pkl", ".pickle", ".joblib")}
        for name, figures in table.items():
            path = files.get(file_stem(name))
            figures.append(measure(path) if path else None)
    arguments.page.write_text(_page(table, zoos), encoding="utf-8")
    wrong = [name for name, figures in table.items() if any(one and _is_wrong(name, one) for one in figures)]
    print(f"{len(table)} families, {len(zoos)} versions; above what is allowed: {', '.join(wrong) or 'none'}")
    return 1 if wrong else 0


def _page(table: dict[str, list[Figure | None]], zoos: list[Path]) -> str:
    lines = [
        HEAD,
        f"| family | {' | '.join((zoo / 'version').read_text() for zoo in zoos)} |",
        "|---" * (len(zoos) + 1) + "|",
    ]
    for name, figures in table.items():
        lines.append(f"| {name} | {' | '.join(one.shown() if one else '–' for one in figures)} |")
    found = [one for figures in table.values() for one in figures if one]
    read = [one for one in found if not one.problem]
    worst = max(one.graph for one in read)
    lines.append(f"\n{len(read)} of {len(found)} models were read; the largest difference is {worst:.1e}.")
    lines.append("A dash: that version has no such estimator or option.")
    lines += dict.fromkeys(f"Refused: {one.problem}" for one in found if one.problem)
    return "\n".join(lines) + "\n"


def _is_wrong(name: str, figure: Figure) -> bool:
    exact = (
        any(name.startswith(kind) or kind in name for kind in TREES) and "calibrated" not in name and "vote" not in name
    )
    return bool(not figure.problem and (figure.graph > (0 if exact else ALLOWED) or figure.reference > ALLOWED))


def _version(zoo: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in zoo.name.split("."))


if __name__ == "__main__":
    raise SystemExit(main())
