"""The isolated task `xgboost`: an untrusted .json or .ubj → a checked Forest. Nothing of XGBoost is used."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from convert.errors import RefusalError
from convert.plain import Json
from convert.xgboost.forest import About, Floats, Forest, Whole
from convert.xgboost.objectives import find_objective
from convert.xgboost.ubjson import parse

MAX_BYTES = 256 << 20
MAX_NODES = 1_000_000
MAX_FEATURES = 10_000
MAX_GROUPS = 1_000

_AGAIN = "Copy or save it again: model.save_model('model.ubj')."
_TRAIN_TREES = "Train with booster='gbtree', or export ONNX where it was made and use `python -m convert onnx`."


def run(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The child's task: read the file at `path` and leave the forest in `folder`."""
    path = Path(request["path"])
    if path.stat().st_size > MAX_BYTES:
        raise RefusalError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB.", "Is it a model?")
    raw = path.read_bytes()
    forest = read_learner(_parsed(raw))
    forest.write(folder)
    return forest.document()


def read_learner(document: Json) -> Forest:
    """The forest in a parsed file. RefusalError names what is missing, unsupported or damaged."""
    learner = _below(document, "learner")
    objective = find_objective(_text(_below(learner, "objective"), "name"))
    model = _trees_of(_below(learner, "gradient_booster"))
    parameters = _below(learner, "learner_model_param")
    features = _whole(parameters, "num_feature", 1, MAX_FEATURES)
    classes = _whole(parameters, "num_class", 0, MAX_GROUPS, 0)
    targets = _whole(parameters, "num_target", 0, MAX_GROUPS, 1)
    groups = max(classes, targets, 1)
    stored = _groups(model, groups)
    kept, notes = _rounds(learner, model, len(stored), groups)
    entries = _listed(model, "trees")[:kept]
    trees = [_tree(entry, number, features) for number, entry in enumerate(entries)]
    nodes = [len(tree["left"]) for tree in trees]
    if sum(nodes) > MAX_NODES:
        raise RefusalError(f"The forest has {sum(nodes)} nodes; {MAX_NODES} are the most.", "Train fewer trees.")
    base = objective.margin(_base_score(parameters, groups))
    if not np.isfinite(base).all():
        raise RefusalError(f"The base score {parameters.get('base_score')!r} does not fit its objective.", _AGAIN)
    names = _listed(learner, "feature_names") if "feature_names" in learner else []
    about = About(
        version=".".join(str(part) for part in _listed(document, "version")[:3]) if "version" in document else "",
        objective=_text(learner["objective"], "name"),
        link=objective.link,
        features=features,
        feature_names=tuple(str(name)[:80] for name in names[:features]),
        notes=notes,
    )
    joined = {name: np.concatenate([tree[name] for tree in trees]) for name in trees[0]}
    starts = np.concatenate([[0], np.cumsum(nodes)]).astype(np.int32)
    return Forest(about, starts, stored[:kept], **joined, base=base)


def _parsed(raw: bytes) -> Json:
    if raw.lstrip()[:1] == b"{" and raw.lstrip()[1:].lstrip()[:1] in (b'"', b"}"):
        try:
            return json.loads(raw, parse_constant=_no_number)
        except (ValueError, UnicodeDecodeError) as error:
            raise RefusalError(f"The file is no JSON, or a truncated one: {str(error)[:200]}.", _AGAIN) from None
    return parse(raw)


def _no_number(name: str) -> NoReturn:
    raise RefusalError(f"The file holds {name}, which is no number.", "Take another model.")


def _trees_of(booster: Json) -> dict[str, Json]:
    name = _text(booster, "name")
    if name != "gbtree":
        what = {"dart": "dropped trees (dart)", "gblinear": "a linear model (gblinear)"}.get(name, repr(name[:40]))
        raise RefusalError(f"The booster is {what}; only trees (gbtree) are known here.", _TRAIN_TREES)
    model = _below(booster, "model")
    if not _listed(model, "trees"):
        raise RefusalError("The file holds no tree.", "Train the model first.")
    return model


def _groups(model: dict[str, Json], groups: int) -> Whole:
    """The number that each tree adds to."""
    stored = _array(model, "tree_info", np.int32)
    if len(stored) != len(_listed(model, "trees")) or ((stored < 0) | (stored >= groups)).any():
        raise RefusalError(f"tree_info does not say for each tree which of {groups} numbers it is for.", _AGAIN)
    return stored


def _rounds(learner: dict[str, Json], model: dict[str, Json], trees: int, groups: int) -> tuple[int, tuple[str, ...]]:
    """(trees that are used, notes): after early stopping, as the API has it that the model was trained with."""
    parallel = _whole(_below(model, "gbtree_model_param"), "num_parallel_tree", 0, MAX_NODES, 1) or 1
    a_round = groups * parallel
    stored = -(-trees // a_round)
    attributes = learner.get("attributes")
    attributes = attributes if isinstance(attributes, dict) else {}
    best = _digits(attributes.get("best_iteration"))
    if best is None or best + 1 >= stored:
        return trees, ()
    if "scikit_learn" not in attributes:
        note = f"the best round was {best + 1} of {stored}; all are used, as Booster.predict does"
        return trees, (note,)
    note = f"early stopping: {best + 1} of {stored} rounds are used, as scikit-learn's predict does"
    return (best + 1) * a_round, (note,)


def _tree(entry: Json, number: int, features: int) -> dict[str, npt.NDArray[Any]]:
    """One tree's arrays, checked: every node is reached once at most, every child and feature is there."""
    where = f"Tree {number}"
    if not isinstance(entry, dict):
        raise RefusalError(f"{where} is no tree.", _AGAIN)
    _refuse_unknown_splits(entry, where)
    left, right = _array(entry, "left_children", np.int32), _array(entry, "right_children", np.int32)
    feature, conditions = _array(entry, "split_indices", np.int32), _array(entry, "split_conditions", np.float32)
    default_left = _array(entry, "default_left", np.bool_)
    if len({len(one) for one in (left, right, feature, conditions, default_left)}) != 1 or not len(left):
        raise RefusalError(f"{where}: its arrays have different lengths.", _AGAIN)
    inner = left >= 0
    if (inner != (right >= 0)).any() or (left >= len(left)).any() or (right >= len(left)).any():
        raise RefusalError(f"{where}: a node's children are not in the tree.", _AGAIN)
    if (
        np.bincount(np.concatenate([left[inner], right[inner]]), minlength=len(left)) > (np.arange(len(left)) > 0)
    ).any():
        raise RefusalError(f"{where}: a node has two parents, or is its own ancestor.", _AGAIN)
    if ((feature < 0) | (feature >= features))[inner].any():
        raise RefusalError(f"{where} splits a feature beyond the {features} of the model.", _AGAIN)
    if not np.isfinite(conditions).all():
        raise RefusalError(f"{where} holds NaN or infinite values.", "Take another model.")
    zero, none = np.float32(0), np.int32(-1)
    order, place = _reached(left, right)
    arrays = {
        "left": np.where(inner, place[left], none),
        "right": np.where(inner, place[right], none),
        "feature": np.where(inner, feature, np.int32(0)),
        "threshold": np.where(inner, conditions, zero),
        "default_left": default_left & inner,
        "leaf": np.where(inner, zero, conditions),
    }
    return {name: values[order] for name, values in arrays.items()}


def _reached(left: Whole, right: Whole) -> tuple[Whole, Whole]:
    """(nodes that a row can reach from the root, level by level; the place of each node among them).

    What a trainer pruned away stays in the arrays, without a way to it.
    """
    levels = [np.zeros(1, np.int32)]
    while len(inner := levels[-1][left[levels[-1]] >= 0]):
        levels.append(np.concatenate([left[inner], right[inner]]))
    order = np.concatenate(levels)
    place = np.full(len(left), -1, np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return order, place


def _refuse_unknown_splits(entry: dict[str, Json], where: str) -> None:
    by_categories = "split_type" in entry and _array(entry, "split_type", np.int32).any()
    if by_categories or ("categories" in entry and len(_listed(entry, "categories"))):
        raise RefusalError(
            f"{where} splits by categories; only numbers are compared here.",
            "Train on the numbers without enable_categorical.",
        )
    if _whole(_below(entry, "tree_param"), "size_leaf_vector", 0, MAX_GROUPS, 1) > 1:
        raise RefusalError(
            f"{where} has several numbers in a leaf (multi_output_tree).",
            "Train with multi_strategy='one_output_per_tree'.",
        )


def _base_score(parameters: dict[str, Json], groups: int) -> Floats:
    """`5E-1` (up to XGBoost 3.0, one for all) or `[4.9E-1,…]` (since 3.1, one a number)."""
    text = _text(parameters, "base_score")
    try:
        scores = np.array([float(part) for part in text.strip().strip("[]").split(",")], np.float32)
    except ValueError:
        raise RefusalError(f"The base score is {text[:60]!r}, no number.", _AGAIN) from None
    if len(scores) not in (1, groups):
        raise RefusalError(f"There are {len(scores)} base scores for {groups} numbers.", _AGAIN)
    return np.broadcast_to(scores, (groups,)).astype(np.float32)


def _below(holder: Json, key: str) -> dict[str, Json]:
    found = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(found, dict):
        raise RefusalError(f"The file has no {key!r} where an XGBoost model has it.", _AGAIN)
    return found


def _text(holder: Json, key: str) -> str:
    found = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(found, str):
        raise RefusalError(f"The file has no text {key!r} where an XGBoost model has it.", _AGAIN)
    return found


def _listed(holder: Json, key: str) -> Sequence[Json]:
    found = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(found, list | np.ndarray):
        raise RefusalError(f"The file has no list {key!r} where an XGBoost model has it.", _AGAIN)
    return list(found)


def _whole(holder: dict[str, Json], key: str, least: int, most: int, default: int | None = None) -> int:
    """A parameter, which XGBoost writes as text."""
    found = holder.get(key)
    if found is None and default is not None:
        return default
    number = _digits(found)
    if number is None or not least <= number <= most:
        raise RefusalError(f"{key} is {str(found)[:40]!r}; a whole number from {least} to {most} is meant.", _AGAIN)
    return number


def _digits(value: Json) -> int | None:
    """A whole number of at most twelve digits; None for anything else."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def _array(holder: Json, key: str, kind: type[np.generic]) -> npt.NDArray[Any]:
    """A list of numbers, as the type that XGBoost keeps them in."""
    try:
        values = np.asarray(_listed(holder, key))
    except ValueError:
        raise RefusalError(f"{key} holds lists of different lengths.", _AGAIN) from None
    if not len(values):
        return np.zeros(0, kind)
    fine = values.ndim == 1 and values.dtype.kind in ("fiub" if kind is np.float32 else "iub")
    if not fine:
        raise RefusalError(f"{key} holds something other than numbers.", _AGAIN)
    with np.errstate(over="ignore"):
        typed = values.astype(kind)
    if kind is np.int32 and (typed != values).any():
        raise RefusalError(f"{key} holds numbers that are too large.", _AGAIN)
    return typed
