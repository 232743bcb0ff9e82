"""Fits one model of each family with the scikit-learn of this environment, and writes what it answers.

Usage: python zoo.py FOLDER. Leaves NAME.p or NAME.joblib, and NAME.npz with x0 and y0, for each. Needs scikit-learn
alone, of 0.24 or later.
"""

import importlib
import pickle
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import sklearn
import sklearn.ensemble
from sklearn.base import BaseEstimator
from sklearn.calibration import CalibratedClassifierCV
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis, QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, Normalizer, RobustScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier

_EXPERIMENTAL = "sklearn.experimental.enable_hist_gradient_boosting"  # which 0.24 asks for


NAMES = np.array(["A", "B", "L", "W", "Y"])


def hands(count: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of 42 numbers like hand coordinates minus their least x and y, and the classes that they show."""
    centers = np.random.default_rng(7).uniform(0, 0.4, (classes, 42))
    rng = np.random.default_rng(seed)
    shown = rng.integers(0, classes, count)
    rows = (centers[shown] + rng.normal(0, 0.3, (count, 42))).reshape(count, 21, 2)
    return (rows - rows.min(axis=1, keepdims=True)).reshape(count, 42), shown


def svc(**options: object) -> BaseEstimator:
    return SVC(probability=True, random_state=0, **options)


def isotonic(model: BaseEstimator, **options: object) -> BaseEstimator:
    return CalibratedClassifierCV(model, method="isotonic", cv=3, **options)


def sigmoid(model: BaseEstimator, **options: object) -> BaseEstimator:
    return CalibratedClassifierCV(model, method="sigmoid", cv=3, **options)


def histogram_boosting() -> BaseEstimator:
    if sklearn.__version__.startswith("0."):
        importlib.import_module(_EXPERIMENTAL)
    return sklearn.ensemble.HistGradientBoostingClassifier(max_iter=10, random_state=0)


def voting(**options: object) -> BaseEstimator:
    members = [("forest", RandomForestClassifier(5, random_state=0)), ("bayes", GaussianNB())]
    return VotingClassifier(members, voting="soft", **options)


MULTI, BINARY = 5, 2
FAMILIES = {
    "random forest": (lambda: RandomForestClassifier(20, random_state=0), MULTI),
    "random forest, weighted": (
        lambda: RandomForestClassifier(100, class_weight="balanced", min_samples_leaf=3, random_state=1), MULTI),
    "random forest, two classes": (lambda: RandomForestClassifier(10, random_state=0), BINARY),
    "extra trees": (lambda: ExtraTreesClassifier(15, random_state=0, min_samples_leaf=2), MULTI),
    "decision tree": (lambda: DecisionTreeClassifier(max_depth=6, random_state=0), MULTI),
    "gradient boosting": (lambda: GradientBoostingClassifier(n_estimators=8, random_state=0), MULTI),
    "gradient boosting, two classes": (
        lambda: GradientBoostingClassifier(n_estimators=8, subsample=0.7, random_state=0), BINARY),
    "gradient boosting, exponential": (
        lambda: GradientBoostingClassifier(loss="exponential", n_estimators=8, random_state=0), BINARY),
    "gradient boosting from zero": (
        lambda: GradientBoostingClassifier(init="zero", n_estimators=8, random_state=0), MULTI),
    "histogram boosting": (histogram_boosting, MULTI),
    "histogram boosting, two classes": (histogram_boosting, BINARY),
    "histogram boosting, missing values": (
        histogram_boosting, MULTI),
    "SVC, rbf": (svc, MULTI),
    "SVC, two classes": (svc, BINARY),
    "SVC, linear": (lambda: svc(kernel="linear"), MULTI),
    "SVC, polynomial": (lambda: svc(kernel="poly", degree=2, coef0=1.0), MULTI),
    "SVC, sigmoid kernel": (lambda: make_pipeline(StandardScaler(), svc(kernel="sigmoid")), MULTI),
    "SVC without probabilities": (SVC, MULTI),
    "NuSVC": (lambda: NuSVC(nu=0.2, probability=True, random_state=0), MULTI),
    "logistic regression": (lambda: LogisticRegression(max_iter=500), MULTI),
    "logistic regression, two classes": (lambda: LogisticRegression(max_iter=500), BINARY),
    "logistic regression, one against the rest": (
        lambda: OneVsRestClassifier(LogisticRegression(solver="liblinear")), MULTI),
    "logistic regression, multi_class ovr": (lambda: LogisticRegression(multi_class="ovr"), MULTI),
    "logistic regression, multinomial of two": (lambda: LogisticRegression(multi_class="multinomial"), BINARY),
    "SGD, log loss": (lambda: SGDClassifier(loss="log_loss", random_state=0), MULTI),
    "linear SVC": (lambda: LinearSVC(random_state=0), MULTI),
    "k-NN, brute": (lambda: KNeighborsClassifier(5), MULTI),
    "k-NN, distance weights": (lambda: KNeighborsClassifier(7, weights="distance"), MULTI),
    "k-NN, k-d tree": (lambda: KNeighborsClassifier(4, algorithm="kd_tree", weights="distance"), MULTI),
    "k-NN, ball tree, manhattan": (
        lambda: KNeighborsClassifier(5, algorithm="ball_tree", metric="manhattan", weights="distance"), MULTI),
    "k-NN, chebyshev": (lambda: KNeighborsClassifier(3, metric="chebyshev"), MULTI),
    "k-NN, cosine": (lambda: KNeighborsClassifier(3, metric="cosine", weights="distance"), MULTI),
    "MLP": (lambda: MLPClassifier((24, 12), max_iter=60, random_state=0), MULTI),
    "MLP, two classes, tanh": (lambda: MLPClassifier((8,), activation="tanh", max_iter=60, random_state=0), BINARY),
    "MLP, logistic": (lambda: MLPClassifier((8,), activation="logistic", max_iter=60, random_state=0), MULTI),
    "Gaussian naive Bayes": (GaussianNB, MULTI),
    "multinomial naive Bayes": (MultinomialNB, MULTI),
    "complement naive Bayes": (ComplementNB, MULTI),
    "Bernoulli naive Bayes": (lambda: BernoulliNB(binarize=0.2), MULTI),
    "LDA": (LinearDiscriminantAnalysis, MULTI),
    "LDA, two classes, shrinkage": (
        lambda: LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"), BINARY),
    "QDA": (lambda: QuadraticDiscriminantAnalysis(reg_param=0.1), MULTI),
    "calibrated linear SVC": (lambda: sigmoid(LinearSVC(random_state=0)), MULTI),
    "calibrated linear SVC, two classes": (lambda: sigmoid(LinearSVC(random_state=0)), BINARY),
    "calibrated forest, isotonic": (lambda: isotonic(RandomForestClassifier(8, random_state=0)), MULTI),
    "calibrated SVC, isotonic": (lambda: isotonic(SVC()), MULTI),
    "calibrated by temperature": (
        lambda: CalibratedClassifierCV(GaussianNB(), method="temperature", cv=3), MULTI),
    "calibrated without folds": (lambda: sigmoid(GaussianNB(), ensemble=False), MULTI),
    "scaler, SVC": (lambda: make_pipeline(StandardScaler(), svc()), MULTI),
    "scaler, PCA, k-NN": (
        lambda: make_pipeline(StandardScaler(), PCA(12, random_state=0), KNeighborsClassifier(5)), MULTI),
    "min-max, whitened PCA, MLP": (
        lambda: make_pipeline(
            MinMaxScaler((-1, 1)), PCA(8, whiten=True, random_state=0),
            MLPClassifier((10,), max_iter=60, random_state=0)), MULTI),
    "scaler, forest": (lambda: make_pipeline(StandardScaler(), RandomForestClassifier(10, random_state=0)), MULTI),
    "clipped min-max, logistic regression": (
        lambda: make_pipeline(MinMaxScaler(clip=True), LogisticRegression(max_iter=500)), MULTI),
    "other scalers": (
        lambda: make_pipeline(RobustScaler(), MaxAbsScaler(), Normalizer(), LogisticRegression()), MULTI),
    "grid search over a pipeline": (
        lambda: GridSearchCV(make_pipeline(StandardScaler(), svc()), {"svc__C": [0.5, 2.0]}, cv=3), MULTI),
    "vote of forest and Bayes": (lambda: voting(weights=[2, 1]), MULTI),
    "bagged trees": (lambda: BaggingClassifier(n_estimators=6, random_state=0, max_features=0.7), MULTI),
    "AdaBoost": (lambda: AdaBoostClassifier(n_estimators=10, random_state=0, algorithm="SAMME"), MULTI),
}  # fmt: skip


def file_stem(name: str) -> str:
    """The family's name as a file's."""
    return name.replace(" ", "_").replace(",", "")


def answers(model: BaseEstimator, rows: np.ndarray) -> np.ndarray:
    """Probabilities, or the scores of a classifier that has none."""
    return np.asarray(model.predict_proba(rows) if hasattr(model, "predict_proba") else model.decision_function(rows))


def write(folder: Path) -> None:
    """One file a family, in the form that its number says: plain, in a dict, joblib, joblib compressed."""
    forms = [
        lambda model, path: path.with_suffix(".p").write_bytes(pickle.dumps({"model": model}, protocol=4)),
        lambda model, path: joblib.dump(model, path.with_suffix(".joblib")),
        lambda model, path: path.with_suffix(".pkl").write_bytes(pickle.dumps(model, protocol=2)),
        lambda model, path: joblib.dump(model, path.with_suffix(".joblib"), compress=("zlib", 3)),
        lambda model, path: path.with_suffix(".pickle").write_bytes(pickle.dumps(model, protocol=5)),
        lambda model, path: joblib.dump({"clf": model}, path.with_suffix(".joblib"), compress=("xz", 3)),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    left_out = []
    for number, (name, (make, classes)) in enumerate(FAMILIES.items()):
        rows, shown = hands(240, classes, seed=1)
        asked, _ = hands(200, classes, seed=2)
        asked[:5] = rows[:5]
        asked = asked.astype(np.float32).astype(np.float64)
        if "missing values" in name:
            rows[np.random.default_rng(3).random(rows.shape) < 0.2] = np.nan
            asked[np.random.default_rng(4).random(asked.shape) < 0.2] = np.nan
        labels = NAMES[shown] if number % 2 else shown
        path = folder / file_stem(name)
        try:
            model = make().fit(rows, labels)
        except (TypeError, ValueError) as error:
            left_out.append(f"{name} ({str(error).splitlines()[0][:80]})")
            continue
        forms[number % len(forms)](model, path)
        np.savez(path.with_suffix(".npz"), x0=asked, y0=answers(model, asked), labels=[str(c) for c in model.classes_])
    (folder / "version").write_text(sklearn.__version__)
    print(f"scikit-learn {sklearn.__version__}: {len(FAMILIES) - len(left_out)} families")
    for one in left_out:
        print("  left out: " + one)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write(Path(sys.argv[1]))
