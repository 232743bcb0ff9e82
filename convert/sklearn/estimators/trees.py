"""Decision trees, forests and boosting → Trees."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from convert.sklearn.arrays import find_array
from convert.sklearn.fitted import Fitted
from convert.sklearn.parts import Doubles, Flags, Link, Model, Part, Trees, Whole

MAX_NODES = 4_000_000
SHARES_SINCE = (1, 4)


@dataclass(frozen=True, slots=True)
class _Tree:
    left: Whole
    right: Whole
    feature: Whole
    threshold: Doubles
    missing_left: Flags
    values: Doubles


def _decision_tree(fitted: Fitted) -> Part:
    tree = _shares_of(fitted, len(fitted.classes()))
    return Model(_together(fitted, [tree], base=np.zeros(tree.values.shape[1])), "none")


def _forest(fitted: Fitted) -> Part:
    width = len(fitted.classes())
    members = [fitted.inner(item, f"tree {place}") for place, item in enumerate(fitted.items("estimators_"))]
    trees = [_shares_of(member, width) for member in members]
    return Model(_together(fitted, trees, base=np.zeros(width), divisor=float(len(trees))), "none")


def _gradient_boosting(fitted: Fitted) -> Part:
    rate = fitted.number("learning_rate")
    members = [fitted.inner(item, f"tree {place}") for place, item in enumerate(fitted.items("estimators_"))]
    classes = len(fitted.classes())
    groups = 1 if classes == 2 else classes
    trees = []
    for member in members:
        tree = _nodes_of(member.within("tree_"))
        if tree.values.shape[1] != 1:
            raise member.contradicts(f"a tree of boosting gives one number, this {tree.values.shape[1]}")
        trees.append(replace(tree, values=rate * tree.values))
    exponential = fitted.text("loss") == "exponential"
    link: Link = ("double_sigmoid" if exponential else "sigmoid") if groups == 1 else "softmax"
    base = _start(fitted, groups, 0.5 if exponential else 1.0)
    return Model(_together(fitted, trees, base=base, groups=groups), link, "none")


def _start(fitted: Fitted, groups: int, share: float) -> Doubles:
    """The raw numbers that boosting starts from: those of the classes' shares, unless it was told to start from 0."""
    if fitted.value("init_") == "zero":
        return np.zeros(groups)
    first = fitted.within("init_")
    if first.kind != "DummyClassifier" or first.text("strategy") != "prior":
        raise fitted.unknown("it starts from an estimator of its own (init)")
    least = float(np.finfo(np.float32).eps)
    prior = np.clip(first.array("class_prior_", ndim=1), least, 1 - least)
    if groups == 1:
        return np.asarray([share * np.log(prior[1] / (1 - prior[1]))])
    return np.log(prior)


def _histogram_boosting(fitted: Fitted) -> Part:
    if fitted.has("_preprocessor"):
        raise fitted.unknown("it was fitted on categories")
    rounds = [fitted.listed(item, "a round") for item in fitted.items("_predictors")]
    groups = fitted.whole("n_trees_per_iteration_")
    trees = []
    for number, members in enumerate(rounds):
        if len(members) != groups:
            raise fitted.contradicts(f"round {number} has {len(members)} trees, not {groups}")
        trees += [_predictor(fitted.inner(member, f"round {number}")) for member in members]
    base = np.ravel(fitted.array("_baseline_prediction"))
    if len(base) != groups:
        raise fitted.contradicts(f"it starts from {len(base)} numbers for {groups} groups of trees")
    link: Link = "sigmoid" if groups == 1 else "softmax"
    return Model(_together(fitted, trees, base=base, groups=groups, narrow=False), link, "none")


def _predictor(fitted: Fitted) -> _Tree:
    """One TreePredictor of histogram boosting: its nodes say themselves whether they are leaves."""
    nodes = _rows(fitted, "nodes")
    split = "num_threshold" if "num_threshold" in (nodes.dtype.names or ()) else "threshold"  # before categories came
    names = ("value", "feature_idx", split, "missing_go_to_left", "left", "right", "is_leaf")
    value, feature, threshold, missing, left, right, leaf = (_field(fitted, nodes, name) for name in names)
    inner = leaf == 0
    if "is_categorical" in (nodes.dtype.names or ()) and (nodes["is_categorical"][inner] != 0).any():
        raise fitted.unknown("it splits by categories")
    return _Tree(
        np.where(inner, left.astype(np.int64), -1),  # uint32 would take −1 for its largest number
        np.where(inner, right.astype(np.int64), -1),
        np.where(inner, feature.astype(np.int64), 0),
        np.where(inner, threshold, 0.0),
        missing.astype(bool),
        value.astype(np.float64)[:, None],
    )


def _shares_of(fitted: Fitted, width: int) -> _Tree:
    """A tree of classes: its leaves' weights over their sum, as predict_proba gives them in each version."""
    tree = _nodes_of(fitted.within("tree_"))
    if tree.values.shape[1] != width:
        raise fitted.contradicts(f"a tree answers for {tree.values.shape[1]} classes, the model for {width}")
    if _keeps_shares(fitted.version):
        return tree
    sums = tree.values.sum(axis=1, keepdims=True)
    return replace(tree, values=tree.values / np.where(sums == 0, 1, sums))


def _keeps_shares(version: str) -> bool:
    """Since 1.3 a leaf holds shares of its classes, since 1.4 predict_proba leaves them as they are."""
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers.group(1)), int(numbers.group(2))) >= SHARES_SINCE


def _nodes_of(tree: Fitted) -> _Tree:
    """scikit-learn's own Tree: rows of named numbers, and N × outputs × V values."""
    nodes = _rows(tree, "nodes")
    left, right = (_field(tree, nodes, name).astype(np.int64) for name in ("left_child", "right_child"))
    inner = left >= 0
    missing = np.zeros(len(left), bool)
    if "missing_go_to_left" in (nodes.dtype.names or ()):
        missing = nodes["missing_go_to_left"] != 0
    values = tree.array("values", ndim=3)
    if len(values) != len(left) or values.shape[1] != 1:
        raise tree.unknown("it answers several questions at once")
    return _Tree(
        np.where(inner, left, -1),
        np.where(inner, right, -1),
        np.where(inner, _field(tree, nodes, "feature").astype(np.int64), 0),
        np.where(inner, _field(tree, nodes, "threshold"), 0.0).astype(np.float64),
        np.asarray(missing),
        values[:, 0, :],
    )


def _rows(fitted: Fitted, name: str) -> np.ndarray:
    rows = find_array(fitted.value(name))
    if rows is None or rows.ndim != 1 or not rows.dtype.names or not len(rows):
        raise fitted.unknown(f"{name} is no table of nodes")
    return rows


def _field(fitted: Fitted, rows: np.ndarray, name: str) -> np.ndarray:
    if name not in (rows.dtype.names or ()) or rows.dtype[name].kind not in "biuf":
        raise fitted.unknown(f"its nodes have no {name}")
    return np.ascontiguousarray(rows[name])


def _together(
    fitted: Fitted, trees: list[_Tree], base: Doubles, *, groups: int = 1, divisor: float = 1.0, narrow: bool = True
) -> Trees:
    """One Trees of all. RefusalError where a tree is none: its children must lie behind their parent and within it."""
    if not trees or len(trees) % groups:
        raise fitted.contradicts(f"it has {len(trees)} trees for {groups} groups")
    sizes = [len(tree.left) for tree in trees]
    if sum(sizes) > MAX_NODES:
        raise fitted.unknown(f"it has {sum(sizes)} nodes; at most {MAX_NODES} are taken")
    features = fitted.whole("n_features_in_", "n_features_")
    for number, tree in enumerate(trees):
        _check_tree(fitted, number, tree, features)
    return Trees(
        starts=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        left=np.concatenate([tree.left for tree in trees]),
        right=np.concatenate([tree.right for tree in trees]),
        feature=np.concatenate([tree.feature for tree in trees]),
        threshold=np.concatenate([tree.threshold for tree in trees]),
        missing_left=np.concatenate([tree.missing_left for tree in trees]),
        values=np.concatenate([tree.values for tree in trees]),
        base=base,
        groups=groups,
        divisor=divisor,
        narrow=narrow,
    )


def _check_tree(fitted: Fitted, number: int, tree: _Tree, features: int) -> None:
    inner = np.flatnonzero(tree.left >= 0)
    for child in (tree.left[inner], tree.right[inner]):
        if (child <= inner).any() or (child >= len(tree.left)).any():
            raise fitted.contradicts(f"tree {number} leads back or out of itself")
    if (tree.feature < 0).any() or (tree.feature[inner] >= features).any():
        raise fitted.contradicts(f"tree {number} asks for a feature beyond {features}")
    if np.isnan(tree.threshold).any() or not np.isfinite(tree.values).all():
        raise fitted.contradicts(f"tree {number} has NaN or infinite numbers")


TREES: dict[str, Callable[[Fitted], Part]] = {
    "DecisionTreeClassifier": _decision_tree,
    "ExtraTreeClassifier": _decision_tree,
    "RandomForestClassifier": _forest,
    "ExtraTreesClassifier": _forest,
    "GradientBoostingClassifier": _gradient_boosting,
    "HistGradientBoostingClassifier": _histogram_boosting,
}
