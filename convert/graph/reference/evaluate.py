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


class SharedEvaluation:
    """Evaluates many chains of calls on the same inputs; what begins alike is computed once."""

    def __init__(self, inputs: list[Array], most: int = 4000) -> None:
        self._inputs = inputs
        self._most = most
        self._known: dict[str, list[Datum]] = {}

    def evaluate(self, graph: LayerGraph) -> list[Array]:
        """The outputs of a graph whose layers are told apart by their names, settings and what they read."""
        made = {
            one.name: [Datum(values.astype(np.float64))] for one, values in zip(graph.inputs, self._inputs, strict=True)
        }
        keys = {one.name: one.name for one in graph.inputs}
        with np.errstate(all="ignore"):
            for call in graph.calls:
                read = ",".join(f"{keys[ref.call]}:{ref.index}" for ref in call.reads)
                settings = [(one.name, one.kind, one.config, one.arguments) for one in call.layer.walk()]
                key = f"({read})|{settings}"
                if key not in self._known:
                    if len(self._known) >= self._most:
                        self._known.clear()
                    given = _given(call, made)
                    outputs = REFERENCES[call.layer.kind](call.layer, given)
                    if carries(call.layer.kind, call.layer.keras):
                        outputs = [replace(one, mask=given[0].mask) for one in outputs]
                    self._known[key] = outputs
                made[call.name], keys[call.name] = self._known[key], key
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
