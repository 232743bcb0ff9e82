"""Forests and support vector machines of scikit-learn as ONNX: the table of probabilities is what answers."""

import asyncio
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR

from service.registry.manifest import read_manifest
from tests.convert.heads_made import outputs_track, publish_affect, served_answers
from tests.convert.running import answer, command
from tests.convert.xgboost.made import FEATURES

Floats = npt.NDArray[np.float32]
CLASSES = np.array(["calm", "neutral", "tense"])


def rows(seed: int = 0, count: int = 120) -> Floats:
    return np.random.default_rng(seed).normal(size=(count, FEATURES)).astype(np.float32)


def score(values: Floats) -> Floats:
    wanted: Floats = values[:, 0] - values[:, 31]
    return wanted


def named(values: Floats) -> npt.NDArray[Any]:
    return CLASSES[np.digitize(score(values), [-0.7, 0.7])]


def exported(model: Any, path: Path, *, maps: bool = True) -> Path:
    """The fitted model as skl2onnx writes it, with its list of maps or with a table."""
    options = None if maps else {id(model): {"zipmap": False}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = to_onnx(model, initial_types=[("X", FloatTensorType([None, FEATURES]))], options=options,
                        target_opset={"": 17, "ai.onnx.ml": 3})  # fmt: skip
    path.write_bytes(graph.SerializeToString())
    return path


def fit_preset(model: Any, target: npt.NDArray[Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(rows(), target)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    publish_affect(tmp_path / "store")
    return tmp_path / "store"


CLASSIFIERS = {
    "random forest": lambda: RandomForestClassifier(6, max_depth=4, random_state=0),
    "boosting": lambda: GradientBoostingClassifier(n_estimators=4, random_state=0),
    "scaled SVM": lambda: make_pipeline(StandardScaler(), SVC(probability=True, random_state=0)),
}


@pytest.mark.parametrize("maps", [True, False], ids=["maps", "table"])
@pytest.mark.parametrize("kind", list(CLASSIFIERS))
def test_three_classes_answer_with_their_probabilities(kind: str, maps: bool, tmp_path: Path, store: Path) -> None:
    model = fit_preset(CLASSIFIERS[kind](), named(rows()))
    file = exported(model, tmp_path / "m.onnx", maps=maps)
    asked = rows(seed=1, count=8)
    np.savez(tmp_path / "golden.npz", x0=asked, y0=model.predict_proba(asked).astype(np.float32))
    arguments = ("onnx", file, "--name", "head", "--store", store, "--requires", "affect", "--channel", "tense")
    report = answer(*arguments, "--golden", tmp_path / "golden.npz")
    assert report["labels"] == list(CLASSES)
    assert (report["activation"], report["preset"]) == ("probabilities", "highlight-stats")
    assert report["parity"][0]["max_abs_diff"] <= 1e-5
    manifest = read_manifest(store / "head" / "1" / "manifest.json")
    assert (manifest.output.shape[-1], manifest.output.channel) == (3, "tense")
    series = np.random.default_rng(2).normal(0, 1, (20, 10)).astype(np.float32)
    exact = series.astype(np.float64)
    statistics = np.concatenate([exact.mean(0), exact.std(0), exact.max(0), exact.min(0)])[None].astype(np.float32)
    got = asyncio.run(served_answers(store, "head", [outputs_track(series)]))
    assert np.abs(got - model.predict_proba(statistics)).max() <= 1e-5


@pytest.mark.parametrize("model", [RandomForestRegressor(6, max_depth=4, random_state=0), SVR()])
def test_a_regressions_value_is_the_tension(model: Any, tmp_path: Path, store: Path) -> None:
    file = exported(fit_preset(model, score(rows())), tmp_path / "m.onnx")
    report = answer("onnx", file, "--name", "head", "--store", store, "--requires", "affect")
    assert report["activation"] == "none"
    asked = rows(seed=3, count=6)
    golden = tmp_path / "golden.npz"
    np.savez(golden, x0=asked, y0=model.predict(asked).astype(np.float32)[:, None])
    assert answer("verify", "head", "--store", store, "--golden", golden)["parity"][0]["max_abs_diff"] <= 1e-5


def test_numbers_that_are_classes_are_named_by_their_numbers(tmp_path: Path) -> None:
    model = fit_preset(RandomForestClassifier(3, max_depth=2, random_state=0), (score(rows()) > 0).astype(int))
    file = exported(model, tmp_path / "m.onnx")
    result = command("inspect", file)
    assert "Labels in the file: 0, 1" in result.stdout
    assert "of 2 outputs probabilities answers" in result.stdout
    assert "as a head, if it reads another model's outputs: python -m convert onnx" in result.stdout
    assert f"onnx {file} --name NAME --requires MODEL --pipeline highlight-stats" in result.stdout


def test_scores_whose_largest_is_not_the_label_are_refused(tmp_path: Path) -> None:
    """skl2onnx gives a binary SVC without probabilities the scores [s, −s], where s > 0 means the second class."""
    model = fit_preset(SVC(), (score(rows()) > 0).astype(int))
    said = answer("inspect", exported(model, tmp_path / "m.onnx"))
    assert "names its own label in 0 of 5 rows" in said["error"]
    assert "SVC(probability=True)" in said["advice"]


def test_scores_of_three_classes_are_asked_about(tmp_path: Path, store: Path) -> None:
    model = fit_preset(SVC(), named(rows()))
    file = exported(model, tmp_path / "m.onnx")
    arguments = ("onnx", file, "--name", "head", "--store", store, "--requires", "affect", "--channel", "tense")
    assert "are its outputs logits or probabilities?" in answer(*arguments)["error"]
    assert answer(*arguments, "--activation", "softmax")["activation"] == "softmax"
