"""Which weights a layer has, in the order in which Keras keeps them: first the trainable, then the others."""

from collections.abc import Callable

from convert.graph.layer_graph import Config

Roles = tuple[tuple[str, ...], tuple[str, ...]]


def list_roles(kind: str, config: Config) -> Roles:
    """The layer's trainable and non-trainable weights by role; empty for layers without weights."""
    rule = _RULES.get(kind)
    return rule(config) if rule else ((), ())


def _biased(*kernels: str) -> Callable[[Config], Roles]:
    def rule(config: Config) -> Roles:
        return (*kernels, *(("bias",) if config.get("use_bias", True) else ())), ()

    return rule


def _scaled(config: Config) -> tuple[str, ...]:
    gamma = ("gamma",) if config.get("scale", True) else ()
    beta = ("beta",) if config.get("center", True) else ()
    return gamma + beta


def _batch_normalization(config: Config) -> Roles:
    return _scaled(config), ("moving_mean", "moving_variance")


def _normalization(config: Config) -> Roles:
    return (), () if config.get("mean") is not None else ("mean", "variance", "count")


def _attention_heads(config: Config) -> Roles:
    parts = ("query", "key", "value", "output")
    biased = ("kernel", "bias") if config.get("use_bias", True) else ("kernel",)
    return tuple(f"{part}_{role}" for part in parts for role in biased), ()


def _attention(config: Config) -> Roles:
    scale = ("scale",) if config.get("use_scale") else ()
    concat = ("concat_score_weight",) if config.get("score_mode") == "concat" else ()
    return scale + concat, ()


_RULES: dict[str, Callable[[Config], Roles]] = {
    "Dense": _biased("kernel"),
    "Conv1D": _biased("kernel"),
    "Conv2D": _biased("kernel"),
    "Conv3D": _biased("kernel"),
    "Conv1DTranspose": _biased("kernel"),
    "Conv2DTranspose": _biased("kernel"),
    "DepthwiseConv1D": _biased("depthwise_kernel"),
    "DepthwiseConv2D": _biased("depthwise_kernel"),
    "SeparableConv1D": _biased("depthwise_kernel", "pointwise_kernel"),
    "SeparableConv2D": _biased("depthwise_kernel", "pointwise_kernel"),
    "LSTM": _biased("kernel", "recurrent_kernel"),
    "GRU": _biased("kernel", "recurrent_kernel"),
    "SimpleRNN": _biased("kernel", "recurrent_kernel"),
    "BatchNormalization": _batch_normalization,
    "LayerNormalization": lambda config: (("gamma",) if config.get("rms_scaling") else _scaled(config), ()),
    "Normalization": _normalization,
    "Embedding": lambda _config: (("embeddings",), ()),
    "PReLU": lambda _config: (("alpha",), ()),
    "MultiHeadAttention": _attention_heads,
    "Attention": _attention,
}

OPTIONAL_ROLES = {"count"}
"""Kept by some versions only, and not needed to compute."""
