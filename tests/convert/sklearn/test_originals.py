"""Read models against scikit-learn's own answers: forests to the last bit, others within 1e-5."""

import pickle
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from convert.sklearn.reference import probabilities
from tests.convert.sklearn.models import FILES, Doubles, fit, hands, read_model, run_graph

CASES = sorted(FILES.glob("*_sk*.p")) + sorted(FILES.glob("*_sk*.joblib"))
FORESTS = ("forest", "boosting", "tree")


def _pickled(model: Any, path: Path) -> Path:
    path.write_bytes(pickle.dumps(model))
    return path


def _worst(path: Path, rows: Doubles, wanted: Doubles) -> tuple[float, float]:
    """(the reference's largest difference, the graph's)."""
    part, about = read_model(path)
    got = run_graph(part, about, rows)
    return (
        float(np.abs(probabilities(part, rows) - wanted).max()),
        float(np.abs(got - wanted.astype(np.float32)).max()),
    )


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_file_of_another_machine_answers_as_its_author_recorded(path: Path) -> None:
    golden = np.load(path.with_suffix(".npz"))
    reference, graph = _worst(path, golden["x0"], golden["y0"])
    assert reference <= 1e-12
    assert graph <= (0 if path.name.startswith(FORESTS) else 1e-6)


EXACT = {
    "random forest": RandomForestClassifier(12, random_state=0),
    "balanced forest": RandomForestClassifier(9, class_weight="balanced", min_samples_leaf=2, random_state=0),
    "extra trees": ExtraTreesClassifier(9, random_state=0, min_samples_leaf=3),
    "decision tree": DecisionTreeClassifier(random_state=0),
    "a tree of one leaf": DecisionTreeClassifier(max_depth=1, min_samples_leaf=100, random_state=0),
    "gradient boosting": GradientBoostingClassifier(n_estimators=4, random_state=0),
    "histogram boosting": HistGradientBoostingClassifier(max_iter=4, random_state=0),
}


@pytest.mark.parametrize("kind", EXACT)
def test_forests_answer_to_the_last_bit(kind: str, tmp_path: Path) -> None:
    model = fit(EXACT[kind])
    rows, _ = hands(300, seed=2)
    _, graph = _worst(_pickled(model, tmp_path / "m.p"), rows, model.predict_proba(rows))
    assert graph == 0


def test_a_row_exactly_at_a_threshold_goes_the_way_that_scikit_learn_sends_it(tmp_path: Path) -> None:
    """It compares float32 features with float64 thresholds: rounding a threshold to the nearest would move rows."""
    model = fit(RandomForestClassifier(10, random_state=0))
    rng = np.random.default_rng(3)
    rows, _ = hands(400, seed=4)
    for tree in model.estimators_:
        inner = np.flatnonzero(tree.tree_.children_left >= 0)
        picked = rng.choice(inner, len(rows))
        near = tree.tree_.threshold[picked].astype(np.float32)
        rows[np.arange(len(rows)), tree.tree_.feature[picked]] = np.nextafter(
            near, np.float32(9) * rng.choice([-1, 0, 1], len(rows)).astype(np.float32)
        )
    _, graph = _worst(_pickled(model, tmp_path / "m.p"), rows, model.predict_proba(rows))
    assert graph == 0


def test_missing_values_go_where_histogram_boosting_sends_them(tmp_path: Path) -> None:
    rows, labels = hands()
    rows[np.random.default_rng(1).random(rows.shape) < 0.2] = np.nan
    model = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(rows, labels)
    _, graph = _worst(_pickled(model, tmp_path / "m.p"), rows, model.predict_proba(rows))
    assert graph == 0


CLOSE = {
    "SVC": (SVC(probability=True, random_state=0), 4),
    "SVC of two classes": (SVC(probability=True, random_state=0), 2),
    "logistic regression": (LogisticRegression(), 4),
    "logistic regression of two classes": (LogisticRegression(), 2),
    "nearest neighbors": (KNeighborsClassifier(5, weights="distance"), 4),
    "neighbors in a tree": (KNeighborsClassifier(3, algorithm="kd_tree", metric="manhattan"), 4),
    "MLP": (MLPClassifier((9, 7), max_iter=30, random_state=0), 4),
    "MLP of two classes": (MLPClassifier((5,), activation="tanh", max_iter=30, random_state=0), 2),
    "Gaussian naive Bayes": (GaussianNB(), 4),
    "Bernoulli naive Bayes": (BernoulliNB(binarize=0.2), 4),
    "LDA": (LinearDiscriminantAnalysis(), 4),
    "calibrated by temperature": (CalibratedClassifierCV(GaussianNB(), method="temperature", cv=3), 2),
    "calibrated scores": (CalibratedClassifierCV(LinearSVC(random_state=0), cv=3), 4),
    "calibrated forest": (
        CalibratedClassifierCV(RandomForestClassifier(5, random_state=0), method="isotonic", cv=3),
        4,
    ),
    "pipeline": (make_pipeline(StandardScaler(), PCA(5), SVC(probability=True, random_state=0)), 4),
    "pipeline with chosen features": (make_pipeline(SelectKBest(f_classif, k=5), GaussianNB()), 4),
    "clipping pipeline": (make_pipeline(MinMaxScaler(clip=True), KNeighborsClassifier(4)), 4),
    "vote": (VotingClassifier([("a", GaussianNB()), ("b", LogisticRegression())], voting="soft", weights=[1, 3]), 4),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", CLOSE)
def test_other_families_answer_within_a_hundred_thousandth(kind: str, tmp_path: Path) -> None:
    model, classes = CLOSE[kind]
    model = fit(model, classes)
    rows, _ = hands(200, classes, seed=2)
    reference, graph = _worst(_pickled(model, tmp_path / "m.p"), rows, model.predict_proba(rows))
    assert reference <= 1e-9
    assert graph <= 1e-6


def test_shares_of_tiny_numbers_are_those_of_scikit_learn(tmp_path: Path) -> None:
    """Every class may be all but excluded, each by its own sigmoid; what counts then is how they compare."""
    rows, labels = hands()
    model = OneVsRestClassifier(LogisticRegression()).fit(rows, labels)
    for place, member in enumerate(model.estimators_):
        member.intercept_ -= 200 + place
    reference, graph = _worst(_pickled(model, tmp_path / "m.p"), rows, model.predict_proba(rows))
    assert (reference, graph) < (1e-9, 1e-6)
    for member in model.estimators_:
        member.intercept_ -= 5000
    part, about = read_model(_pickled(model, tmp_path / "m.p"))
    np.testing.assert_array_equal(run_graph(part, about, rows), np.full((len(rows), 4), 0.25, np.float32))


FORMS = {
    "plain": {},
    "zlib": {"compress": ("zlib", 3)},
    "gzip": {"compress": ("gzip", 3)},
    "bz2": {"compress": ("bz2", 3)},
    "lzma": {"compress": ("lzma", 3)},
    "xz": {"compress": ("xz", 3)},
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_joblib_is_read(form: str, tmp_path: Path) -> None:
    model = fit(make_pipeline(StandardScaler(), RandomForestClassifier(4, random_state=0)))
    joblib.dump({"model": model}, tmp_path / "m.joblib", **FORMS[form])
    rows, _ = hands(50, seed=2)
    assert _worst(tmp_path / "m.joblib", rows, model.predict_proba(rows))[1] == 0


@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_of_pickle_is_read(protocol: int, tmp_path: Path) -> None:
    model = fit(RandomForestClassifier(3, random_state=0))
    (tmp_path / "m.p").write_bytes(pickle.dumps(model, protocol=protocol))
    rows, _ = hands(50, seed=2)
    assert _worst(tmp_path / "m.p", rows, model.predict_proba(rows))[1] == 0


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    trees=st.integers(1, 6),
    depth=st.one_of(st.none(), st.integers(1, 5)),
    classes=st.integers(2, 4),
    seed=st.integers(0, 1000),
    extra=st.booleans(),
)
def test_any_forest_answers_to_the_last_bit(
    trees: int, depth: int | None, classes: int, seed: int, extra: bool, tmp_path: Path
) -> None:
    kind = ExtraTreesClassifier if extra else RandomForestClassifier
    model = fit(kind(trees, max_depth=depth, random_state=seed), classes)
    rows, _ = hands(60, classes, seed=seed + 1)
    part, about = read_model(_pickled(model, tmp_path / "m.p"))
    np.testing.assert_array_equal(run_graph(part, about, rows), model.predict_proba(rows).astype(np.float32))
