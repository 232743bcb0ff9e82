"""Runs in the repository's own environment: converts the zoos and measures them; writes docs/parity/keras.md.

python tools/parity/compare.py FOLDER…  [--out docs/parity/keras.md]
"""

import argparse
import json
import sys
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from convert.errors import ConversionError
from convert.graph.export import export
from convert.graph.layer_graph import read_graph
from convert.graph.reference.evaluate import evaluate
from convert.isolation import run_isolated
from convert.parity import Session, compare_rows

TOLERANCE = 1e-5
BACKEND_SPECIAL = {
    (
        "torch",
        "average_pool1d_same_3",
    ): "Keras' torch backend pads an uneven window before it averages, so that padding counts",
    (
        "torch",
        "average_pool2d_same",
    ): "Keras' torch backend pads an uneven window before it averages, so that padding counts",
}
"""Where one backend of Keras differs from its others, and we follow the others: they pass in the other zoos."""


@dataclass(frozen=True)
class Row:
    """One model's figures: ours against Keras, and the NumPy reference against Keras, both over the scale."""

    zoo: str
    group: str
    name: str
    graph: float
    reference: float
    problem: str = ""

    @property
    def special(self) -> str:
        """Why it need not pass, or nothing."""
        return next(
            (why for (backend, name), why in BACKEND_SPECIAL.items() if name == self.name and backend in self.zoo), ""
        )

    @property
    def passed(self) -> bool:
        return not self.problem and max(self.graph, self.reference) <= TOLERANCE


def measure(zoo: str, folder: Path, case: dict[str, Any]) -> Row:
    """Convert one model and compare it with Keras' own outputs."""
    try:
        with tempfile.TemporaryDirectory() as name:
            run_isolated("keras", {"path": str(folder / case["file"])}, Path(name))
            graph = read_graph(Path(name))
            session = Session(export(graph).model.SerializeToString())
            with np.load(folder / f"{case['name']}.npz") as record:
                inputs = [record[f"x{k}"] for k in range(len(graph.inputs))]
                wanted = [record[f"y{k}"] for k in range(len(graph.outputs))]
            got, defined = session.run(inputs), evaluate(graph, inputs)
        scale = max(1.0, *[np.abs(one[np.isfinite(one)]).max(initial=0) for one in wanted])
        graph_gap = float(compare_rows(got, wanted).max()) / scale
        reference_gap = float(compare_rows(defined, wanted).max()) / scale
    except ConversionError as error:
        return Row(zoo, case["group"], case["name"], np.inf, np.inf, str(error))
    return Row(zoo, case["group"], case["name"], graph_gap, reference_gap)


def page(rows: list[Row], zoos: dict[str, dict[str, Any]]) -> str:
    """The table, by zoo and group."""
    lines = [
        "# Parity with real Keras",
        "",
        "Written by `make parity-keras` (tools/parity/compare.py), not by hand. Every model was built and saved by",
        "real Keras with random weights, converted without it, and run on the same inputs in batches of 1 and 7;",
        "masked models with rows that are whole, padded behind, before, with gaps, and padding alone.",
        f"Figures: largest |difference| over the largest output (at least 1); allowed: {TOLERANCE:g}.",
        "",
        "| zoo | models | passed | worst graph | worst reference |",
        "|---|---|---|---|---|",
    ]
    for zoo in zoos:
        own = [row for row in rows if row.zoo == zoo]
        fine = [row for row in own if row.passed]
        lines.append(f"| {zoo} | {len(own)} | {len(fine)} | {_worst(fine, 'graph')} | {_worst(fine, 'reference')} |")
    for zoo, document in zoos.items():
        lines += ["", f"## {zoo}", "", "| what | models | graph | reference | which |", "|---|---|---|---|---|"]
        groups: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            if row.zoo == zoo and row.passed:
                groups[row.group].append(row)
        for group, own in groups.items():
            names = ", ".join(row.name for row in own)
            lines.append(f"| {group} | {len(own)} | {_worst(own, 'graph')} | {_worst(own, 'reference')} | {names} |")
        failed = [row for row in rows if row.zoo == zoo and not row.passed]
        if failed:
            lines += ["", "Not passed:", ""]
            lines += [
                f"- {row.name}: {row.special or row.problem or f'graph {row.graph:.1e}, reference {row.reference:.1e}'}"
                for row in failed
            ]
        if document["left_out"]:
            lines += ["", "This Keras itself does not build, run or save:", ""]
            lines += [f"- {name}: {reason}" for name, reason in document["left_out"].items()]
    return "\n".join(lines) + "\n"


def _worst(rows: list[Row], what: str) -> str:
    return f"{max(getattr(row, what) for row in rows):.1e}" if rows else "–"


def main() -> int:
    """Measure all zoos; 1 if a model does not pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    rows: list[Row] = []
    zoos: dict[str, dict[str, Any]] = {}
    for folder in asked.folders:
        document = json.loads((folder / "zoo.json").read_text(encoding="utf-8"))
        zoo = f"Keras {document['keras']} ({document['backend']})"
        zoos[zoo] = document
        for case in document["cases"]:
            if asked.only in case["name"]:
                row = measure(zoo, folder, case)
                rows.append(row)
                if not row.passed:
                    print(f"{zoo} {row.name}: {row.problem or f'graph {row.graph:.2e}, reference {row.reference:.2e}'}")
    if asked.out is not None:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(page(rows, zoos), encoding="utf-8")
    print(f"{sum(row.passed for row in rows)} of {len(rows)} passed")
    return 0 if all(row.passed or row.special for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
