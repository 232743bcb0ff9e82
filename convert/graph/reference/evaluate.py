"""Runs a LayerGraph in NumPy."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from convert.graph.layer_graph import Array, Call, LayerGraph, Ref
from convert.graph.masks import carries
from convert.graph.reference import REFERENCES, Datum


def evaluate(graph: LayerGraph, inputs: list[Array], dtype: npt.DTypeLike = np.float64) -> list[Array]:
    """The model's outputs, computed in the given precision."""
    made: dict[str, list[Datum]] = {
        one.name: [Datum(values.astype(dtype))] for one, values in zip(graph.inputs, inputs, strict=True)
    }
    last_use = {ref.call: index for index, call in enumerate(graph.calls) for ref in call.reads}
    last_use |= {ref.call: len(graph.calls) for ref in graph.outputs}
    with np.errstate(all="ignore"):  # a fully masked mean is 0/0 in Keras too
        for index, call in enumerate(graph.calls):
            given = _given(call, made)
            outputs = REFERENCES[call.layer.kind](call.layer, given)
            if carries(call.layer.kind, call.layer.keras):
                outputs = [replace(one, mask=given[0].mask) for one in outputs]
            made[call.name] = outputs
            for name in {ref.call for ref in call.reads if last_use[ref.call] == index}:
                del made[name]
    return [_datum(made, ref).values for ref in graph.outputs]


def _given(call: Call, made: dict[str, list[Datum]]) -> list[Datum]:
    """What the call reads, with the masks that it gives itself."""
    given = [_datum(made, ref) for ref in call.inputs]
    for index, ref in enumerate(call.masks[: len(given)]):
        if ref is not None:
            given[index] = Datum(given[index].values, _datum(made, ref).values != 0)
    return given


def _datum(made: dict[str, list[Datum]], ref: Ref) -> Datum:
    return made[ref.call][ref.index]
