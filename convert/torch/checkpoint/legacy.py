"""What torch.save wrote until 1.5: several pickles one after another, then the storages' numbers in one row."""

import io
import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from convert.errors import SAVE_AGAIN, ContradictionError, DamagedError, RefusalError
from convert.pickles.interpreter import PickleInterpreter, Stream
from convert.pickles.values import Args, Value
from convert.torch.checkpoint.rebuild import CHECKPOINT, LOAD_FROM_BYTES, declare_storage, refuse_nested
from convert.torch.checkpoint.values import DTYPES, Storage, is_count

MAGIC = 0x1950A86A20F9469CFC6C
_MAGIC_BYTES = MAGIC.to_bytes(10, "little")
_MAGIC_WITHIN = 32
PROTOCOL = 1001
_LENGTH = struct.Struct("<q")
_DAMAGED = "Download or copy the file again."
_WEIGHTS = "Save the weights with `torch.save(model.state_dict(), 'weights.pt')`."

Read = tuple[Value, Callable[[Storage], memoryview], dict[str, int]]


class Seekable(Stream, Protocol):
    """A stream that says where it is."""

    def tell(self) -> int: ...


def begins_with_magic(head: bytes) -> bool:
    """Whether these first bytes begin such a file, whatever the protocol of its pickles."""
    return _MAGIC_BYTES in head[:_MAGIC_WITHIN]


def read(stream: Seekable, whole: memoryview) -> Read:
    """(value, bytes of a storage, stand-ins) of a legacy file. stream: at its start; whole: all of it."""
    if PickleInterpreter(stream, CHECKPOINT, "the first pickle").run() != MAGIC:
        raise RefusalError("The file is a plain pickle, not a PyTorch checkpoint.", _WEIGHTS)
    if PickleInterpreter(stream, CHECKPOINT, "the protocol's number").run() != PROTOCOL:
        raise RefusalError("The file has an unknown version of PyTorch's format.", _WEIGHTS)
    system = PickleInterpreter(stream, CHECKPOINT, "the system's description").run()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise RefusalError("The file was saved on a big-endian machine.", "Load and save it on a common one.")
    declared: dict[str, Storage] = {}
    interpreter = PickleInterpreter(
        stream, CHECKPOINT, "the checkpoint's pickle", lambda reference: _resolved(reference, declared)
    )
    value = interpreter.run()
    keys = PickleInterpreter(stream, CHECKPOINT, "the list of storages").run()
    places = _places(whole, stream.tell(), keys, declared)

    def bytes_of(storage: Storage) -> memoryview:
        if storage.key not in places:
            raise DamagedError(f"The numbers of storage {storage.key} are not in the file.", _DAMAGED)
        start, size = places[storage.key]
        return whole[start : start + size]

    return value, bytes_of, interpreter.stand_ins


def read_pickle(stream: Stream) -> Read:
    """The same of a plain pickle of tensors, each of which holds its storage's file as bytes (`pickle.dump`)."""
    interpreter = PickleInterpreter(stream, _PICKLE, "the pickle")
    value = interpreter.run()

    def bytes_of(storage: Storage) -> memoryview:
        raise RefusalError(f"The numbers of storage {storage.key} are not in the file.", _DAMAGED)

    return value, bytes_of, interpreter.stand_ins


def _resolved(reference: Value, declared: dict[str, Storage]) -> Value:
    if isinstance(reference, tuple) and len(reference) == 4 and reference[0] == "module":
        return reference[1]  # a class with its source beside it: the source stays text and is dropped
    if not isinstance(reference, tuple) or len(reference) < 5 or reference[0] != "storage":
        raise ContradictionError(f"The file refers to {str(reference)[:100]!r}, which is no storage.", SAVE_AGAIN)
    _, kind, key, _, length, *view = reference
    if not isinstance(key, str | int):
        raise ContradictionError("The file refers to a storage without a key.", SAVE_AGAIN)
    whole = declare_storage(kind, str(key), length)
    declared.setdefault(str(key), whole)
    if not view or view[0] is None:
        return whole
    _, offset, count = view[0]
    return declare_storage(kind, str(key), count, offset)


def _places(data: memoryview, place: int, keys: Value, declared: dict[str, Storage]) -> dict[str, tuple[int, int]]:
    """Storage → (first byte, bytes), in the order of the list; each begins with its number of elements."""
    if not isinstance(keys, list):
        raise ContradictionError("The list of storages is no list.", SAVE_AGAIN)
    places: dict[str, tuple[int, int]] = {}
    for key in keys:
        storage = declared.get(str(key))
        if storage is None:
            raise ContradictionError(f"The file has numbers for an unknown storage {str(key)[:50]!r}.", SAVE_AGAIN)
        head = data[place : place + _LENGTH.size]
        if len(head) < _LENGTH.size:
            raise DamagedError(f"The file ends before storage {key}.", _DAMAGED)
        (length,) = _LENGTH.unpack(head)
        size = _element_bytes(storage)
        if not is_count(length) or place + _LENGTH.size + length * size > len(data):
            raise DamagedError(f"Storage {key} declares {length} elements, beyond the end of the file.", _DAMAGED)
        places[str(key)] = (place + _LENGTH.size, length * size)
        place += _LENGTH.size + length * size
    return places


def _element_bytes(storage: Storage) -> int:
    if storage.refused is None:
        return 1 if storage.dtype is None else DTYPES[storage.dtype][1]
    known = {"ComplexFloatStorage": 8, "ComplexDoubleStorage": 16, "QInt8Storage": 1, "QUInt8Storage": 1}
    known["QInt32Storage"] = 4
    if storage.refused not in known:
        raise RefusalError(f"The file holds a {storage.refused}, which is not read here.", _WEIGHTS)
    return known[storage.refused]


def _load_storage(args: Args) -> Value:
    """A storage that pickle.dump wrote: the bytes of a file with nothing but it, read as such a file is."""
    data = args[0]
    if not isinstance(data, bytes) or not begins_with_magic(data):
        return refuse_nested(args)
    storage, bytes_of, _ = read(io.BytesIO(data), memoryview(data))
    if not isinstance(storage, Storage):
        return refuse_nested(args)
    return replace(storage, held=bytes_of(storage))


_PICKLE = replace(CHECKPOINT, builders={**CHECKPOINT.builders, LOAD_FROM_BYTES: _load_storage})
"""What pickle.dump writes: storages as bytes, which hold no further ones."""
