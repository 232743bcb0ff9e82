"""LayerGraph → ONNX model: walks the calls, lets each layer's function add its operations, carries masks."""

from dataclasses import dataclass, replace
from typing import Any

from convert.errors import ContradictionError
from convert.graph.activations import find_activation
from convert.graph.builder import MAX_INPUT_ELEMENTS, Builder, Value
from convert.graph.layer_graph import Call, LayerGraph, Ref, Shape
from convert.graph.layers import LAYERS
from convert.graph.masks import carries

_IDENTITIES = {"Dropout", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization", "Identity"}


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX model with the shapes of its outputs, and what its first output ends in ("softmax", "linear", …)."""

    model: Any
    output_names: tuple[str, ...]
    output_shapes: tuple[Shape, ...]
    output_activation: str


def export(graph: LayerGraph) -> Exported:
    """The graph as an ONNX model. Raises RefusalError where a layer or one of its settings has no conversion."""
    builder = Builder()
    made: dict[str, list[Value]] = {one.name: [Value(one.name, one.shape)] for one in graph.inputs}
    for name, (value,) in made.items():
        builder.check_size(value, f"The input {name}", MAX_INPUT_ELEMENTS)
    for call in graph.calls:
        made[call.name] = _convert(call, _inputs(call, made, builder), builder)
    values = [_value(made, ref, None) for ref in graph.outputs]
    taken = {one.name for one in graph.inputs}
    names = _output_names(graph, taken)
    model = builder.model(graph.name, graph.inputs, list(zip(names, values, strict=True)))
    return Exported(model, tuple(names), tuple(value.shape for value in values), _find_output_activation(graph))


def _convert(call: Call, inputs: list[Value], builder: Builder) -> list[Value]:
    layer = call.layer
    with builder.scope(call.name):
        try:
            outputs = LAYERS[layer.kind](layer, inputs, builder)
        except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
            raise ContradictionError(
                f"The layer {call.name} ({layer.kind}) has settings or weights that do not fit: {error!r}.",
                "The file is damaged, or a case that this converter does not know.",
            ) from error
        if inputs and carries(layer.kind, layer.keras):
            outputs = [replace(value, mask=inputs[0].mask) for value in outputs]
        for value in outputs:
            builder.check_size(value, call.name)
    return outputs


def _inputs(call: Call, made: dict[str, list[Value]], builder: Builder) -> list[Value]:
    """What the call reads, with the masks that it gives itself in place of those carried."""
    inputs = [_value(made, ref, call) for ref in call.inputs]
    for index, ref in enumerate(call.masks[: len(inputs)]):
        if ref is not None:
            with builder.scope(call.name):
                inputs[index] = replace(inputs[index], mask=builder.cast(_value(made, ref, call).name, "bool"))
    return inputs


def _value(made: dict[str, list[Value]], ref: Ref, call: Call | None) -> Value:
    values = made[ref.call]
    if ref.index >= len(values):
        reader = call.name if call else "the model"
        raise ContradictionError(f"{reader} reads output {ref.index} of {ref.call}, which has {len(values)}.", "")
    return values[ref.index]


def _output_names(graph: LayerGraph, taken: set[str]) -> list[str]:
    names: list[str] = []
    for ref in graph.outputs:
        base = ref.call.rsplit("/", 1)[-1].replace("#", "_") + (f"_{ref.index}" if ref.index else "")
        name = base
        while name in taken:
            name += "_out"
        taken.add(name)
        names.append(name)
    return names


def _find_output_activation(graph: LayerGraph) -> str:
    """The activation that the first output ends in, looking through layers that change nothing."""
    calls = {call.name: call for call in graph.calls}
    call = calls.get(graph.outputs[0].call)
    while call is not None and call.layer.kind in _IDENTITIES and call.inputs:
        call = calls.get(call.inputs[0].call)
    if call is None:
        return "linear"
    if call.layer.kind == "Softmax":
        return "softmax"
    if call.layer.kind in ("Dense", "Activation", "Conv1D", "Conv2D"):
        return find_activation(call.layer.config.get("activation"), call.name).name
    return "linear"
