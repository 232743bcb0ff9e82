"""The few functions that a checkpoint's tensors and containers are rebuilt with, restated as arithmetic on records."""

from collections.abc import Callable

from convert.errors import RefusalError
from convert.torch.checkpoint.trust import refused_call
from convert.torch.checkpoint.values import (
    DTYPES,
    QUANTISED_STORAGES,
    STORAGES,
    Global,
    StandIn,
    Storage,
    StoredTensor,
    Value,
)

MAX_DIMENSIONS = 8
_DTYPE_OF_NAME = {name: code for code, (name, _) in DTYPES.items()}
Args = tuple[Value, ...]


def rebuilt(callee: Global, args: Args) -> tuple[bool, Value]:
    """(True, value) where the callable is known here, else (False, None)."""
    name = str(callee)
    if name in ("torch.storage._load_from_bytes", "torch.load", "torch.serialization.load"):
        raise RefusalError(
            f"The file holds a pickle inside a pickle ({name}).",
            "Save the weights with `torch.save(model.state_dict(), 'weights.pt')` instead of `pickle.dump`.",
        )
    function = _KNOWN.get(name)
    if function is None:
        return False, None
    return True, function(args)


def storage_of(kind: Value, key: str, length: Value, offset: int = 0) -> Storage:
    """The storage that a persistent id declares; unreadable element types are kept as such."""
    name = kind.name if isinstance(kind, Global) else str(kind)
    if not is_count(length) or not is_count(offset):
        raise RefusalError(f"The file declares a storage of {length!r} elements.", "The file is damaged.")
    if name in ("UntypedStorage", "_UntypedStorage"):
        return Storage(key, None, length, offset)
    if name in STORAGES:
        return Storage(key, STORAGES[name], length, offset)
    return Storage(key, None, length, offset, refused=name)


def is_count(value: Value) -> bool:
    """Whether this is an integer ≥ 0 (True is not a number here)."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62


def _tensor(args: Args) -> Value:
    storage, offset, shape, strides = args[:4]
    if not isinstance(storage, Storage):
        raise RefusalError("The file rebuilds a tensor from something that is no storage.", "The file is damaged.")
    if storage.refused is not None:
        kind = "quantised" if storage.refused in QUANTISED_STORAGES else "unread"
        return StandIn(Global("torch", f"{kind}.{storage.refused}"), (tuple(shape),))
    return _declared(storage, storage.dtype or "U8", offset, shape, strides)


def _typed_tensor(args: Args) -> Value:
    storage, offset, shape, strides, _, _, dtype = args[:7]
    if not isinstance(storage, Storage):
        raise RefusalError("The file rebuilds a tensor from something that is no storage.", "The file is damaged.")
    code = _DTYPE_OF_NAME.get(dtype.name) if isinstance(dtype, Global) else None
    if code is None:
        return StandIn(Global("torch", f"unread.{dtype}"), (tuple(shape),))
    return _declared(storage, code, offset, shape, strides)


def _declared(storage: Storage, dtype: str, offset: Value, shape: Value, strides: Value) -> StoredTensor:
    sizes = shape.args[0] if isinstance(shape, StandIn) and shape.args else shape
    lists = [tuple(value) if isinstance(value, list | tuple) else None for value in (sizes, strides)]
    if None in lists or not is_count(offset):
        raise RefusalError("The file declares a tensor without sizes or strides.", "The file is damaged.")
    dimensions, steps = lists
    assert dimensions is not None and steps is not None  # noqa: S101, PT018 - said above, for the type checker
    if len(dimensions) != len(steps) or len(dimensions) > MAX_DIMENSIONS:
        raise RefusalError(f"The file declares a tensor of {len(dimensions)} dimensions.", "The file is damaged.")
    if not all(is_count(value) for value in (*dimensions, *steps)):
        raise RefusalError(f"The file declares a tensor of sizes {dimensions} and strides {steps}.", "It is damaged.")
    return StoredTensor(storage, dtype, offset, dimensions, steps)


def _quantised(args: Args) -> Value:
    return StandIn(Global("torch", "quantised.tensor"), (tuple(args[2]) if len(args) > 2 else (),))


def _first(args: Args) -> Value:
    return args[0]


def _by_type(args: Args) -> Value:
    """`_rebuild_from_type_v2(function, type, args, state)`: a tensor subclass; the tensor under it is what counts."""
    function, _, inner = args[:3]
    known, value = rebuilt(function, inner) if isinstance(function, Global) else (False, None)
    if not known:
        raise refused_call(str(function))
    return value


def _ordered(args: Args) -> Value:
    return _mapping(args[0]) if args else {}


def _mapping(source: Value) -> Value:
    if isinstance(source, dict):
        return dict(source)
    return {key: value for key, value in source if isinstance(key, str | int | float | bool | None)}


def _sequence(args: Args) -> list[Value]:
    return list(args[0]) if args and isinstance(args[0], list | tuple | set | frozenset) else []


def _encoded(args: Args) -> Value:
    """Bytes as protocol 2 of Python 3 spells them: text in Latin-1."""
    text, encoding = (*args, "utf-8")[:2]
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1", "utf-8", "ascii"):
        raise refused_call("_codecs.encode with another encoding")
    return text.encode(encoding)


_KNOWN: dict[str, Callable[[Args], Value]] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _typed_tensor,
    "torch._utils._rebuild_qtensor": _quantised,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch.nn.parameter.Parameter": _first,
    "torch.nn.parameter.Buffer": _first,
    "torch._tensor._rebuild_from_type_v2": _by_type,
    "torch._tensor._rebuild_from_type": _by_type,
    "torch.Size": lambda args: tuple(_sequence(args)),
    "torch.device": lambda args: ":".join(str(part) for part in args),
    "torch.jit._pickle.build_intlist": _sequence,
    "torch.jit._pickle.build_tensorlist": _sequence,
    "torch.jit._pickle.build_doublelist": _sequence,
    "torch.jit._pickle.build_boollist": _sequence,
    "collections.OrderedDict": _ordered,
    "collections.Counter": _ordered,
    "collections.defaultdict": lambda args: _ordered(args[1:]),
    "collections.deque": _sequence,
    "builtins.list": _sequence,
    "builtins.dict": _ordered,
    "builtins.set": _sequence,
    "builtins.frozenset": _sequence,
    "builtins.tuple": lambda args: tuple(_sequence(args)),
    "__builtin__.list": _sequence,
    "__builtin__.dict": _ordered,
    "__builtin__.set": _sequence,
    "__builtin__.frozenset": _sequence,
    "_codecs.encode": _encoded,
    "pathlib.PosixPath": lambda args: "/".join(str(part) for part in args),
    "pathlib._local.PosixPath": lambda args: "/".join(str(part) for part in args),
}
