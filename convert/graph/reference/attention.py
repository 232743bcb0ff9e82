"""Definitions of Attention and MultiHeadAttention."""

import numpy as np

from convert.graph.arguments import find_entry, find_input
from convert.graph.layer_graph import Array, Layer
from convert.graph.reference import Datum, reference, weight
from convert.graph.reference.functions import softmax


@reference("Attention")
def attention(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Means of the values, weighted by how well query and key agree."""
    query, value, key = inputs[0], inputs[1], inputs[min(2, len(inputs) - 1)]
    q, v, k = query.values, value.values, key.values
    if layer.config.get("score_mode", "dot") == "dot":
        scores = np.einsum("btd,bsd->bts", q, k)
        if layer.config.get("use_scale"):
            scores = scores * weight(layer, "scale", q)
    else:
        inner = q[:, :, None] + k[:, None]
        if layer.config.get("use_scale"):
            inner = inner * weight(layer, "scale", q)
        scores = weight(layer, "concat_score_weight", q) * np.tanh(inner).sum(axis=-1)
    seen = np.ones(scores.shape, bool)
    if value.mask is not None:
        seen &= value.mask[:, None]
    if layer.config.get("causal") or layer.arguments.get("use_causal_mask"):
        seen &= np.tri(*scores.shape[1:], dtype=np.bool_)
    shares = _shares(scores, seen)
    y = np.einsum("bts,bsd->btd", shares, v)
    if query.mask is not None:
        y = np.where(query.mask[..., None], y, 0)
    return [Datum(y, query.mask), Datum(shares)]


@reference("MultiHeadAttention")
def multi_head_attention(layer: Layer, inputs: list[Datum]) -> list[Datum]:
    """Several attentions side by side, each over its own projections."""
    query, value = find_input(layer, inputs, 0, "query"), find_input(layer, inputs, 1, "value")
    if query is None or value is None:
        raise ValueError("queries or values are missing")
    key = find_input(layer, inputs, 2, "key") or value
    q, k, v = (_projected(layer, role, one.values) for role, one in (("query", query), ("key", key), ("value", value)))
    scores = np.einsum("btnh,bsnh->bnts", q, k) / np.sqrt(q.shape[-1])
    seen = np.ones(scores.shape, bool)
    if query.mask is not None:
        seen &= query.mask[:, None, :, None]
    for one in (value, key):
        if one.mask is not None:
            seen &= one.mask[:, None, None]
    given = find_input(layer, inputs, 6 if layer.keras >= 3 else 3, "attention_mask")
    if given is not None:
        seen &= (given.values if given.values.ndim == 4 else given.values[:, None]) != 0
    if find_entry(layer, 9 if layer.keras >= 3 else 6, "use_causal_mask"):
        seen &= np.tri(*scores.shape[2:], dtype=np.bool_)
    shares = _shares(scores, seen)
    if layer.keras >= 3 and (layer.config.get("dropout") or find_entry(layer, 7, "return_attention_scores")):
        shares = np.where(seen, shares, 0)
    y = np.einsum("bnts,bsnh->btnh", shares, v)
    y = np.einsum("btnh,nhd->btd", y, weight(layer, "output_kernel", y))
    if layer.config.get("use_bias", True):
        y = y + weight(layer, "output_bias", y)
    return [Datum(y, query.mask), Datum(shares)]


def _projected(layer: Layer, role: str, x: Array) -> Array:
    y = np.einsum("btd,dnh->btnh", x, weight(layer, f"{role}_kernel", x))
    return np.asarray(y + weight(layer, f"{role}_bias", x) if layer.config.get("use_bias", True) else y)


def _shares(scores: Array, seen: Array) -> Array:
    """Shares of what is seen; all alike where nothing is."""
    return softmax(np.where(seen, scores, -1e9))
