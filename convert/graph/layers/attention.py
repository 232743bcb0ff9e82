"""Attention and MultiHeadAttention, with masks of queries and values, causal ones, and those that a call gives."""

import math

from convert.errors import RefusalError
from convert.graph.arguments import find_entry, find_input
from convert.graph.builder import Builder, Value
from convert.graph.layer_graph import Array, Layer, Shape
from convert.graph.layers import layer

_HIDDEN = -1e9
"""A hidden score. A row without any other gives all places the same weight, as Keras does in float32."""


@layer("Attention")
def attention(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Inputs: queries, values and perhaps keys; a masked query's answer is 0."""
    query, value = inputs[0], inputs[1]
    key = inputs[2] if len(inputs) > 2 else value
    scores = _concat_scores(one, query, key, g) if one.config.get("score_mode") == "concat" else _dot(query, key, g)
    if "scale" in one.weights and one.config.get("score_mode", "dot") == "dot":
        scores = g.op("Mul", scores, g.weight(one.weights["scale"], "scale"))
    causal = bool(one.config.get("causal") or one.arguments.get("use_causal_mask"))
    masks = [] if value.mask is None else [g.op("Unsqueeze", value.mask, g.ints(1))]
    weights = _softmax(scores, masks + ([_causal(query, value, g)] if causal else []), g)
    name = g.op("MatMul", weights, value.name)
    if query.mask is not None:
        name = g.op("Mul", name, g.op("Unsqueeze", g.cast(query.mask, "float"), g.ints(-1)))
    answer = Value(name, (*query.shape[:2], value.shape[-1]), query.mask)
    return [answer, Value(weights, (*query.shape[:2], value.shape[1]))]


def _dot(query: Value, key: Value, g: Builder) -> str:
    if query.rank != 3 or key.rank != 3:
        raise ValueError(f"queries are {query.shape}, keys {key.shape}; batch × time × values is needed")
    return g.op("MatMul", query.name, g.op("Transpose", key.name, perm=[0, 2, 1]))


def _concat_scores(one: Layer, query: Value, key: Value, g: Builder) -> str:
    total = g.op("Add", g.op("Unsqueeze", query.name, g.ints(2)), g.op("Unsqueeze", key.name, g.ints(1)))
    if "scale" in one.weights:
        total = g.op("Mul", total, g.weight(one.weights["scale"], "scale"))
    summed = g.op("ReduceSum", g.op("Tanh", total), g.ints(-1), keepdims=0)
    return g.op("Mul", summed, g.weight(one.weights["concat_score_weight"], "concat_score_weight"))


@layer("MultiHeadAttention")
def multi_head_attention(one: Layer, inputs: list[Value], g: Builder) -> list[Value]:
    """Kernels: values × heads × size, and heads × size × values on the way out."""
    _check_options(one)
    query, value = find_input(one, inputs, 0, "query"), find_input(one, inputs, 1, "value")
    if query is None or value is None or query.rank != 3 or value.rank != 3:
        raise RefusalError(
            f"{one.name} attends over {[one.shape for one in inputs]}; batch × time × values is supported.",
            "Reshape its inputs to sequences.",
        )
    key = find_input(one, inputs, 2, "key") or value
    heads = one.weights["query_kernel"].shape[1]
    names = [
        g.op("Transpose", _projected(one, role, source, g), perm=perm)
        for role, source, perm in (
            ("query", query, [0, 2, 1, 3]), ("key", key, [0, 2, 3, 1]), ("value", value, [0, 2, 1, 3]),
        )
    ]  # fmt: skip
    scale = 1.0 / math.sqrt(one.weights["query_kernel"].shape[2])
    scores = g.op("MatMul", g.op("Mul", names[0], g.number(scale)), names[1])
    masks = _masks(one, inputs, (query, value, key), g)
    weights = _softmax(scores, masks, g)
    if masks and zeroes_hidden(one):
        for mask in masks:
            weights = g.op("Mul", weights, g.cast(mask, "float"))
    seen = g.op("Transpose", g.op("MatMul", weights, names[2]), perm=[0, 2, 1, 3])
    kernel = one.weights["output_kernel"]
    if kernel.ndim != 3:
        raise RefusalError(f"{one.name} answers with the shape {kernel.shape[2:]}.", "Reshape after the layer.")
    flat = g.reshape(seen, 0, 0, kernel.shape[0] * kernel.shape[1])
    answer = g.op("MatMul", flat, g.weight(kernel.reshape(-1, kernel.shape[2]), "output_kernel", kernel))
    if "output_bias" in one.weights:
        answer = g.op("Add", answer, g.weight(one.weights["output_bias"], "output_bias"))
    shape: Shape = (query.shape[0], heads, query.shape[1], value.shape[1])
    return [Value(answer, (*query.shape[:2], kernel.shape[2]), query.mask), Value(weights, shape)]


def _check_options(one: Layer) -> None:
    for option in ("use_gate", "sliding_window"):
        if one.config.get(option):
            raise RefusalError(f"{one.name} is a MultiHeadAttention with {option}, which is not supported.", "")
    axes = one.config.get("attention_axes")
    if axes not in (None, 1, [1]):
        raise RefusalError(f"{one.name} attends over the axes {axes}.", "Only attention over time is supported.")


def _projected(one: Layer, role: str, source: Value, g: Builder) -> str:
    kernel: Array = one.weights[f"{role}_kernel"]
    name = g.op("MatMul", source.name, g.weight(kernel.reshape(kernel.shape[0], -1), f"{role}_kernel", kernel))
    if f"{role}_bias" in one.weights:
        bias = one.weights[f"{role}_bias"]
        name = g.op("Add", name, g.weight(bias.reshape(-1), f"{role}_bias", bias))
    return g.reshape(name, 0, 0, *kernel.shape[1:])


def _masks(one: Layer, inputs: list[Value], parts: tuple[Value, Value, Value], g: Builder) -> list[str]:
    """All masks, each in a shape that broadcasts against batch × heads × queries × values."""
    query, value, key = parts
    masks = [] if query.mask is None else [g.op("Unsqueeze", query.mask, g.ints(1, 3))]
    masks += [g.op("Unsqueeze", mask, g.ints(1, 2)) for mask in dict.fromkeys((value.mask, key.mask)) if mask]
    given = find_input(one, inputs, 6 if one.keras >= 3 else 3, "attention_mask")
    if given is not None:
        real = g.cast(given.name, "bool")
        masks.append(real if given.rank == 4 else g.op("Unsqueeze", real, g.ints(1)))
    if find_entry(one, 9 if one.keras >= 3 else 6, "use_causal_mask"):
        masks.append(_causal(query, value, g))
    return masks


def zeroes_hidden(one: Layer) -> bool:
    """Keras 3 gives hidden places no weight at all where it computes the scores itself: with dropout, or if asked."""
    asked = find_entry(one, 7, "return_attention_scores")
    return one.keras >= 3 and bool(one.config.get("dropout") or asked)


def _causal(query: Value, value: Value, g: Builder) -> str:
    """queries × values: nothing of the future."""
    rows, columns = (
        g.op("Range", g.whole(0), g.op("Squeeze", g.sizes(one, 1, 2)), g.whole(1)) for one in (query, value)
    )
    return g.op("GreaterOrEqual", g.op("Unsqueeze", rows, g.ints(1)), columns)


def _softmax(scores: str, masks: list[str], g: Builder) -> str:
    if masks:
        seen = masks[0]
        for mask in masks[1:]:
            seen = g.op("And", seen, mask)
        scores = g.op("Where", seen, scores, g.number(_HIDDEN))
    return g.op("Softmax", scores, axis=-1)
