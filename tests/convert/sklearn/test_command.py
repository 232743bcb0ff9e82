"""`convert sklearn`: from a pickle to a published model, and what is said on the way."""

import asyncio
import pickle
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import LabelEncoder, StandardScaler
from sklearn.svm import LinearSVC

from service.pipelines.keypoints import KeypointsSection
from service.registry.manifest import read_manifest
from tests.convert.heads_made import outputs_track, publish_affect, served_answers
from tests.convert.running import answer, command
from tests.convert.sklearn.models import FILES, HOSTILE, fit

FOREST, GOLDEN = FILES / "forest_sk1.3.2.p", FILES / "forest_sk1.3.2.npz"


def rows_of_hands(origin: str, seed: int = 0, count: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Hands of 21 points by one of two conventions, and what they show."""
    rng = np.random.default_rng(seed)
    shapes = rng.uniform(0.2, 0.8, (3, 21, 2))
    shown = rng.integers(0, 3, count)
    hands = shapes[shown] + rng.normal(0, 0.02, (count, 21, 2))
    hands -= hands.min(axis=1, keepdims=True) if origin == "corner" else hands[:, :1]
    if origin == "wrist":
        hands /= np.abs(hands).max(axis=(1, 2), keepdims=True)
    return hands.reshape(count, 42), np.array(["A", "B", "L"])[shown]


def written(model: Any, path: Path) -> Path:
    path.write_bytes(pickle.dumps({"model": model}))
    return path


def test_a_model_p_is_published_with_its_labels_and_answers_its_golden_to_the_last_bit(tmp_path: Path) -> None:
    store = tmp_path / "store"
    arguments = ("sklearn", FOREST, "--name", "signs", "--store", store, "--pipeline", "hand-min-origin")
    report = answer(*arguments, "--golden", GOLDEN)
    assert [one["max_abs_diff"] for one in report["parity"]] == [0, 0]
    manifest = read_manifest(store / "signs" / "1" / "manifest.json")
    assert manifest.labels == ("A", "B", "L")
    assert manifest.output.activation == "probabilities"
    assert manifest.source is not None
    assert manifest.source.framework == "scikit-learn 1.3.2"
    section = manifest.pipeline
    assert isinstance(section, KeypointsSection)
    assert not section.selfie
    assert [step.step for step in section.derive] == ["min_origin"]
    assert answer("verify", "signs", "--store", store, "--golden", GOLDEN)["parity"][0]["max_abs_diff"] == 0


@pytest.mark.parametrize("path", sorted(FILES.glob("*_sk*.[pj]*")), ids=lambda path: path.stem)
def test_every_case_is_published_with_its_golden(path: Path, tmp_path: Path) -> None:
    report = answer("sklearn", path, "--name", "m", "--store", tmp_path, "--golden", path.with_suffix(".npz"))
    assert all(one["max_abs_diff"] <= 1e-6 for one in report["parity"])


@pytest.mark.parametrize(("origin", "preset"), [("corner", "hand-min-origin"), ("wrist", "hand-keypoints")])
def test_a_models_own_numbers_tell_which_convention_it_was_trained_on(origin: str, preset: str, tmp_path: Path) -> None:
    rows, labels = rows_of_hands(origin)
    for model in (RandomForestClassifier(60, random_state=0), KNeighborsClassifier()):
        said = answer("inspect", written(model.fit(rows, labels), tmp_path / "m.p"))
        assert said["presets"][0]["name"] == preset
        assert "neither" not in said["presets"][0]["why"]
        assert [one["standing"] for one in said["presets"][:2]] == ["Likely", "Less likely"]


@pytest.mark.parametrize("preset", ["hand-zscore", "hand-box", "hand-pixels"])
def test_conventions_that_leave_a_trace_in_stored_rows_are_told_by_it(preset: str, tmp_path: Path) -> None:
    rows, labels = rows_of_hands("corner")
    hands = rows.reshape(-1, 21, 2)
    match preset:
        case "hand-zscore":
            hands = (hands - hands.mean(axis=1, keepdims=True)) / hands.std(axis=1, keepdims=True)
        case "hand-box":
            hands = hands / hands.max(axis=1, keepdims=True)
        case _:
            hands = np.trunc(hands * 640)
    model = KNeighborsClassifier().fit(hands.reshape(-1, 42), labels)
    said = answer("inspect", written(model, tmp_path / "m.p"))
    assert said["presets"][0]["name"] == preset
    assert all(one["told_by"] for one in said["presets"])


def test_rows_of_no_known_convention_are_said_to_be_of_none(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    model = KNeighborsClassifier(3).fit(rng.normal(0, 1, (60, 42)), rng.integers(0, 3, 60))
    result = command("inspect", written(model, tmp_path / "m.p"))
    assert "Possible preset: hand-min-origin: 42 values, but they speak for neither" in result.stdout
    assert "Likely" not in result.stdout
    assert "its classes are numbers: --labels FILE names them, the least number first" in result.stdout


def test_numbers_as_classes_are_named_by_an_encoders_pickle(tmp_path: Path) -> None:
    rows, labels = rows_of_hands("corner")
    model = RandomForestClassifier(3, random_state=0).fit(rows, LabelEncoder().fit_transform(labels))
    arguments = ("sklearn", written(model, tmp_path / "m.p"), "--name", "m", "--store", tmp_path / "store")
    assert answer(*arguments)["labels"] == ["0", "1", "2"]
    assert answer(*arguments, "--labels", FILES / "le.pkl")["labels"] == ["ㄱ", "ㄴ", "ㄷ"]


def test_labels_follow_the_numbers_of_classes_that_scikit_learn_sorted_as_text(tmp_path: Path) -> None:
    """The model.p tutorial's classes are names of folders: "0", "1", "10", "11", "2" … is the order of its answers."""
    rng = np.random.default_rng(0)
    shown = rng.integers(0, 12, 200)
    rows = rng.uniform(0, 0.4, (12, 42))[shown] + rng.uniform(0, 0.02, (200, 42))
    model = RandomForestClassifier(5, random_state=0).fit(rows, shown.astype(str))
    (tmp_path / "labels.txt").write_text("\n".join("ABCDEFGHIJKL"))
    arguments = ("sklearn", written(model, tmp_path / "m.p"), "--name", "m", "--store", tmp_path / "store")
    report = answer(*arguments, "--labels", tmp_path / "labels.txt")
    assert list(model.classes_[:4]) == ["0", "1", "10", "11"]
    assert report["labels"] == ["ABCDEFGHIJKL"[int(name)] for name in model.classes_]


def test_scores_are_said_to_be_no_probabilities(tmp_path: Path) -> None:
    file = written(fit(LinearSVC(random_state=0)), tmp_path / "m.p")
    report = answer("sklearn", file, "--name", "m", "--store", tmp_path / "store")
    assert report["activation"] == "softmax"
    assert any("fitted without probabilities" in note for note in report["findings"]["warnings"])


@pytest.mark.parametrize("path", sorted(HOSTILE.glob("*.pkl")), ids=lambda path: path.stem)
def test_a_pickle_that_gives_numpy_a_pointer_is_refused_by_every_command(path: Path, tmp_path: Path) -> None:
    for arguments in (
        ("sklearn", path, "--name", "m"),
        ("inspect", path),
        ("sklearn", FOREST, "--name", "m", "--labels", path),
    ):
        result = command(*arguments, *(() if arguments[0] == "inspect" else ("--store", tmp_path)))
        assert result.exit_code == 3
        assert "signal" not in result.stderr


def test_other_commands_name_the_right_one(tmp_path: Path) -> None:
    assert "Use `python -m convert sklearn`" in answer("keras", FOREST, "--name", "m", "--store", tmp_path)["advice"]
    labels = answer("inspect", shutil.copy(FILES / "le.pkl", tmp_path))
    assert "--labels le.pkl" in labels["advice"]


def test_a_scaler_beside_the_model_stands_in_the_manifest_as_an_assumption(tmp_path: Path) -> None:
    rows, labels = rows_of_hands("corner")
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression().fit(scaler.transform(rows), labels)
    (tmp_path / "m.p").write_bytes(pickle.dumps({"model": model, "scaler": scaler}))
    np.savez(tmp_path / "golden.npz", x0=rows[:9], y0=model.predict_proba(scaler.transform(rows[:9])))
    arguments = ("sklearn", tmp_path / "m.p", "--name", "m", "--store", tmp_path / "store")
    report = answer(*arguments, "--golden", tmp_path / "golden.npz")
    assert report["parity"][1]["max_abs_diff"] <= 1e-6
    source = read_manifest(tmp_path / "store" / "m" / "1" / "manifest.json").source
    assert source is not None
    assert any("the StandardScaler that lies beside the model" in sentence for sentence in source.assumptions)


def test_a_classifier_is_a_highlight_head_over_an_affect_model(tmp_path: Path) -> None:
    """Forty statistics of ten numbers, of which one class is the tension: served, it answers as scikit-learn does."""
    store = tmp_path / "store"
    publish_affect(store)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(120, 40))
    model = RandomForestClassifier(6, max_depth=4, random_state=0).fit(rows, np.where(rows[:, 0] > 0, "tense", "calm"))
    arguments = ("sklearn", written(model, tmp_path / "m.p"), "--name", "head", "--store", store)
    report = answer(*arguments, "--requires", "affect", "--channel", "tense")
    assert (report["preset"], report["activation"]) == ("highlight-stats", "probabilities")
    series = rng.normal(0, 1, (20, 10)).astype(np.float32)
    exact = series.astype(np.float64)
    statistics = np.concatenate([exact.mean(0), exact.std(0), exact.max(0), exact.min(0)])[None].astype(np.float32)
    got = asyncio.run(served_answers(store, "head", [outputs_track(series)]))
    assert np.abs(got - model.predict_proba(statistics)).max() <= 1e-6
