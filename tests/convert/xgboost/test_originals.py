"""Converted forests against XGBoost itself: the same float32 sums in the same order."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from convert.parity import Session
from convert.xgboost.convert import open_xgboost
from convert.xgboost.objectives import OBJECTIVES
from tests.convert.xgboost.made import Floats, rows_with_holes, saved, targets, trained

ALLOWED = 1e-6


def answers(file: Path, rows: Floats) -> Floats:
    """What the converted graph gives."""
    with open_xgboost(file) as model:
        assert model.measure().passed
        got: Floats = Session(model.content, threads=1).run([rows])[0]
    return got


def original(booster: xgboost.Booster, rows: Floats, *, margin: bool) -> Floats:
    got: Floats = booster.predict(xgboost.DMatrix(rows), output_margin=margin).reshape(len(rows), -1)
    return got


def difference(got: Floats, wanted: Floats) -> float:
    return float(np.abs(got.astype(np.float64) - wanted).max() / max(1.0, float(np.abs(wanted).max())))


@pytest.mark.parametrize("objective", [name for name in OBJECTIVES if name != "reg:linear"])
def test_each_objective_gives_what_xgboost_gives(objective: str, tmp_path: Path) -> None:
    parameters: dict[str, Any] = {"quantile_alpha": 0.6} if objective == "reg:quantileerror" else {}
    booster = trained(objective, **parameters)
    rows = rows_with_holes(seed=2)
    is_rate = objective in ("count:poisson", "reg:gamma", "reg:tweedie")
    wanted = original(booster, rows, margin=not is_rate)
    for suffix in ("json", "ubj"):
        assert difference(answers(saved(booster, tmp_path / f"m.{suffix}"), rows), wanted) <= ALLOWED


@pytest.mark.parametrize("score", [0.05, 0.3, 0.9])
@pytest.mark.parametrize("objective", ["binary:logistic", "multi:softprob", "reg:squarederror"])
def test_a_base_score_that_was_given_counts(objective: str, score: float, tmp_path: Path) -> None:
    booster = trained(objective, base_score=score)
    rows = rows_with_holes(seed=3)
    assert (
        difference(answers(saved(booster, tmp_path / "m.ubj"), rows), original(booster, rows, margin=True)) <= ALLOWED
    )


def test_many_deep_trees_are_added_in_their_order(tmp_path: Path) -> None:
    booster = trained("binary:logistic", rounds=400, max_depth=8)
    rows = rows_with_holes(seed=4)
    assert np.array_equal(answers(saved(booster, tmp_path / "m.ubj"), rows), original(booster, rows, margin=True))


def test_trees_that_grow_beside_each_other_are_added_as_one_round(tmp_path: Path) -> None:
    booster = trained("multi:softprob", rounds=2, num_parallel_tree=3, subsample=0.6, colsample_bynode=0.5)
    rows = rows_with_holes(seed=5)
    assert (
        difference(answers(saved(booster, tmp_path / "m.json"), rows), original(booster, rows, margin=True)) <= ALLOWED
    )


def test_a_tree_that_is_one_leaf_is_a_tree(tmp_path: Path) -> None:
    booster = trained("reg:squarederror", rounds=2, gamma=1e9)
    rows = rows_with_holes(seed=6)
    assert (
        difference(answers(saved(booster, tmp_path / "m.json"), rows), original(booster, rows, margin=True)) <= ALLOWED
    )


def test_several_targets_are_several_numbers(tmp_path: Path) -> None:
    rows = rows_with_holes()
    model = xgboost.XGBRegressor(n_estimators=3, max_depth=3, n_jobs=1)
    model.fit(rows, np.stack([targets(rows, "reg:squarederror"), np.nan_to_num(rows[:, 5])], axis=1))
    model.save_model(tmp_path / "m.json")
    assert difference(answers(tmp_path / "m.json", rows), model.predict(rows)) <= ALLOWED


def test_rounds_after_the_best_one_are_left_out_as_scikit_learns_predict_leaves_them_out(tmp_path: Path) -> None:
    rows = rows_with_holes()
    labels = np.random.default_rng(0).integers(0, 2, len(rows))  # nothing to learn: training stops early
    model = xgboost.XGBClassifier(n_estimators=60, early_stopping_rounds=5, max_depth=4, n_jobs=1)
    model.fit(rows[:120], labels[:120], eval_set=[(rows[120:], labels[120:])], verbose=False)
    assert model.best_iteration + 1 < model.get_booster().num_boosted_rounds()
    model.save_model(tmp_path / "m.ubj")
    got = answers(tmp_path / "m.ubj", rows)
    assert difference(np.asarray(1 / (1 + np.exp(-got)), np.float32), model.predict_proba(rows)[:, 1:]) <= ALLOWED
    with open_xgboost(tmp_path / "m.ubj") as opened:
        assert "early stopping" in opened.info.warnings[0]


OLD = sorted((Path(__file__).parents[2] / "data" / "xgboost").glob("*.npz"))


@pytest.mark.parametrize("golden", OLD, ids=lambda path: path.stem)
def test_files_of_earlier_versions_say_what_those_versions_said(golden: Path) -> None:
    """XGBoost 1.7.6 and 2.1.4: one base score for all, leaves without a vector's size; their answers lie beside."""
    file = next(path for path in golden.parent.glob(f"{golden.stem}.*") if path.suffix != ".npz")
    with np.load(golden) as known:
        rows, margins = known["x"], known["margin"].reshape(len(known["x"]), -1)
    assert difference(answers(file, rows), margins) <= ALLOWED
