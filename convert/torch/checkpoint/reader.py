"""The isolated task `torch`: an untrusted file → its network's tensors (as safetensors) and what it says of itself."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from convert.errors import RefusalError
from convert.pickles.plain_data import as_json
from convert.pickles.values import StandIn, Value, shown
from convert.torch.checkpoint import arrays, safetensors
from convert.torch.checkpoint.containers import Opened, open_container, sniff
from convert.torch.checkpoint.modules import Flat, add, check_readable, flatten, is_module
from convert.torch.checkpoint.values import StoredTensor

TENSORS_FILE = "tensors.safetensors"
STATE_KEYS = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "module",
    "params",
    "ema",
    "model_ema",
    "state_dict_ema",
)
"""Where trainers keep the weights, by preference: Lightning, tutorials, PyTorchVideo's zoo, timm and others."""
HYPER_PARAMETERS = ("hyper_parameters", "datamodule_hyper_parameters", "hparams", "args", "config", "cfg")
LABEL_KEYS = ("class_names", "classes", "labels", "label_to_idx", "idx_to_label", "class_to_idx", "model_name")
_SAVE_STATE = "Save the weights with `torch.save(model.state_dict(), 'weights.pt')`."


def run(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Read `request["path"]`; leave the tensors in the folder and return everything else that is known of it."""
    path = Path(request["path"])
    if sniff(path) == "safetensors":
        return _read_safetensors(path, folder)
    with ExitStack() as stack:
        opened = open_container(path, stack)
        found, flat = find_state(opened)
        check_readable(flat)
        if not flat.tensors:
            raise RefusalError("The file holds no weights.", _SAVE_STATE)
        non_finite = _write(flat.tensors, opened, path.stat().st_size, folder)
        return {
            "container": opened.kind,
            "framework": _framework(opened),
            "found_at": shown(found),
            "notes": [*opened.notes, *_notes(opened)],
            "stand_ins": {shown(name): count for name, count in sorted(opened.stand_ins.items())},
            "other_keys": _other_keys(opened.value, found),
            "hyper_parameters": _hyper_parameters(opened.value),
            "non_finite": non_finite,
        }


def find_state(opened: Opened) -> tuple[str, Flat]:
    """(where the weights lie, the weights). The first of the usual places that holds tensors or a module."""
    value = opened.value
    if isinstance(value, StandIn):
        if not is_module(value):
            raise RefusalError(f"The file holds a {shown(value.of)}, which is no network.", _SAVE_STATE)
        return f"module {value.of.name}", flatten(value)
    if isinstance(value, StoredTensor):
        raise RefusalError("The file holds a single tensor.", _SAVE_STATE)
    if not isinstance(value, dict):
        raise RefusalError(f"The file holds a {type(value).__name__}, not a network's weights.", _SAVE_STATE)
    flat = _named_tensors(value)
    if len(flat.tensors) + len(flat.refused) > len(value) // 2:
        return "", flat
    for key in (*STATE_KEYS, *(key for key in value if key not in STATE_KEYS)):
        inner = value.get(key)
        flat = flatten(inner) if isinstance(inner, StandIn) and is_module(inner) else _named_tensors(inner)
        if flat.tensors or flat.refused:
            return str(key), flat
    raise RefusalError(f"The file's entries {[shown(key) for key in list(value)[:8]]} hold no weights.", _SAVE_STATE)


def _named_tensors(value: Value) -> Flat:
    flat = Flat()
    if isinstance(value, StandIn):
        value = value.entries
    if isinstance(value, dict):
        for name, item in value.items():
            if isinstance(name, str):
                add(flat, name, item)
    return flat


def _write(tensors: Mapping[str, StoredTensor], opened: Opened, size: int, folder: Path) -> list[str]:
    non_finite: list[str] = []

    def watched() -> Iterator[tuple[str, arrays.Array]]:
        _check_names(tensors)
        for name, values in arrays.arrays(tensors, opened.bytes_of, size):
            if not arrays.is_finite(values):
                non_finite.append(name)
            yield name, values

    safetensors.write(folder / TENSORS_FILE, watched(), folder / f"{TENSORS_FILE}.part")
    return non_finite


def _read_safetensors(path: Path, folder: Path) -> dict[str, Any]:
    tensors, metadata = safetensors.read(path)
    if not tensors:
        raise RefusalError("The file holds no weights.", _SAVE_STATE)
    _check_names(tensors)
    safetensors.write(folder / TENSORS_FILE, tensors.items(), folder / f"{TENSORS_FILE}.part")
    return {
        "container": "safetensors",
        "framework": "safetensors",
        "found_at": "",
        "notes": [],
        "stand_ins": {},
        "other_keys": [],
        "hyper_parameters": {"metadata": as_json(metadata)} if metadata else {},
        "non_finite": [name for name, values in tensors.items() if not arrays.is_finite(values)],
    }


def _check_names(tensors: Iterable[str]) -> None:
    for name in tensors:
        if shown(name) != name or name == safetensors.METADATA:
            raise RefusalError(f"A tensor is called {shown(name)!r}, which is no parameter's name.", _SAVE_STATE)


def _framework(opened: Opened) -> str:
    value = opened.value
    version = value.get("pytorch-lightning_version") if isinstance(value, dict) else None
    return f"lightning {shown(version)}" if isinstance(version, str) else f"pytorch ({opened.kind})"


def _hyper_parameters(value: Value) -> dict[str, Any]:
    """The groups of hyper-parameters by their name; names of classes at the top go under ``."""
    if not isinstance(value, dict):
        return {}
    groups = {key: as_json(value[key]) for key in HYPER_PARAMETERS if key in value}
    found = {key: group for key, group in groups.items() if isinstance(group, dict)}
    top = {key: as_json(value[key]) for key in LABEL_KEYS if key in value}
    return {**found, **({"": top} if top else {})}


def _other_keys(value: Value, found: str) -> list[str]:
    if not isinstance(value, dict) or not found:
        return []
    return [shown(key) for key in list(value)[:100] if key != found]


def _notes(opened: Opened) -> list[str]:
    if not opened.stand_ins or opened.kind == "torchscript":
        return []
    names = sorted(shown(name) for name in opened.stand_ins)
    listed = ", ".join(names[:6]) + (" …" if len(names) > 6 else "")
    return [f"Objects of {len(names)} classes were recorded, none was imported: {listed}."]
