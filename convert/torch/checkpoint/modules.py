"""Whole modules saved as objects, flattened to the names that their state_dict would have had."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from convert.errors import RefusalError
from convert.pickles.values import StandIn, Value
from convert.torch.checkpoint.arrays import unread
from convert.torch.checkpoint.values import StoredTensor

MAX_DEPTH = 64
SCRIPT = "__torch__"
_EXPORT_ONNX = "Convert the checkpoint that it was made from with --int8, or export ONNX where it was made."


@dataclass(slots=True)
class Flat:
    """tensors: the network's, by name; refused: name → why a tensor cannot be read."""

    tensors: dict[str, StoredTensor] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def is_module(value: Value) -> bool:
    """Whether a stand-in has a module's attributes: PyTorch's own dicts, or a TorchScript class."""
    if not isinstance(value, StandIn):
        return False
    return {"_parameters", "_modules"} <= value.attributes().keys() or value.of.module.split(".", 1)[0] == SCRIPT


def flatten(root: StandIn) -> Flat:
    """The module's tensors under their attribute names, in the order of its state_dict."""
    flat = Flat()
    for name, value in _walk(root, "", 0, set()):
        add(flat, name, value)
    return flat


def add(flat: Flat, name: str, value: Value) -> None:
    """Put a value where it belongs: a tensor, a tensor that cannot be read, or nothing."""
    if isinstance(value, StoredTensor):
        flat.tensors[name] = value
    elif isinstance(value, StandIn):
        kind = "quantized" if _is_packed(value) else unread(value)
        if kind is not None:
            flat.refused[name] = kind


def check_readable(flat: Flat) -> None:
    """Raise RefusalError where a tensor is quantized or of a type that is not read."""
    for name, kind in flat.refused.items():
        if kind == "quantized":
            raise RefusalError(f"The file is quantized: {name} holds packed or quantized weights.", _EXPORT_ONNX)
        raise RefusalError(f"Tensor {name} has an element type that is not read here.", "Save it as float32.")


def _walk(module: StandIn, prefix: str, depth: int, above: set[int]) -> Iterator[tuple[str, Value]]:
    if depth > MAX_DEPTH or id(module) in above:
        raise RefusalError(f"The module at {prefix or 'the root'} contains itself.", "The file is no network.")
    attributes = module.attributes()
    if "_parameters" not in attributes:
        yield from _walk_script(attributes, prefix, depth, above | {id(module)})
        return
    hidden = _dict_of(attributes.get("_non_persistent_buffers_set"))
    for group in ("_parameters", "_buffers"):
        for name, value in _dict_of(attributes.get(group)).items():
            if name not in hidden:
                yield prefix + str(name), value
    for name, child in _dict_of(attributes.get("_modules")).items():
        if isinstance(child, StandIn):
            yield from _walk(child, f"{prefix}{name}.", depth + 1, above | {id(module)})


def _walk_script(attributes: dict[str, Value], prefix: str, depth: int, above: set[int]) -> Iterator[tuple[str, Value]]:
    for name, value in attributes.items():
        if isinstance(value, StandIn) and value.of.module.split(".", 1)[0] == SCRIPT:
            if _is_packed(value):
                yield prefix + name, value
            else:
                yield from _walk(value, f"{prefix}{name}.", depth + 1, above)
        else:
            yield prefix + name, value


def _is_packed(value: StandIn) -> bool:
    """Quantized weights in TorchScript are objects of PyTorch's own classes (`…PackedParamsBase`), not tensors."""
    return value.of.module.startswith(f"{SCRIPT}.torch.classes.")


def _dict_of(value: Value) -> dict[Value, Value]:
    if isinstance(value, dict):
        return value
    if isinstance(value, set | list | tuple):
        return dict.fromkeys(item for item in value if isinstance(item, str))
    return value.entries if isinstance(value, StandIn) else {}
