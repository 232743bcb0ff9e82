"""An evaluation's report: what it must hold, and that it belongs to one graph of one version."""

import copy
from pathlib import Path
from typing import Any

import pytest

from service.errors import InvalidModelError
from service.registry.manifest import Manifest
from service.registry.report import EvaluationReport, read_report, report_json
from service.registry.store import Store
from tests.service.registry.graphs import draft, linear

REPORT: dict[str, Any] = {
    "schema": 1,
    "model": {"name": "two", "version": 1, "sha256": "0" * 64},
    "evaluation": {"dataset": "class folders", "protocol": "all clips", "clips": 4, "accuracy": 0.75},
    "fit": {"temperature": 1.4, "threshold": 0.55, "log_loss_before": 0.9, "log_loss_after": 0.7},
    "labels": ["A", "B"],
    "classes": [{"label": "A", "clips": 2, "recall": 0.5}, {"label": "B", "clips": 2, "precision": 1, "recall": 1}],
    "confusion": [[1, 0, 1], [0, 2, 0]],
    "created": "2026-11-21T12:00:00Z",
}


@pytest.fixture
def published(tmp_path: Path) -> Manifest:
    return Store(tmp_path / "store").publish(draft("two"), {"model.onnx": linear()})


def report(**changes: object) -> EvaluationReport:
    return EvaluationReport.model_validate({**REPORT, **changes})


def test_a_written_report_reads_back_equal(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_text(report_json(report()), encoding="utf-8")
    assert read_report(tmp_path / "r.json") == report()


def test_it_belongs_to_one_graph_of_one_version(published: Manifest) -> None:
    own = {"name": "two", "version": 1, "sha256": published.files["model.onnx"].sha256}
    report(model=own).check_is_of(published)
    for other, says in (
        ({"version": 2}, "two version 2, not two version 1"),
        ({"name": "three"}, "three version 1, not two version 1"),
        ({"sha256": "f" * 64}, "another graph"),
    ):
        with pytest.raises(InvalidModelError, match=says):
            report(model=own | other).check_is_of(published)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("confusion", [[1, 0], [0, 2]]), ("confusion", [[1, 0, 1]]), ("fit", {"log_loss_before": 1.0}),
        ("fit", {"temperature": 0.0}), ("fit", {"threshold": 1.5}), ("fit", {"temperature": float("nan")}),
        ("model", {"name": "two", "version": 0, "sha256": "0" * 64}), ("lables", []),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused_with_its_place(tmp_path: Path, field: str, value: object) -> None:
    broken = copy.deepcopy(REPORT) | {field: value}
    with pytest.raises(ValueError, match=field):
        EvaluationReport.model_validate(broken)
    (tmp_path / "r.json").write_text("{", encoding="utf-8")
    with pytest.raises(InvalidModelError, match=r"r\.json is no evaluation report"):
        read_report(tmp_path / "r.json")
