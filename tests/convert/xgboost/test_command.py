"""`convert xgboost`: a forest becomes a highlight head over an affect model, and answers as its author's did."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from service.registry.manifest import read_manifest
from tests.convert.heads_made import outputs_track, publish_affect, served_answers
from tests.convert.running import answer, command
from tests.convert.xgboost.made import FEATURES, rows_with_holes, saved, targets, trained


@pytest.fixture
def store(tmp_path: Path) -> Path:
    publish_affect(tmp_path / "store")
    return tmp_path / "store"


def statistics(values: np.ndarray) -> np.ndarray:
    """Forty numbers as an author computes them with NumPy."""
    return np.concatenate([values.mean(0), values.std(0), values.max(0), values.min(0)])[None].astype(np.float32)


def wandering(seed: int) -> np.ndarray:
    """Twenty samples around a mean of their own for each channel."""
    rng = np.random.default_rng(seed)
    return rng.normal(rng.normal(0, 1.5, 10), 0.3, (20, 10)).astype(np.float32)


def test_a_served_forest_answers_as_xgboost_does_on_the_authors_statistics(tmp_path: Path, store: Path) -> None:
    booster = trained("binary:logistic", rounds=8)
    file = saved(booster, tmp_path / "head.ubj")
    arguments = ("xgboost", file, "--name", "head", "--store", store, "--requires", "affect")
    report = answer(*arguments, "--pipeline", "highlight-stats", "--threshold", "0.6")
    assert report["parity"][0]["max_abs_diff"] == 0
    manifest = read_manifest(store / "head" / "1" / "manifest.json")
    assert (manifest.task, manifest.output.activation, manifest.output.threshold) == ("highlight", "sigmoid", 0.6)
    assert manifest.requires is not None
    assert manifest.requires.version == 1
    series = [wandering(seed) for seed in range(6)]
    got = asyncio.run(served_answers(store, "head", [outputs_track(one) for one in series]))
    wanted = booster.predict(xgboost.DMatrix(np.concatenate([statistics(one.astype(np.float64)) for one in series])))
    assert np.abs(got[:, -1] - wanted).max() <= 1e-6
    assert np.ptp(wanted) > 0.05


def test_three_classes_need_names_and_the_one_that_counts(tmp_path: Path, store: Path) -> None:
    file = saved(trained("multi:softprob"), tmp_path / "head.json")
    (tmp_path / "labels.txt").write_text("calm\nneutral\ntense\n")
    arguments = ("xgboost", file, "--name", "head", "--store", store, "--requires", "affect")
    assert command(*arguments).exit_code == 2
    result = command(*arguments, "--labels", tmp_path / "labels.txt", "--channel", "tense")
    assert result.exit_code == 0, result.stderr
    output = read_manifest(store / "head" / "1" / "manifest.json").output
    assert (output.activation, output.channel, output.shape) == ("softmax", "tense", ("batch", 3))


def test_a_regressions_value_stays_as_it_is(tmp_path: Path, store: Path) -> None:
    file = saved(trained("reg:squarederror"), tmp_path / "head.json")
    report = answer("xgboost", file, "--name", "head", "--store", store, "--requires", "affect:1")
    assert (report["activation"], report["preset"]) == ("none", "highlight-stats")


def test_a_forest_of_another_width_is_refused_with_both_figures(tmp_path: Path, store: Path) -> None:
    rows = rows_with_holes()[:, :20]
    booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix(rows, np.nan_to_num(rows[:, 0])), 2)
    file = saved(booster, tmp_path / "head.json")
    arguments = ("xgboost", file, "--name", "head", "--store", store, "--requires", "affect")
    result = command(*arguments, "--pipeline", "highlight-stats")
    assert result.exit_code == 3
    assert "gives 40 numbers (mean, std, max, min of 10); the input takes 20" in result.stderr
    (tmp_path / "two.json").write_text('{"kind": "series", "statistics": ["mean", "std"]}')
    assert command(*arguments, "--pipeline", tmp_path / "two.json").exit_code == 0


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_inspect_says_what_a_forest_is_and_which_command_converts_it(suffix: str, tmp_path: Path) -> None:
    file = saved(trained("binary:logistic"), tmp_path / f"head.{suffix}")
    result = command("inspect", file)
    assert result.exit_code == 0, result.stderr
    assert f"xgboost {xgboost.__version__}" in result.stdout
    assert "binary:logistic, tree × 5" in result.stdout
    assert (
        f"python -m convert xgboost {file.name} --name NAME --requires MODEL --pipeline highlight-stats"
        in result.stdout
    )
    other = command("keras", file, "--name", "m", "--store", tmp_path / "store")
    assert other.exit_code == 3
    assert "Use `python -m convert xgboost`" in other.stderr


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"booster": "dart", "rate_drop": 0.5}, "dropped trees (dart)"),
        ({"objective": "survival:cox"}, "The objective 'survival:cox' is not known here"),
        ({"objective": "binary:hinge"}, "binary:hinge"),
    ],
)
def test_what_is_not_known_is_refused_by_name(parameters: dict[str, Any], says: str, tmp_path: Path) -> None:
    booster = trained(str(parameters.pop("objective", "binary:logistic")), **parameters)
    assert says in answer("inspect", saved(booster, tmp_path / "m.json"))["error"]


def test_splits_by_category_are_refused_by_name(tmp_path: Path) -> None:
    rows = rows_with_holes()
    rows[:, 3] = np.arange(len(rows)) % 5
    kinds = ["c" if feature == 3 else "q" for feature in range(FEATURES)]
    matrix = xgboost.DMatrix(rows, (rows[:, 3] % 2).astype(int), feature_types=kinds, enable_categorical=True)
    booster = xgboost.train({"objective": "binary:logistic", "max_depth": 2}, matrix, 2)
    for suffix in ("json", "ubj"):
        assert "splits by categories" in answer("inspect", saved(booster, tmp_path / f"m.{suffix}"))["error"]


def test_leaves_with_several_numbers_are_refused_by_name(tmp_path: Path) -> None:
    rows = rows_with_holes()
    model = xgboost.XGBRegressor(n_estimators=2, max_depth=2, multi_strategy="multi_output_tree", n_jobs=1)
    model.fit(rows, np.stack([targets(rows, "reg:squarederror")] * 2, axis=1))
    model.save_model(tmp_path / "m.json")
    assert "multi_output_tree" in answer("inspect", tmp_path / "m.json")["error"]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([f"{s}_{c}" for s in ("mean", "std", "max", "min") for c in range(10)], '["mean", "std", "max", "min"]'),
        ([f"{s}_{c}" for s in ("min", "max", "avg", "std") for c in range(10)], '["min", "max", "mean", "std"]'),
        ([f"{c}_{s}" for c in range(10) for s in ("mean", "std", "max", "min")], "channel by channel"),
        ([f"f{k}" for k in range(40)], "The file names its features: f0, f1"),
    ],
)
def test_feature_names_tell_the_order_of_the_statistics(names: list[str], says: str, tmp_path: Path) -> None:
    rows = rows_with_holes()
    matrix = xgboost.DMatrix(rows, targets(rows, "reg:squarederror"), feature_names=names)
    file = saved(xgboost.train({"max_depth": 2}, matrix, 2), tmp_path / "m.json")
    assert says in answer("inspect", file)["warnings"][-1]
