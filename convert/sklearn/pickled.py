"""The dialect of scikit-learn's and joblib's pickles: what they record, and the arrays that joblib writes behind."""

import io
import math

import numpy as np

from convert.errors import SAVE_AGAIN, ContradictionError, DamagedError, RefusalError
from convert.pickles.arrays import is_text_sound, read_dtype
from convert.pickles.interpreter import Dialect, PickleInterpreter, Stream
from convert.pickles.values import StandIn, Value, shown

_ARRAY = "joblib.numpy_pickle.NumpyArrayWrapper"
_OLD_ARRAYS = frozenset({"NDArrayWrapper", "ZNDArrayWrapper"})
_AGAIN = "Copy or download the file again."
_MAX_DIMENSIONS = 8
_LOSSES = frozenset(
    f"__pyx_unpickle_Cy{name}"
    for name in ("HalfBinomialLoss", "HalfMultinomialLoss", "ExponentialLoss", "HalfSquaredError", "AbsoluteError",
                 "PinballLoss", "HuberLoss", "HalfPoissonLoss", "HalfGammaLoss", "HalfTweedieLoss",
                 "HalfTweedieLossIdentity")
)  # fmt: skip
_FUNCTIONS = {
    "_loss": _LOSSES,
    "sklearn._loss._loss": _LOSSES,
    "sklearn.metrics._dist_metrics": frozenset({"newObj"}),
    "sklearn.neighbors._ball_tree": frozenset({"newObj"}),
    "sklearn.neighbors._dist_metrics": frozenset({"newObj"}),
    "sklearn.neighbors._kd_tree": frozenset({"newObj"}),
    "numpy.ma.core": frozenset({"_mareconstruct"}),
    "numpy.random.bit_generator": frozenset({"__pyx_unpickle_SeedSequence"}),
}
"""Module → functions that these pickles record; what they stand for is either known to the readers or left alone."""


def read_pickle(content: bytes, what: str) -> tuple[Value, dict[str, int]]:
    """What the pickle describes, and how many objects of each class. RefusalError where it would run code."""
    interpreter = PickleInterpreter(io.BytesIO(content), SKLEARN, what)
    return interpreter.run(), interpreter.stand_ins


def _replace_wrapper(stand_in: StandIn, stream: Stream) -> Value:
    """The array whose bytes follow joblib's wrapper; every other object stays as it is."""
    if stand_in.of.name in _OLD_ARRAYS:
        raise RefusalError(
            "The file keeps its arrays in other files beside it, as joblib did before 2016, which is not known to us.",
            "Load it where it was made and save it again: joblib.dump(model, 'model.joblib').",
        )
    return _read_behind(stand_in.attributes(), stream) if str(stand_in.of) == _ARRAY else stand_in


def _read_behind(declared: dict[str, Value], stream: Stream) -> Value:
    """An array's bytes stand behind padding that says its own length; objects are a pickle of their own."""
    if _holds_objects(declared.get("dtype")):
        return PickleInterpreter(stream, SKLEARN, "an array of objects").run()
    shape, dtype = declared.get("shape"), read_dtype(declared.get("dtype"))
    if dtype is None or not isinstance(shape, tuple) or len(shape) > _MAX_DIMENSIONS:
        raise RefusalError("The file declares an array of a type that is not known to us.", "Numbers and text are.")
    if not all(type(size) is int and 0 <= size < 1 << 40 for size in shape):
        raise RefusalError(f"The file declares an array of the shape {shown(shape)}.", "No model has one.")
    if declared.get("numpy_array_alignment_bytes") is not None:
        padding = stream.read(1)
        stream.read(padding[0] if padding else 0)
    needed = math.prod(shape) * dtype.itemsize
    raw = stream.read(needed)
    if len(raw) != needed:
        raise DamagedError(f"The file is cut off inside an array: {len(raw)} of {needed} bytes are there.", _AGAIN)
    array = np.frombuffer(raw, dtype).reshape(shape, order="F" if declared.get("order") == "F" else "C")
    if not is_text_sound(array):
        raise ContradictionError("The file holds text whose characters are none.", SAVE_AGAIN)
    return array


def _holds_objects(dtype: Value) -> bool:
    return isinstance(dtype, StandIn) and dtype.of.name == "dtype" and dtype.args[:1] in (("O8",), ("O",), ("O4",))


SKLEARN = Dialect(
    advice="A fitted classifier needs no such call: save it alone, pickle.dump({'model': model}, file).",
    functions=_FUNCTIONS,
    built=_replace_wrapper,
)
