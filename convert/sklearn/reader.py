"""The isolated task `sklearn`: an untrusted pickle or joblib file → the parts of its classifier, checked."""

from pathlib import Path
from typing import Any

import numpy as np

from convert.errors import SAVE_AGAIN, ContradictionError, RefusalError
from convert.pickles.values import shown
from convert.sklearn.arrays import find_names
from convert.sklearn.bundle import Bundle, find_model
from convert.sklearn.estimators import KNOWN, read_classifier, read_transform
from convert.sklearn.estimators.wrappers import classes_of, features_of
from convert.sklearn.fitted import Fitted
from convert.sklearn.parts import Chain, Part, Trees, gives_probabilities, walk
from convert.sklearn.pickled import read_pickle
from convert.sklearn.reference import probabilities
from convert.sklearn.saved import count_numbers, write_part
from convert.unpack import unpacked

MAX_FEATURES = 100_000
_FIRST_OPCODES = (b"\x80", b"(", b"c", b"]", b"}", b")")
"""What pickles begin with; below protocol 2 nothing says that one is."""
_PYTORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The number that torch.save of before 1.6 begins with."""
MAX_CLASSES = 2_000
_SINGLE_TREES = ("DecisionTreeClassifier", "ExtraTreeClassifier")


def run(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The child's task: read the file at `path`, leave the parts' arrays in `folder`, and return what is known."""
    path = Path(request["path"])
    value, counts = read_pickle(_content(path), path.name)
    bundle = find_model(value, path.name)
    part, features, assumed = _model_of(bundle)
    names, how = _names(bundle)
    _check_whole(part, features, len(names))
    return {
        "part": write_part(part, folder),
        "features": features,
        "parameters": count_numbers(part),
        "classes": list(names),
        "classes_from": how,
        "version": _version(bundle.classifier),
        "kinds": _kinds(counts, part),
        "probabilities": gives_probabilities(part),
        "feature_names": _feature_names(bundle.classifier),
        "notes": list(bundle.notes),
        "assumed": assumed,
    }


def _content(path: Path) -> bytes:
    content = unpacked(path)
    if content.startswith(_PYTORCH):
        raise RefusalError(f"{path.name} is a PyTorch file.", "Use `python -m convert torch`.")
    if content[:1] not in _FIRST_OPCODES:
        raise RefusalError(f"{path.name} is no pickle: it begins with {content[:8]!r}.", "Is it the right file?")
    return content


def _model_of(bundle: Bundle) -> tuple[Part, int, list[str]]:
    """(the model, how many features it takes, what is assumed): a step beside the model is taken to come before it."""
    part, features = read_classifier(bundle.classifier), features_of(bundle.classifier)
    if not bundle.steps:
        return part, features, []
    if len(bundle.steps) > 1:
        kinds = ", ".join(step.kind for step in bundle.steps)
        raise RefusalError(
            f"With the model lie {kinds}; their order is not in the file.",
            "Save them as one: make_pipeline(…, model).",
        )
    step = bundle.steps[0]
    said = f"steps: the {step.kind} that lies beside the model in the file comes before it"
    return Chain((read_transform(step),), part), features_of(step), [said]


def _names(bundle: Bundle) -> tuple[tuple[str, ...], str]:
    """(names in the order of the outputs, where they are from): numbers may be places in an encoder's list."""
    classes = classes_of(bundle.classifier)
    if not 2 <= len(classes) <= MAX_CLASSES:
        raise RefusalError(f"The model knows {len(classes)} classes.", "A classifier tells two or more apart.")
    if bundle.encoder is None or not all(name.isdigit() for name in classes):
        return classes, "classes_"
    places = [int(name) for name in classes]
    if max(places) >= len(bundle.encoder):
        raise ContradictionError(
            f"The model knows the class {max(places)}, the labels beside it are {len(bundle.encoder)}.",
            "Save the model with the labels that it was trained with.",
        )
    return tuple(bundle.encoder[place] for place in places), "the labels beside the model, by classes_"


def _check_whole(part: Part, features: int, width: int) -> None:
    """Run a row through, so that parts of unequal sizes are found here. RefusalError."""
    if not 1 <= features <= MAX_FEATURES:
        raise RefusalError(f"The model takes {features} numbers.", "No model of this service does.")
    try:
        with np.errstate(all="ignore"):
            shape = probabilities(part, np.zeros((2, features))).shape
    except (ValueError, IndexError) as error:
        raise ContradictionError(f"The model's parts do not fit each other ({error}).", SAVE_AGAIN) from None
    if shape != (2, width):
        raise ContradictionError(f"The model answers {shape[1]} numbers for {width} classes.", SAVE_AGAIN)


def _version(fitted: Fitted) -> str:
    return fitted.version or "of a version that the file does not name"


def _kinds(counts: dict[str, int], part: Part) -> dict[str, int]:
    """How many estimators of each kind the file holds, and how many trees the model has."""
    own = {name.rsplit(".", 1)[-1]: count for name, count in counts.items() if name.startswith("sklearn.")}
    kinds = {name: count for name, count in own.items() if name in KNOWN and name not in _SINGLE_TREES}
    trees = sum(len(one.starts) - 1 for one in walk(part) if isinstance(one, Trees))
    return {**(kinds or {"DecisionTreeClassifier": 1}), **({"tree": trees} if trees else {})}


def _feature_names(fitted: Fitted) -> list[str]:
    names = find_names(fitted.attributes.get("feature_names_in_"))
    return [shown(name) for name in names or ()]
