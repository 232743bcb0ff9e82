"""`convert calibrate`: an evaluation's temperature and threshold become the next version; nothing else changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from service.registry.manifest import Manifest, read_manifest
from service.registry.store import Store
from tests.convert.running import answer, command
from tests.service.registry.graphs import draft, linear, output
from tests.service.registry.test_report import REPORT

OLD = {"dataset": "old clips", "protocol": "all", "accuracy": 0.8, "coverage": 0.9}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def first(store: Path) -> Manifest:
    return Store(store).publish(draft("two", evaluation=[OLD]), {"model.onnx": linear()})


def written(folder: Path, manifest: Manifest, **changes: object) -> Path:
    model = {"name": manifest.name, "version": manifest.version, "sha256": manifest.files["model.onnx"].sha256}
    document: dict[str, Any] = {**REPORT, "model": model, **changes}
    path = folder / "report.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_the_next_version_answers_with_what_was_fitted(tmp_path: Path, store: Path, first: Manifest) -> None:
    report = answer("calibrate", "two", "--store", store, "--report", written(tmp_path, first))
    assert report["published"]["version"] == 2
    second = read_manifest(store / "two" / "2" / "manifest.json")
    assert (second.output.temperature, second.output.threshold) == (1.4, 0.55)
    assert second.files == first.files
    changed = {"version", "output", "evaluation", "created"}
    assert second.model_dump(exclude=changed) == first.model_dump(exclude=changed)
    Store(store).read("two", 2)


def test_its_figures_stand_first_and_earlier_ones_say_what_they_were_measured_with(
    tmp_path: Path, store: Path, first: Manifest
) -> None:
    command("calibrate", "two", "--store", store, "--report", written(tmp_path, first))
    new, old = read_manifest(store / "two" / "2" / "manifest.json").evaluation
    assert (new.dataset, new.accuracy, new.clips) == ("class folders", 0.75, 4)
    assert new.note == "temperature and threshold were fitted on these clips"
    assert (old.dataset, old.note) == ("old clips", "measured with temperature 1 and threshold 0 (version 1)")


def test_the_same_clips_measured_again_replace_their_figures(tmp_path: Path, store: Path, first: Manifest) -> None:
    command("calibrate", "two", "--store", store, "--report", written(tmp_path, first))
    second = read_manifest(store / "two" / "2" / "manifest.json")
    again = written(tmp_path, second, fit={"threshold": 0.6})
    assert command("calibrate", "two:2", "--store", store, "--report", again).exit_code == 0
    third = read_manifest(store / "two" / "3" / "manifest.json")
    assert third.evaluation[0].note == "threshold was fitted on these clips"
    assert (third.output.temperature, third.output.threshold) == (1.4, 0.6)
    assert [one.dataset for one in third.evaluation] == ["class folders", "old clips"]
    assert third.evaluation[1].note == "measured with temperature 1 and threshold 0 (version 1)"


def test_a_report_of_another_version_or_graph_is_refused(tmp_path: Path, store: Path, first: Manifest) -> None:
    other = Store(store).publish(draft("two"), {"model.onnx": linear(ballast_bytes=8)})
    of_first = written(tmp_path, first)
    refused = command("calibrate", "two", "--store", store, "--report", of_first)
    assert refused.exit_code == 3
    assert "the report measured two version 1, not two version 2" in refused.stderr
    swapped = {"name": "two", "version": 2, "sha256": first.files["model.onnx"].sha256}
    assert swapped["sha256"] != other.files["model.onnx"].sha256
    refused = command("calibrate", "two", "--store", store, "--report", written(tmp_path, first, model=swapped))
    assert refused.exit_code == 3
    assert "another graph" in refused.stderr
    assert not (store / "two" / "3").exists()
    assert command("calibrate", "two:1", "--store", store, "--report", written(tmp_path, first)).exit_code == 0


@pytest.mark.parametrize(
    ("changes", "exit_code", "says"),
    [
        ({"fit": None}, 2, "neither a temperature nor a threshold"),
        ({"fit": {"temperature": 1000.0}}, 3, "no evaluation report"),
        ({"evaluation": {}}, 3, "evaluation.dataset"),
    ],
)
def test_what_fits_nothing_publishes_nothing(
    tmp_path: Path, store: Path, first: Manifest, changes: dict[str, object], exit_code: int, says: str
) -> None:
    result = command("calibrate", "two", "--store", store, "--report", written(tmp_path, first, **changes))
    assert result.exit_code == exit_code
    assert says in result.stderr
    assert not (store / "two" / "2").exists()
    assert command("calibrate", "two", "--store", store, "--report", tmp_path / "none.json").exit_code == 2
    assert command("calibrate", "three", "--store", store, "--report", written(tmp_path, first)).exit_code == 2


def test_values_that_stay_as_they_are_take_no_temperature(tmp_path: Path, store: Path) -> None:
    plain = Store(store).publish(draft("plain", output=output(activation="none")), {"model.onnx": linear()})
    result = command("calibrate", "plain", "--store", store, "--report", written(tmp_path, plain))
    assert result.exit_code == 3
    assert "would change none of them" in result.stderr
