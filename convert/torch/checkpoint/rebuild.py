"""The few functions that a checkpoint's tensors are rebuilt with, restated as arithmetic on records."""

from convert.errors import SAVE_AGAIN, ContradictionError, UnsafeError
from convert.pickles.builders import build_first, build_list
from convert.pickles.interpreter import Dialect
from convert.pickles.trust import refuse_call
from convert.pickles.values import Args, Builder, Global, StandIn, Value
from convert.torch.checkpoint.values import DTYPES, QUANTIZED_STORAGES, STORAGES, Storage, StoredTensor, is_count

MAX_DIMENSIONS = 8
_DTYPE_OF_NAME = {name: code for code, (name, _) in DTYPES.items()}
LOAD_FROM_BYTES = "torch.storage._load_from_bytes"
"""How pickle.dump writes a storage: as the bytes of a file of its own."""
_RESAVE = "Where you trust the file, save its weights alone: `torch.save(model.state_dict(), 'weights.pt')`."


def declare_storage(kind: Value, key: str, length: Value, offset: int = 0) -> Storage:
    """The storage that a persistent id declares; unreadable element types are kept as such."""
    name = kind.name if isinstance(kind, Global) else str(kind)
    if not is_count(length) or not is_count(offset):
        raise ContradictionError(f"The file declares a storage of {length!r} elements.", SAVE_AGAIN)
    if name in ("UntypedStorage", "_UntypedStorage"):
        return Storage(key, None, length, offset)
    if name in STORAGES:
        return Storage(key, STORAGES[name], length, offset)
    return Storage(key, None, length, offset, refused=name)


def _tensor(args: Args) -> Value:
    storage, offset, shape, strides = args[:4]
    if not isinstance(storage, Storage):
        raise ContradictionError("The file rebuilds a tensor from something that is no storage.", SAVE_AGAIN)
    if storage.refused is not None:
        kind = "quantized" if storage.refused in QUANTIZED_STORAGES else "unread"
        return StandIn(Global("torch", f"{kind}.{storage.refused}"), (tuple(shape),))
    return _declared(storage, storage.dtype or "U8", offset, shape, strides)


def _typed_tensor(args: Args) -> Value:
    storage, offset, shape, strides, _, _, dtype = args[:7]
    if not isinstance(storage, Storage):
        raise ContradictionError("The file rebuilds a tensor from something that is no storage.", SAVE_AGAIN)
    code = _DTYPE_OF_NAME.get(dtype.name) if isinstance(dtype, Global) else None
    if code is None:
        return StandIn(Global("torch", f"unread.{dtype}"), (tuple(shape),))
    return _declared(storage, code, offset, shape, strides)


def _declared(storage: Storage, dtype: str, offset: Value, shape: Value, strides: Value) -> StoredTensor:
    sizes = shape.args[0] if isinstance(shape, StandIn) and shape.args else shape
    lists = [tuple(value) if isinstance(value, list | tuple) else None for value in (sizes, strides)]
    if None in lists or not is_count(offset):
        raise ContradictionError("The file declares a tensor without sizes or strides.", SAVE_AGAIN)
    dimensions, steps = lists
    assert dimensions is not None and steps is not None  # noqa: S101, PT018 - said above, for the type checker
    if len(dimensions) != len(steps) or len(dimensions) > MAX_DIMENSIONS:
        raise ContradictionError(f"The file declares a tensor of {len(dimensions)} dimensions.", SAVE_AGAIN)
    if not all(is_count(value) for value in (*dimensions, *steps)):
        raise ContradictionError(f"The file declares a tensor of sizes {dimensions} and strides {steps}.", SAVE_AGAIN)
    return StoredTensor(storage, dtype, offset, dimensions, steps)


def _quantized(args: Args) -> Value:
    return StandIn(Global("torch", "quantized.tensor"), (tuple(args[2]) if len(args) > 2 else (),))


def _by_type(args: Args) -> Value:
    """`_rebuild_from_type_v2(function, type, args, state)`: a tensor subclass; the tensor under it is what counts."""
    function, _, inner = args[:3]
    builder = _BUILDERS.get(str(function)) if isinstance(function, Global) else None
    if builder is None:
        raise refuse_call(str(function), _RESAVE)
    return builder(inner)


def refuse_nested(_: Args) -> Value:
    """Refuse a pickle inside a pickle: always UnsafeError."""
    raise UnsafeError(
        "The file holds a pickle inside a pickle (torch.load or torch.storage._load_from_bytes).",
        "Save the weights with `torch.save(model.state_dict(), 'weights.pt')` instead of `pickle.dump`.",
    )


_BUILDERS: dict[str, Builder] = {
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _typed_tensor,
    "torch._utils._rebuild_qtensor": _quantized,
    "torch._utils._rebuild_parameter": build_first,
    "torch._utils._rebuild_parameter_with_state": build_first,
    "torch.nn.parameter.Parameter": build_first,
    "torch.nn.parameter.Buffer": build_first,
    "torch._tensor._rebuild_from_type_v2": _by_type,
    "torch._tensor._rebuild_from_type": _by_type,
    "torch.Size": lambda args: tuple(build_list(args)),
    "torch.device": lambda args: ":".join(str(part) for part in args),
    "torch.jit._pickle.build_intlist": build_list,
    "torch.jit._pickle.build_tensorlist": build_list,
    "torch.jit._pickle.build_doublelist": build_list,
    "torch.jit._pickle.build_boollist": build_list,
    "torch.jit._pickle.restore_type_tag": build_first,
    LOAD_FROM_BYTES: refuse_nested,
    "torch.load": refuse_nested,
    "torch.serialization.load": refuse_nested,
}

CHECKPOINT = Dialect(
    advice=_RESAVE,
    builders=_BUILDERS,
    functions={
        "torch": frozenset({"device", "dtype"}),
        "torch.jit._pickle": frozenset({"build_intlist", "build_tensorlist", "build_doublelist", "build_boollist"}),
    },
)
"""What the pickles of PyTorch's files hold beside plain data; all files of one kind have it."""
