"""What torch.save wrote before 0.1.10: a tar file of `storages`, `tensors` and the pickle that refers to them."""

import io
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

from convert.errors import RefusalError
from convert.pickles.interpreter import PickleInterpreter
from convert.pickles.values import Global, Value
from convert.torch.checkpoint.rebuild import CHECKPOINT, MAX_DIMENSIONS, declare_storage
from convert.torch.checkpoint.values import DTYPES, STORAGES, Storage, StoredTensor, is_count

MEMBERS = ("storages", "tensors", "pickle")
MAX_MEMBERS = 16
MAX_COUNT = 1_000_000
_LONG = struct.Struct("<q")
_INT = struct.Struct("<i")
_DAMAGED = "Download or copy the file again."

Read = tuple[Value, Callable[[Storage], memoryview], dict[str, int]]


def looks_like(path: Path) -> bool:
    """Whether a file is a tar file, also one without the usual mark."""
    try:
        with tarfile.open(path, "r:") as archive:
            return archive.next() is not None
    except (tarfile.TarError, OSError, ValueError):
        return False


def read(path: Path) -> Read:
    """(value, bytes of a storage, stand-ins) of a tar file."""
    members = _members(path)
    storages, numbers = _storages(io.BytesIO(members["storages"]))
    tensors = _tensors(io.BytesIO(members["tensors"]), storages)

    def resolved(reference: Value) -> Value:
        key = str(reference)
        found: StoredTensor | Storage | None = tensors.get(key) or storages.get(key)
        if found is None:
            raise RefusalError(f"The pickle refers to an unknown tensor {key[:50]!r}.", _DAMAGED)
        return found

    interpreter = PickleInterpreter(io.BytesIO(members["pickle"]), CHECKPOINT, "the checkpoint's pickle", resolved)
    value = interpreter.run()
    return value, lambda storage: numbers[storage.key], interpreter.stand_ins


def _members(path: Path) -> dict[str, bytes]:
    """The three members' bytes. Only plain members of just these names are read; nothing is unpacked to disk."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(path, "r:") as archive:
            for count, member in enumerate(archive):
                if count >= MAX_MEMBERS:
                    raise RefusalError(f"The tar file has more than {MAX_MEMBERS} members.", "It is no checkpoint.")
                name = member.name.removeprefix("./")
                if member.issparse() or not (member.isreg() or member.isdir()):
                    raise RefusalError(
                        f"The tar member {name!r} is a link, device or sparse.", "No checkpoint has such."
                    )
                if name not in MEMBERS:
                    continue
                file = archive.extractfile(member)
                data = file.read() if file is not None else b""
                if len(data) != member.size:
                    raise RefusalError(f"The tar member {name} is cut off.", _DAMAGED)
                found[name] = data
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise RefusalError(f"The tar file is damaged: {error}.", _DAMAGED) from None
    if len(found) != len(MEMBERS):
        raise RefusalError(
            f"The tar file holds no PyTorch checkpoint (it lacks {sorted(set(MEMBERS) - set(found))}).",
            "If it is a folder of files, unpack it and name the model file.",
        )
    return found


def _storages(stream: io.BytesIO) -> tuple[dict[str, Storage], dict[str, memoryview]]:
    whole = stream.getbuffer()
    storages: dict[str, Storage] = {}
    numbers: dict[str, memoryview] = {}
    for _ in range(_count(stream, "storages")):
        key, _, kind = _triple(PickleInterpreter(stream, CHECKPOINT, "a storage's description").run())
        name = kind.name if isinstance(kind, Global) else str(kind)
        if name not in STORAGES:
            raise RefusalError(f"The file holds a {name}, which is not read here.", "Save the weights as float32.")
        length = _number(stream, _LONG)
        size = DTYPES[STORAGES[name]][1]
        start = stream.tell()
        if not is_count(length) or start + length * size > len(whole):
            raise RefusalError(f"Storage {key} declares {length} elements, beyond the end of the file.", _DAMAGED)
        storages[str(key)] = declare_storage(kind, str(key), length)
        numbers[str(key)] = whole[start : start + length * size]
        stream.seek(start + length * size)
    views = PickleInterpreter(stream, CHECKPOINT, "the list of storage views").run()
    for view in views if isinstance(views, list) else []:
        target, root, offset, length = view
        base = storages.get(str(root))
        if base is None or not is_count(offset) or not is_count(length):
            raise RefusalError("A storage view refers to nothing.", _DAMAGED)
        storages[str(target)] = Storage(str(root), base.dtype, length, offset)
    return storages, numbers


def _tensors(stream: io.BytesIO, storages: dict[str, Storage]) -> dict[str, StoredTensor]:
    tensors: dict[str, StoredTensor] = {}
    for _ in range(_count(stream, "tensors")):
        key, storage_key, _ = _triple(PickleInterpreter(stream, CHECKPOINT, "a tensor's description").run())
        storage = storages.get(str(storage_key))
        if storage is None or storage.dtype is None:
            raise RefusalError(f"Tensor {key} lies in an unknown storage.", _DAMAGED)
        dimensions = _number(stream, _INT)
        if not 0 <= dimensions <= MAX_DIMENSIONS:
            raise RefusalError(f"Tensor {key} declares {dimensions} dimensions.", _DAMAGED)
        _number(stream, _INT)
        shape = tuple(_number(stream, _LONG) for _ in range(dimensions))
        strides = tuple(_number(stream, _LONG) for _ in range(dimensions))
        offset = _number(stream, _LONG)
        if not all(is_count(value) for value in (*shape, *strides, offset)):
            raise RefusalError(f"Tensor {key} declares negative sizes, strides or an offset.", _DAMAGED)
        tensors[str(key)] = StoredTensor(storage, storage.dtype, offset, shape, strides)
    return tensors


def _count(stream: io.BytesIO, what: str) -> int:
    count = PickleInterpreter(stream, CHECKPOINT, f"the number of {what}").run()
    if not is_count(count) or count > MAX_COUNT:
        raise RefusalError(f"The file declares {str(count)[:40]} {what}.", _DAMAGED)
    return int(count)


def _triple(value: Value) -> tuple[Value, Value, Value]:
    if not isinstance(value, tuple) or len(value) != 3:
        raise RefusalError("A description in the tar file has not three parts.", _DAMAGED)
    return value


def _number(stream: io.BytesIO, kind: struct.Struct) -> int:
    data = stream.read(kind.size)
    if len(data) < kind.size:
        raise RefusalError("The tar file's numbers are cut off.", _DAMAGED)
    return int(kind.unpack(data)[0])
