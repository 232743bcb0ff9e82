"""ConvLSTM: the recurrence written out step by step, as ONNX has no operator of it and loops are not served."""

from dataclasses import dataclass

from convert.errors import RefusalError
from convert.graph.activations import Activation, find_activation
from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Layer, Shape
from convert.graph.layers import layer
from convert.graph.layers.activation import activate
from convert.graph.layers.convolution import channels_first, convolve, filters_first, from_first, to_first
from convert.graph.layers.core import known
from convert.graph.windows import compute_padding

MAX_STEPS = 512
"""Steps that are written out: each is a dozen operations."""


@dataclass(frozen=True, slots=True)
class _Cell:
    """What every step needs: the recurrent convolution's weights and padding, and both functions."""

    one: Layer
    kernel: str
    pads: list[int]
    inner: Activation
    gate: Activation

    def advance(self, g: Builder, taken: str, state: tuple[str, str] | None) -> tuple[str, str]:
        """The next (output, carry) from what the input's convolution gives for a step; None: both were zero."""
        name, keras = self.one.name, self.one.keras
        if state is not None:
            taken = g.op("Add", taken, g.op("Conv", state[0], self.kernel, pads=self.pads))
        into, forget, candidate, out = g.ops("Split", [taken], 4, axis=1)
        carry = g.op("Mul", activate(g, into, self.gate, name, keras), activate(g, candidate, self.inner, name, keras))
        if state is not None:
            carry = g.op("Add", g.op("Mul", activate(g, forget, self.gate, name, keras), state[1]), carry)
        shown = g.op("Mul", activate(g, out, self.gate, name, keras), activate(g, carry, self.inner, name, keras))
        return shown, carry


@layer("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
def conv_lstm(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """batch × time × spatial × channels; further inputs are the initial states."""
    x = inputs[0]
    steps = _count_steps(one, x)
    place = known(one, x.shape[2:])
    folded = to_first(g, one, Value(g.reshape(x.name, -1, *place), (None, *place)))
    kernel = one.weights["kernel"]
    if len(place) != kernel.ndim - 1 or folded.at(1) != kernel.shape[-2]:
        raise ValueError(f"the kernel is {kernel.shape}, the input is {x.shape}")
    taken = convolve(g, one, folded, filters_first(kernel), 1)
    cell = _make_cell(g, one, known(one, taken.shape[2:]))
    by_step = g.reshape(taken.name, -1, steps, *known(one, taken.shape[1:]))
    parts = g.ops("Split", [by_step], steps, axis=1) if steps > 1 else [by_step]
    if one.config.get("go_backwards"):
        parts.reverse()
    state = _read_initial(g, one, inputs[1:])
    outputs = []
    for part in parts:
        state = cell.advance(g, g.op("Squeeze", part, g.ints(1)), state)
        outputs.append(state[0])
    shape: Shape = (x.shape[0], kernel.shape[-1] // 4, *taken.shape[2:])
    last = [from_first(g, one, Value(name, shape)) for name in state or ()]
    states = last if one.config.get("return_state") else []
    if not one.config.get("return_sequences"):
        return [last[0], *states]
    return [_stack(g, one, outputs, shape), *states]


def _count_steps(one: Layer, x: Value) -> int:
    if x.mask is not None:
        raise RefusalError(f"{one.name} is a {one.kind} with a mask, which is not converted.", "Leave out the Masking.")
    [steps] = known(one, x.shape[1:2])
    if steps > MAX_STEPS:
        raise RefusalError(
            f"{one.name} is a {one.kind} over {steps} steps; {MAX_STEPS} at most are written out.",
            "Export the model as ONNX.",
        )
    return steps


def _make_cell(g: Builder, one: Layer, sizes: tuple[int, ...]) -> _Cell:
    """The recurrent convolution keeps the size: stride 1, "same"."""
    kernel = one.weights["recurrent_kernel"]
    pairs = [compute_padding(size, length, 1, 1, "same") for size, length in zip(sizes, kernel.shape[:-2], strict=True)]
    around = [pair for pair in pairs if pair is not None]
    return _Cell(
        one,
        g.weight(filters_first(kernel), "recurrent_kernel", kernel),
        [before for before, _ in around] + [after for _, after in around],
        find_activation(one.config.get("activation", "tanh"), one.name),
        find_activation(one.config.get("recurrent_activation", "sigmoid"), one.name),
    )


def _read_initial(g: Builder, one: Layer, given: list[Value]) -> tuple[str, str] | None:
    if not given:
        return None
    output, carry = (to_first(g, one, value).name for value in given)
    return output, carry


def _stack(g: Builder, one: Layer, outputs: list[str], shape: Shape) -> Value:
    """The outputs of all steps along a time axis, in the layer's own order of axes."""
    name = g.op("Concat", *[g.op("Unsqueeze", output, g.ints(1)) for output in outputs], axis=1)
    rank = len(shape) - 2
    if channels_first(one):
        return Value(name, (shape[0], len(outputs), *shape[1:]))
    perm = [0, 1, *range(3, 3 + rank), 2]
    return Value(g.op("Transpose", name, perm=perm), (shape[0], len(outputs), *shape[2:], shape[1]))
