"""Checkpoints made by hand, byte by byte where need be: no torch is installed where these tests run."""

import io
import pickle
import struct
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

CLASSES = {"f4": "FloatStorage", "f8": "DoubleStorage", "f2": "HalfStorage", "i8": "LongStorage", "u1": "ByteStorage"}


@dataclass(eq=False)
class Named:
    """A name that the pickle refers to."""

    module: str
    name: str


@dataclass(eq=False)
class Called:
    """A callable that is called on load (REDUCE), and perhaps given a state (BUILD)."""

    callee: Any
    args: tuple[Any, ...] = ()
    state: Any = None


@dataclass(eq=False)
class Made:
    """An object that is made by its class alone (NEWOBJ) and given a state."""

    of: Named
    state: Any = None


@dataclass(eq=False)
class Persistent:
    """A reference to something outside the pickle."""

    reference: Any


@dataclass(eq=False)
class Raw:
    """Opcodes as they are."""

    code: bytes


class Writer(pickle._Pickler):
    """Python's own pickler that also writes the classes above."""

    write: Callable[[bytes], object]

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if isinstance(obj, Named):
            self.write(b"c" + obj.module.encode() + b"\n" + obj.name.encode() + b"\n")
        elif isinstance(obj, Called):
            self.save(obj.callee)
            self.save(obj.args)
            self.write(b"R")
            self._state(obj.state)
        elif isinstance(obj, Made):
            self.save(obj.of)
            self.write(b")\x81")
            self._state(obj.state)
        elif isinstance(obj, Persistent):
            self.save(obj.reference)
            self.write(b"Q")
        elif isinstance(obj, Raw):
            self.write(obj.code)
        else:
            super().save(obj, save_persistent_id)  # type: ignore[misc] # typeshed has the pickler in C alone

    def _state(self, state: Any) -> None:
        if state is not None:
            self.save(state)
            self.write(b"b")


def pickled(value: Any, protocol: int = 2) -> bytes:
    """The pickle of a value that may hold the classes above."""
    stream = io.BytesIO()
    Writer(stream, protocol).dump(value)
    return stream.getvalue()


class Checkpoint:
    """Collects storages while tensors are declared."""

    def __init__(self) -> None:
        self.storages: list[np.ndarray[Any, Any]] = []

    def tensor(self, values: Any, dtype: str = "f4") -> Called:
        """A tensor of these values in a storage of its own."""
        array = np.asarray(values, dtype)
        steps = tuple(step // array.itemsize for step in array.strides)
        return self.declared(array, 0, array.shape, steps)

    def declared(self, storage: Any, offset: Any, shape: Any, steps: Any) -> Called:
        """A tensor as declared, whatever its storage holds."""
        array = np.asarray(storage)
        self.storages.append(array)
        kind = Named("torch", CLASSES[array.dtype.str[1:]])
        reference = ("storage", kind, str(len(self.storages) - 1), "cpu", array.size)
        args = (Persistent(reference), offset, shape, steps, False, Called(Named("collections", "OrderedDict")))
        return Called(Named("torch._utils", "_rebuild_tensor_v2"), args)

    def zip(self, path: Path, value: Any, root: str = "archive", compression: int = zipfile.ZIP_STORED) -> Path:
        """Write the zip format of torch ≥ 1.6."""
        with zipfile.ZipFile(path, "w", compression) as archive:
            archive.writestr(f"{root}/data.pkl", pickled(value))
            archive.writestr(f"{root}/byteorder", "little")
            for key, storage in enumerate(self.storages):
                archive.writestr(f"{root}/data/{key}", storage.tobytes())
            archive.writestr(f"{root}/version", "3\n")
        return path

    def legacy(self, path: Path, value: Any, little_endian: bool = True) -> Path:
        """Write the format of torch 0.1.10 to 1.5. Each storage's reference gets the empty view that it has there."""
        system = {"protocol_version": 1001, "little_endian": little_endian, "type_sizes": {}}
        content = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps(system, 2)
        content += pickled(value) + pickle.dumps([str(key) for key in range(len(self.storages))], 2)
        for storage in self.storages:
            content += struct.pack("<q", storage.size) + storage.tobytes()
        path.write_bytes(content)
        return path


def tar_checkpoint(path: Path, tensors: dict[str, np.ndarray[Any, Any]], value: Any = None) -> Path:
    """Write the format before torch 0.1.10: a tar file."""
    storages = pickle.dumps(len(tensors), 2)
    described = pickle.dumps(len(tensors), 2)
    for key, array in enumerate(tensors.values()):
        kind = Named("torch", CLASSES[array.dtype.str[1:]])
        storages += pickled((str(100 + key), "cpu", kind)) + struct.pack("<q", array.size) + array.tobytes()
        described += pickled((str(200 + key), str(100 + key), Named("torch", "FloatTensor")))
        steps = tuple(step // array.itemsize for step in array.strides)
        described += struct.pack(f"<ii{2 * array.ndim + 1}q", array.ndim, 0, *array.shape, *steps, 0)
    storages += pickle.dumps([], 2)
    if value is None:
        value = {name: Persistent(200 + key) for key, name in enumerate(tensors)}
    members = {"sys_info": pickle.dumps({}, 2), "storages": storages, "tensors": described, "pickle": pickled(value)}
    with tarfile.open(path, "w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def module(name: str, parameters: dict[str, Any], children: dict[str, Any] | None = None, **more: Any) -> Made:
    """A whole torch.nn module as torch.save(model) leaves it."""
    state = {
        "training": False,
        "_parameters": parameters,
        "_buffers": {},
        "_non_persistent_buffers_set": set(),
        "_modules": children or {},
        **more,
    }
    place, _, short = name.rpartition(".")
    return Made(Named(place, short), state)
