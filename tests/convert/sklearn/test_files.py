"""What is read of a file beside its model, and what is refused, in which words."""

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import AdaBoostClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import LabelEncoder, QuantileTransformer, StandardScaler
from sklearn.svm import SVC

from convert.errors import RefusalError
from convert.labels import read_labels
from convert.sklearn.reference import probabilities
from tests.convert.sklearn.models import FEATURES, FILES, HOSTILE, NAMES, fit, hands, read_model


def written(content: object, path: Path) -> Path:
    path.write_bytes(pickle.dumps(content))
    return path


def refused(path: Path) -> str:
    with pytest.raises(RefusalError) as caught:
        read_model(path)
    return str(caught.value)


def forest() -> Any:
    return fit(RandomForestClassifier(2, max_depth=3, random_state=0))


def test_labels_are_the_classes(tmp_path: Path) -> None:
    _, about = read_model(written({"model": forest()}, tmp_path / "m.p"))
    assert about["classes"] == list(NAMES)
    assert about["features"] == FEATURES
    assert about["notes"] == []


def test_numbers_are_named_by_the_encoder_that_lies_beside_the_model(tmp_path: Path) -> None:
    rows, labels = hands()
    encoder = LabelEncoder().fit(labels)
    model = RandomForestClassifier(2, random_state=0).fit(rows, encoder.transform(labels))
    for beside in (
        {"label_encoder": encoder},
        {"labels": list(encoder.classes_)},
        {"labels_dict": dict(enumerate(NAMES))},
    ):
        _, about = read_model(written({"model": model, **beside}, tmp_path / "m.p"))
        assert about["classes"] == list(NAMES)
        assert about["classes_from"] == "the labels beside the model, by classes_"


def test_classes_that_leave_out_a_number_take_the_labels_of_those_that_are_there(tmp_path: Path) -> None:
    rows, labels = hands()
    numbers = LabelEncoder().fit_transform(labels)
    model = GaussianNB().fit(rows[numbers != 1], numbers[numbers != 1])
    _, about = read_model(written({"model": model, "labels": list(NAMES)}, tmp_path / "m.p"))
    assert about["classes"] == [NAMES[0], NAMES[2], NAMES[3]]


def test_a_scaler_beside_the_model_comes_before_it_and_is_said_to_be_assumed(tmp_path: Path) -> None:
    rows, labels = hands()
    scaler = StandardScaler().fit(rows)
    model = LogisticRegression().fit(scaler.transform(rows), labels)
    part, about = read_model(written({"scaler": scaler, "model": model}, tmp_path / "m.p"))
    np.testing.assert_allclose(probabilities(part, rows), model.predict_proba(scaler.transform(rows)), atol=1e-12)
    assert "StandardScaler" in about["assumed"][0]


def test_names_of_features_are_kept(tmp_path: Path) -> None:
    model = forest()
    model.feature_names_in_ = np.array([f"x{place}" for place in range(FEATURES)], object)
    _, about = read_model(written(model, tmp_path / "m.p"))
    assert about["feature_names"][:2] == ["x0", "x1"]


def test_a_machine_without_probabilities_is_said_to_give_scores(tmp_path: Path) -> None:
    part, about = read_model(written(fit(SVC()), tmp_path / "m.p"))
    assert not about["probabilities"]
    rows, _ = hands(80, seed=5)
    np.testing.assert_array_equal(NAMES[probabilities(part, rows).argmax(axis=1)], fit(SVC()).predict(rows))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (lambda: fit(AdaBoostClassifier(n_estimators=2)), "which is no classifier that is known to us"),
        (lambda: LinearRegression().fit(*[hands()[0]] * 2), "LinearRegression, which is no classifier"),
        (lambda: fit(make_pipeline(QuantileTransformer(n_quantiles=9), GaussianNB())), "steps that are known are"),
        (lambda: {"a": 1}, "holds no model: it is a dict with a"),
        (lambda: KNeighborsClassifier(metric="canberra").fit(*hands()), "its metric is canberra"),
        (lambda: RandomForestClassifier(2), "was saved before it was fitted"),
        (lambda: {"one": forest(), "two": forest()}, "holds 2 classifiers: one, two"),
        (lambda: ["A", "B"], "holds no model: it is a list"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore")
def test_what_is_not_known_is_named(model: Any, says: str, tmp_path: Path) -> None:
    said = refused(written(model(), tmp_path / "m.p"))
    assert says in said
    assert "damaged" not in said


def test_splits_by_category_are_named(tmp_path: Path) -> None:
    rows, _ = hands()
    rows[:, 3] = np.arange(len(rows)) % 5
    model = HistGradientBoostingClassifier(max_iter=3, categorical_features=[3], random_state=0).fit(
        rows, (rows[:, 3] > 2).astype(int)
    )
    assert "categor" in refused(written(model, tmp_path / "m.p"))


def test_a_compression_that_is_not_pythons_own_is_named(tmp_path: Path) -> None:
    (tmp_path / "m.joblib").write_bytes(b"\x04\x22\x4d\x18" + bytes(40))
    assert "compressed by LZ4, which is not known to us" in refused(tmp_path / "m.joblib")


@pytest.mark.parametrize("name", ["forest_sk1.3.2.p", "mlp_sk1.3.2.joblib", "logistic_sk1.3.2.joblib"])
def test_a_file_that_is_cut_off_is_said_to_be(name: str, tmp_path: Path) -> None:
    content = (FILES / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) * 2 // 3])
    said = refused(tmp_path / name)
    assert "cut off" in said or "ends inside" in said


def test_a_file_that_unpacks_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convert.unpack.MAX_BYTES", 1 << 20)
    joblib.dump(bytes(2 << 20), tmp_path / "m.joblib", compress=("xz", 1))
    assert "unpacks to more than 1 MiB" in refused(tmp_path / "m.joblib")


@pytest.mark.parametrize("path", sorted(HOSTILE.glob("*.pkl")), ids=lambda path: path.stem)
def test_pickles_that_give_numpy_pointers_are_refused(path: Path) -> None:
    refused(path)


def test_a_pytorch_file_is_sent_to_its_own_command(tmp_path: Path) -> None:
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2) + pickle.dumps(1001, protocol=2))
    assert "Use `python -m convert torch`" in refused(tmp_path / "m.pkl")


def test_pickled_labels_are_read_as_labels(tmp_path: Path) -> None:
    encoder = LabelEncoder().fit(["L", "A"])
    for content in (encoder, {"label_encoder": encoder}, {"label_to_index": {"L": 1, "A": 0}}, {"A": 0, "L": 1}):
        assert read_labels(str(written(content, tmp_path / "labels.pkl")), "utf-8").names == ("A", "L")


def test_a_text_is_said_to_be_no_pickle(tmp_path: Path) -> None:
    (tmp_path / "m.p").write_text("version 1")
    assert "m.p is no pickle: it begins with" in refused(tmp_path / "m.p")
