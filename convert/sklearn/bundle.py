"""What lies in a file beside the model: authors pickle dicts and tuples of a classifier, its scaler and its labels."""

from dataclasses import dataclass

from convert.errors import RefusalError
from convert.pickles.values import StandIn, Value, shown
from convert.sklearn.arrays import find_items, find_names, find_plain
from convert.sklearn.estimators import is_classifier, is_transform
from convert.sklearn.fitted import Fitted

MODEL_KEYS = ("model", "clf", "classifier", "estimator", "pipeline", "best_model", "rf", "svm", "knn")
LABEL_KEYS = (
    "labels",
    "classes",
    "class_names",
    "label_names",
    "labels_dict",
    "label_map",
    "label_to_index",
    "index_to_label",
)
MAX_ENTRIES = 10_000
_ENCODERS = ("LabelEncoder", "LabelBinarizer")
_ELSEWHERE = {
    "xgboost": "Load it where it was trained: model.save_model('model.ubj'), then `python -m convert xgboost`.",
    "lightgbm": "Export it as ONNX where it was trained (onnxmltools), then `python -m convert onnx`.",
    "catboost": "model.save_model('model.onnx', format='onnx'), then `python -m convert onnx`.",
    "keras": "model.save('model.keras'), then `python -m convert keras`.",
    "tensorflow": "model.save('model.keras'), then `python -m convert keras`.",
    "torch": "torch.save(model.state_dict(), 'model.pt'), then `python -m convert torch`.",
}
"""What to do with pickled models of other packages."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """classifier, the steps that lie beside it, the names that its classes stand for, and what else is in the file."""

    classifier: Fitted
    steps: tuple[Fitted, ...]
    encoder: tuple[str, ...] | None
    notes: tuple[str, ...]


def find_model(value: Value, file: str) -> Bundle:
    """The one classifier in a file, and what lies beside it. RefusalError where there is none, or more than one."""
    entries = _entries(value)
    objects = {name: Fitted(item.of, item.attributes(), name) for name, item in entries if isinstance(item, StandIn)}
    classifiers = {name: one for name, one in objects.items() if is_classifier(one)}
    if not classifiers:
        raise _without_model(file, value, objects)
    named = [name for key in MODEL_KEYS for name in classifiers if name.lower() == key]
    if len(classifiers) > 1 and not named:
        raise RefusalError(
            f"{file} holds {len(classifiers)} classifiers: {', '.join(map(shown, classifiers))}.",
            "Save the one that is meant: pickle.dump({'model': model}, file).",
        )
    chosen = named[0] if named else next(iter(classifiers))
    rest = [name for name, _ in entries if name != chosen]
    steps = tuple(
        one for name, one in objects.items() if name != chosen and is_transform(one) and not is_classifier(one)
    )
    encoder = next((one.classes() for one in objects.values() if one.kind in _ENCODERS), None)
    return Bundle(classifiers[chosen], steps, encoder or _listed(entries), _notes(rest))


def _entries(value: Value) -> list[tuple[str, Value]]:
    if isinstance(value, dict):
        return [(str(name), item) for name, item in list(value.items())[:MAX_ENTRIES]]
    if isinstance(value, list | tuple):
        return [(f"entry {place}", item) for place, item in enumerate(value[:MAX_ENTRIES])]
    return [("the model", value)]


def _listed(entries: list[tuple[str, Value]]) -> tuple[str, ...] | None:
    """Names that an entry lists in order: a list, name → index, or index → name."""
    for name, item in entries:
        if name.lower() in LABEL_KEYS:
            found = label_names(item)
            if found:
                return found
    return None


def label_names(item: Value) -> tuple[str, ...] | None:
    """Names in order from an array or a list of them, or from a dict of name → index or index → name; else None."""
    if not isinstance(item, dict):
        items = [find_plain(one) for one in find_items(item) or ()]
        return find_names(item) if items and all(isinstance(one, str | int) for one in items) else None
    pairs = [(find_plain(key), find_plain(value)) for key, value in item.items()]
    if all(isinstance(index, int) for _, index in pairs):
        pairs = [(index, name) for name, index in pairs]
    if not pairs or not all(str(index).isdigit() and isinstance(name, str) for index, name in pairs):
        return None
    ordered = sorted((int(index), name) for index, name in pairs)
    return tuple(name for _, name in ordered) if [index for index, _ in ordered] == list(range(len(ordered))) else None


def _notes(rest: list[str]) -> tuple[str, ...]:
    return (f"beside the model the file holds {', '.join(shown(name) for name in rest[:12])}",) if rest else ()


def _without_model(file: str, value: Value, objects: dict[str, Fitted]) -> RefusalError:
    if any(one.kind in _ENCODERS for one in objects.values()):
        return RefusalError(f"{file} holds labels, no model.", f"Give it beside one: --labels {file}.")
    for one in objects.values():
        root = one.of.module.split(".", 1)[0]
        if root in _ELSEWHERE:
            return RefusalError(f"{file} holds {shown(one.of)}, which is not read from a pickle.", _ELSEWHERE[root])
    if objects:
        found = ", ".join(shown(one.of) for one in list(objects.values())[:8])
        return RefusalError(
            f"{file} holds {found}, which is no classifier that is known to us.",
            "`python -m convert list` names those that are. Others: ONNX by skl2onnx, then `python -m convert onnx`.",
        )
    keys = f"a dict with {', '.join(shown(name) for name in list(value)[:8])}" if isinstance(value, dict) else ""
    return RefusalError(
        f"{file} holds no model: it is {keys or f'a {type(value).__name__}'}.",
        "Pickle the fitted classifier, or {'model': classifier}.",
    )
