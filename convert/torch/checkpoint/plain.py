"""Hyper-parameters as JSON: what is plain stays, what is not is named, and size and depth have a limit."""

import math
from typing import Any

import numpy as np

from convert.torch.checkpoint.values import Global, StandIn, StoredTensor, Value, shown

Json = Any

MAX_NODES = 50_000
MAX_DEPTH = 24
MAX_TEXT = 2_000
_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")


def as_json(value: Value) -> Json:
    """A value that json.dumps takes."""
    return _Writer().written(value, 0)


class _Writer:
    def __init__(self) -> None:
        self._left = MAX_NODES

    def written(self, value: Value, depth: int) -> Json:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            return "…"
        if isinstance(value, dict):
            return {_text(key): self.written(item, depth + 1) for key, item in list(value.items())[:MAX_NODES]}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.written(item, depth + 1) for item in list(value)[:MAX_NODES]]
        if isinstance(value, StandIn):
            inner = _content(value)
            return f"<{shown(value.of)}>" if inner is None else self.written(inner, depth + 1)
        return _scalar(value)


def _scalar(value: Value) -> Json:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else "<large number>"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, StoredTensor):
        return f"<tensor {list(value.shape)}>"
    return f"<{shown(value)}>" if isinstance(value, Global) else f"<{type(value).__name__}>"


def _content(value: StandIn) -> Value:
    """What a recorded object holds, where that is known: NumPy, OmegaConf, namespaces, subclasses of dict and list."""
    number = numpy_value(value)
    if number is not None:
        return number
    if value.entries or value.items:
        return value.entries or value.items
    attributes = value.attributes()
    for name in ("_content", "_val"):  # OmegaConf's containers and values, as Hydra saves them
        if name in attributes:
            return attributes[name]
    return attributes if value.of.name in ("Namespace", "SimpleNamespace") else None


def numpy_value(value: StandIn) -> Json:
    """A NumPy scalar or small array (numbers or text) as plain Python; None where it is neither."""
    if value.of.module in _NUMPY and value.of.name == "scalar" and len(value.args) == 2:
        dtype, raw = _dtype(value.args[0]), value.args[1]
        if dtype is None or not isinstance(raw, bytes) or len(raw) != dtype.itemsize:
            return None
        return np.frombuffer(raw, dtype)[0].item()
    if value.of.module in _NUMPY and value.of.name == "_reconstruct" and isinstance(value.state, tuple):
        return _array(value.state)
    return None


def _array(state: tuple[Value, ...]) -> Json:
    if len(state) != 5 or not isinstance(state[1], tuple) or not all(isinstance(size, int) for size in state[1]):
        return None
    _, shape, declared, fortran, raw = state
    if isinstance(raw, list):  # an array of objects: labels as Python text
        return raw
    dtype = _dtype(declared)
    elements = math.prod(shape)
    if dtype is None or not isinstance(raw, bytes) or elements > MAX_NODES or len(raw) != elements * dtype.itemsize:
        return None
    return np.frombuffer(raw, dtype).reshape(shape, order="F" if fortran else "C").tolist()


def _dtype(value: Value) -> np.dtype[np.generic] | None:
    if not isinstance(value, StandIn) or value.of.name != "dtype" or not value.args:
        return None
    name = value.args[0]
    order = value.state[1] if isinstance(value.state, tuple) and len(value.state) > 1 else "<"
    if not isinstance(name, str) or name[:1] not in "biufU" or not name[1:].isdigit() or len(name) > 8:
        return None
    return np.dtype((">" if order == ">" else "<") + name)


def _text(value: Value) -> str:
    """A text or key, cut and without control or half characters, so that it can be printed and written."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in str(value)[:MAX_TEXT])
