"""What torch.save wrote until 1.5: several pickles one after another, then the storages' numbers in one row."""

import mmap
import struct
from collections.abc import Callable

from convert.errors import RefusalError
from convert.pickles.interpreter import PickleInterpreter
from convert.pickles.values import Value
from convert.torch.checkpoint.rebuild import CHECKPOINT, declare_storage
from convert.torch.checkpoint.values import DTYPES, Storage, is_count

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL = 1001
_LENGTH = struct.Struct("<q")
_DAMAGED = "Download or copy the file again."
_WEIGHTS = "Save the weights with `torch.save(model.state_dict(), 'weights.pt')`."

Read = tuple[Value, Callable[[Storage], memoryview], dict[str, int]]


def read(data: mmap.mmap) -> Read:
    """(value, bytes of a storage, stand-ins) of a legacy file."""
    if PickleInterpreter(data, CHECKPOINT, "the first pickle").run() != MAGIC:
        raise RefusalError("The file is a plain pickle, not a PyTorch checkpoint.", _WEIGHTS)
    if PickleInterpreter(data, CHECKPOINT, "the protocol's number").run() != PROTOCOL:
        raise RefusalError("The file has an unknown version of PyTorch's format.", _WEIGHTS)
    system = PickleInterpreter(data, CHECKPOINT, "the system's description").run()
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise RefusalError("The file was saved on a big-endian machine.", "Load and save it on a common one.")
    declared: dict[str, Storage] = {}
    interpreter = PickleInterpreter(
        data, CHECKPOINT, "the checkpoint's pickle", lambda reference: _resolved(reference, declared)
    )
    value = interpreter.run()
    keys = PickleInterpreter(data, CHECKPOINT, "the list of storages").run()
    places = _places(data, keys, declared)
    whole = memoryview(data)

    def bytes_of(storage: Storage) -> memoryview:
        if storage.key not in places:
            raise RefusalError(f"The numbers of storage {storage.key} are not in the file.", _DAMAGED)
        start, size = places[storage.key]
        return whole[start : start + size]

    return value, bytes_of, interpreter.stand_ins


def _resolved(reference: Value, declared: dict[str, Storage]) -> Value:
    if isinstance(reference, tuple) and len(reference) == 4 and reference[0] == "module":
        return reference[1]  # a class with its source beside it: the source stays text and is dropped
    if not isinstance(reference, tuple) or len(reference) < 5 or reference[0] != "storage":
        raise RefusalError(f"The file refers to {str(reference)[:100]!r}, which is no storage.", _DAMAGED)
    _, kind, key, _, length, *view = reference
    if not isinstance(key, str | int):
        raise RefusalError("The file refers to a storage without a key.", _DAMAGED)
    whole = declare_storage(kind, str(key), length)
    declared.setdefault(str(key), whole)
    if not view or view[0] is None:
        return whole
    _, offset, count = view[0]
    return declare_storage(kind, str(key), count, offset)


def _places(data: mmap.mmap, keys: Value, declared: dict[str, Storage]) -> dict[str, tuple[int, int]]:
    """Storage → (first byte, bytes), in the order of the list; each begins with its number of elements."""
    if not isinstance(keys, list):
        raise RefusalError("The list of storages is no list.", _DAMAGED)
    places: dict[str, tuple[int, int]] = {}
    place = data.tell()
    for key in keys:
        storage = declared.get(str(key))
        if storage is None:
            raise RefusalError(f"The file has numbers for an unknown storage {str(key)[:50]!r}.", _DAMAGED)
        head = data[place : place + _LENGTH.size]
        if len(head) < _LENGTH.size:
            raise RefusalError(f"The file ends before storage {key}.", _DAMAGED)
        (length,) = _LENGTH.unpack(head)
        size = _element_bytes(storage)
        if not is_count(length) or place + _LENGTH.size + length * size > len(data):
            raise RefusalError(f"Storage {key} declares {length} elements, beyond the end of the file.", _DAMAGED)
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
