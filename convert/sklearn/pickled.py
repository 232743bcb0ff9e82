"""A pickle of scikit-learn's or joblib's as inert records, with joblib's arrays taken from behind their wrappers."""

import io

from convert.errors import RefusalError
from convert.numpy_values import Array, Objects, array_of, built_array, checked_shape, dtype_of, objects_of
from convert.torch import trust
from convert.torch.machine import Machine
from convert.torch.values import Global, StandIn, Value

_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_OLD_WRAPPERS = frozenset({"NDArrayWrapper", "ZNDArrayWrapper"})
_ROOTS = frozenset({"sklearn", "scipy", "joblib", "numpy"})
"""Packages whose names become records without being asked about: nothing of them is ever called."""
_ONE_FILE = "Save it again with a joblib of 2016 or later: joblib.dump(model, 'model.joblib')."


def read_pickle(content: bytes, what: str) -> tuple[Value, dict[str, int]]:
    """What the pickle describes, and how many objects of each class. RefusalError where it would run code."""
    machine = _Pickled(io.BytesIO(content), what)
    return machine.run(), machine.stand_ins


class _Pickled(Machine):
    def __init__(self, stream: io.BytesIO, what: str) -> None:
        super().__init__(stream, what=what)
        self._source = stream

    def _check_call(self, callee: Global) -> None:
        if callee.module.split(".", 1)[0] not in _ROOTS:
            trust.check_call(callee)

    def _completed(self, stand_in: StandIn) -> Value:
        if (stand_in.of.module, stand_in.of.name) == _WRAPPER:
            return self._array_behind(stand_in.attributes())
        if stand_in.of.name in _OLD_WRAPPERS:
            raise RefusalError("The file keeps its arrays in other files beside it.", _ONE_FILE)
        return stand_in

    def _array_behind(self, declared: dict[str, Value]) -> Array | Objects:
        """The array whose bytes follow in the stream, after padding that says its own length."""
        shape, dtype = checked_shape(declared.get("shape")), dtype_of(declared.get("dtype"))
        if isinstance(dtype, str):
            inner = _Pickled(self._source, self._what).run()
            found = array_of(inner)
            return found if isinstance(found, Objects) else objects_of(shape, found.ravel().tolist())
        if declared.get("numpy_array_alignment_bytes") is not None:
            padding = self._source.read(1)
            self._source.read(padding[0] if padding else 0)
        count = dtype.itemsize
        for size in shape:
            count *= size
        if count > self._source.getbuffer().nbytes - self._source.tell():
            raise RefusalError(f"{self._what} is cut off inside an array.", "Copy or download the file again.")
        return built_array(shape, dtype, self._source.read(count), declared.get("order"))
