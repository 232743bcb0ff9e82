"""The zoo's cases: one small model for each layer and option. Written for Keras 2 and 3 alike."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
from keras import layers

STEPS, WIDTH = 6, 4
Part = Callable[[], keras.layers.Layer]
Setting = Any


@dataclass(frozen=True)
class KerasCase:
    """A model to build, and what its inputs are: padded rows for masks, whole numbers for tables."""

    name: str
    group: str
    build: Callable[[], keras.Model]
    padded: bool = False
    empty_rows: bool = True
    mask_value: float = 0.0
    whole_numbers: int = 0
    steps: int = STEPS
    batch: int = 0


def all_cases() -> Iterator[KerasCase]:
    """All of them, in a fixed order."""
    yield from _activations()
    yield from _activation_layers()
    yield from _recurrent()
    yield from _recurrent_activations()
    yield from _recurrent_details()
    yield from _bidirectional()
    yield from _masks()
    yield from _sequences()
    yield from _pictures()
    yield from _transposed()
    yield from _resized()
    yield from _attentions()
    yield from _normalizations()
    yield from _merges()
    yield from _shapes()
    yield from _operations()
    yield from _nests()


def chain(shape: tuple[int | None, ...], *parts: Part) -> Callable[[], keras.Model]:
    """A Sequential model; parts are made when it is built."""
    return lambda: keras.Sequential([layers.Input(shape), *[part() for part in parts]])


def _activations() -> Iterator[KerasCase]:
    names = (
        "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "hard_sigmoid", "softmax",
        "log_softmax", "softplus", "softsign", "tanh", "exponential", "swish", "silu", "hard_silu", "mish", "celu",
        "hard_tanh", "log_sigmoid", "tanh_shrink",
    )  # fmt: skip
    for name in names:
        yield KerasCase(f"dense_{name}", "Dense", chain((WIDTH,), partial(layers.Dense, 5, activation=name)))
    for name in ("relu", "hard_sigmoid", "softmax", "gelu"):
        part = partial(layers.Activation, name)
        yield KerasCase(f"activation_{name}", "Activation", chain((STEPS, WIDTH), part))
    yield KerasCase("dense_no_bias", "Dense", chain((STEPS, WIDTH), lambda: layers.Dense(3, use_bias=False)))


def _activation_layers() -> Iterator[KerasCase]:
    made = {
        "relu_ceiling": lambda: layers.ReLU(max_value=1.0),
        "relu_slope": lambda: layers.ReLU(negative_slope=0.2),
        "relu_all": lambda: layers.ReLU(max_value=1.2, negative_slope=0.1, threshold=0.5),
        "leaky_relu_layer": lambda: layers.LeakyReLU(0.15),
        "leaky_relu_default": layers.LeakyReLU,
        "elu_layer": lambda: layers.ELU(0.7),
        "prelu": layers.PReLU,
        "prelu_shared": lambda: layers.PReLU(shared_axes=[1]),
        "softmax_layer": layers.Softmax,
        "softmax_axis": lambda: layers.Softmax(axis=1),
        "thresholded_relu": lambda: layers.ThresholdedReLU(theta=0.4),
        "dense_with_layer": lambda: layers.Dense(3, activation=layers.LeakyReLU(0.05)),
    }
    for name, part in made.items():
        yield KerasCase(name, "activation layers", chain((STEPS, WIDTH), part))


def _recurrent() -> Iterator[KerasCase]:
    for kind, sequences, backwards, masked, bias in itertools.product(
        ("LSTM", "GRU", "GRU_before", "SimpleRNN"), (False, True), (False, True), (False, True), (True, False)
    ):
        if not bias and (sequences or backwards):
            continue
        settings = {"return_sequences": sequences, "go_backwards": backwards, "use_bias": bias}
        name = "_".join(
            [kind.lower(), "seq" if sequences else "last", *(["back"] if backwards else []),
             *(["masked"] if masked else []), *([] if bias else ["nobias"])]
        )  # fmt: skip
        parts: list[Part] = [lambda: layers.Masking(0.0)] if masked else []
        parts.append(partial(cell, kind, **settings))
        yield KerasCase(name, kind.split("_")[0], chain((STEPS, WIDTH), *parts), padded=masked)


def cell(kind: str, units: int = 5, **settings: Setting) -> keras.layers.Layer:
    """A recurrent layer; GRU_before has its reset gate before the product."""
    if kind.startswith("GRU"):
        return layers.GRU(units, reset_after=kind == "GRU", **settings)
    return getattr(layers, kind)(units, **settings)


def both_ways(kind: str, sequences: bool, mode: str) -> keras.layers.Layer:
    """A recurrent layer in both directions."""
    return layers.Bidirectional(cell(kind, return_sequences=sequences), merge_mode=mode)


def at_each_step(part: Part) -> keras.layers.Layer:
    """A layer for each step."""
    return layers.TimeDistributed(part())


def _recurrent_activations() -> Iterator[KerasCase]:
    for kind in ("LSTM", "GRU", "GRU_before", "SimpleRNN"):
        for name in ("relu", "linear", "elu", "softsign", "softplus", "sigmoid", "hard_sigmoid"):
            part = partial(cell, kind, activation=name)
            yield KerasCase(f"{kind.lower()}_{name}", kind.split("_")[0], chain((STEPS, WIDTH), part))
    for kind in ("LSTM", "GRU"):
        for name in ("hard_sigmoid", "tanh", "relu"):
            part = partial(cell, kind, recurrent_activation=name)
            yield KerasCase(f"{kind.lower()}_gate_{name}", kind, chain((STEPS, WIDTH), part))
    part = partial(cell, "LSTM", activation="relu", recurrent_activation="hard_sigmoid", return_sequences=True)
    yield KerasCase("lstm_relu_hard_masked", "LSTM", chain((STEPS, WIDTH), layers.Masking, part), padded=True)


def _recurrent_details() -> Iterator[KerasCase]:
    def states(kind: str, masked: bool) -> keras.Model:
        x = layers.Input((STEPS, WIDTH))
        y = layers.Masking()(x) if masked else x
        return keras.Model(x, cell(kind, return_state=True, return_sequences=True)(y))

    def handed_on(kind: str) -> keras.Model:
        x, y = layers.Input((STEPS, WIDTH)), layers.Input((STEPS, WIDTH))
        _, *final = cell(kind, return_state=True)(x)
        return keras.Model([x, y], cell(kind)(y, initial_state=final))

    for kind in ("LSTM", "GRU", "SimpleRNN"):
        for masked in (False, True):
            name = f"{kind.lower()}_states{'_masked' if masked else ''}"
            yield KerasCase(name, kind, partial(states, kind, masked), padded=masked)
        yield KerasCase(f"{kind.lower()}_initial_state", kind, partial(handed_on, kind))
        part = partial(cell, kind, unroll=True)
        yield KerasCase(f"{kind.lower()}_unrolled", kind, chain((STEPS, WIDTH), part))
    zeroed = lambda: layers.LSTM(5, return_sequences=True, zero_output_for_mask=True)  # noqa: E731
    yield KerasCase("lstm_zero_output", "LSTM", chain((STEPS, WIDTH), layers.Masking, zeroed), padded=True)
    open_time = chain((None, WIDTH), lambda: layers.LSTM(5, return_sequences=True), lambda: layers.GRU(3))
    yield KerasCase("rnn_open_time", "LSTM", open_time, steps=9)
    stack = [layers.Masking, lambda: layers.LSTM(5, return_sequences=True), lambda: layers.Dropout(0.5)]
    stack += [lambda: layers.GRU(4, return_sequences=True), layers.BatchNormalization, lambda: layers.SimpleRNN(3)]
    yield KerasCase("rnn_stack_masked", "LSTM", chain((STEPS, WIDTH), *stack), padded=True)
    yield KerasCase("rnn_stack_masked_open", "LSTM", chain((None, WIDTH), *stack), padded=True, steps=8)

    def fixed() -> keras.Model:
        x = layers.Input(batch_shape=(4, STEPS, WIDTH))
        return keras.Model(x, layers.LSTM(5, stateful=True)(x))

    yield KerasCase("lstm_stateful", "LSTM", fixed, batch=4)


def _bidirectional() -> Iterator[KerasCase]:
    for kind, mode, masked, sequences in itertools.product(
        ("LSTM", "GRU"), ("concat", "sum", "mul", "ave"), (False, True), (False, True)
    ):
        if masked != sequences and mode in ("sum", "mul"):
            continue
        parts = [layers.Masking] if masked else []
        parts.append(partial(both_ways, kind, sequences, mode))
        parts.append(lambda: layers.Dense(3))
        name = f"bi_{kind.lower()}_{mode}{'_masked' if masked else ''}{'_seq' if sequences else ''}"
        yield KerasCase(name, "Bidirectional", chain((STEPS, WIDTH), *parts), padded=masked)

    def apart(masked: bool) -> keras.Model:
        x = layers.Input((STEPS, WIDTH))
        y = layers.Masking()(x) if masked else x
        pair = layers.Bidirectional(layers.LSTM(5, return_sequences=True), merge_mode=None)(y)
        return keras.Model(x, list(pair))

    def own_backward() -> keras.Model:
        x = layers.Input((STEPS, WIDTH))
        back = layers.LSTM(4, go_backwards=True, activation="relu")
        return keras.Model(x, layers.Bidirectional(layers.LSTM(4), backward_layer=back)(x))

    def with_states() -> keras.Model:
        x = layers.Input((STEPS, WIDTH))
        return keras.Model(x, layers.Bidirectional(layers.GRU(4, return_state=True, return_sequences=True))(x))

    yield KerasCase("bi_apart", "Bidirectional", lambda: apart(False))
    yield KerasCase("bi_apart_masked", "Bidirectional", lambda: apart(True), padded=True)
    yield KerasCase("bi_own_backward", "Bidirectional", own_backward)
    yield KerasCase("bi_states", "Bidirectional", with_states)
    two = [layers.Masking, lambda: layers.Bidirectional(layers.LSTM(4, return_sequences=True))]
    two.append(lambda: layers.Bidirectional(layers.LSTM(3)))
    yield KerasCase("bi_stack_masked", "Bidirectional", chain((STEPS, WIDTH), *two), padded=True)
    simple = lambda: layers.Bidirectional(layers.SimpleRNN(4, return_sequences=True))  # noqa: E731
    yield KerasCase("bi_simple", "Bidirectional", chain((STEPS, WIDTH), simple))


def _masks() -> Iterator[KerasCase]:
    last = lambda: layers.LSTM(4)  # noqa: E731
    through = {
        "dense": lambda: layers.Dense(3, activation="tanh"),
        "time_distributed": lambda: layers.TimeDistributed(layers.Dense(3)),
        "batch_norm": layers.BatchNormalization,
        "layer_norm": layers.LayerNormalization,
        "activation": lambda: layers.Activation("tanh"),
        "spatial_dropout": lambda: layers.SpatialDropout1D(0.2),
        "leaky": lambda: layers.LeakyReLU(0.2),
        "prelu": layers.PReLU,
        "conv": lambda: layers.Conv1D(3, 2, padding="same"),
        "reshape": lambda: layers.Reshape((STEPS, WIDTH)),
        "max_pool": lambda: layers.MaxPooling1D(2),
        "zero_padding": lambda: layers.ZeroPadding1D(1),
        "rescaling": lambda: layers.Rescaling(2.0, 0.5),
        "noise": lambda: layers.GaussianNoise(0.1),
        "permute": lambda: layers.Permute((2, 1)),
    }
    for name, part in through.items():
        yield KerasCase(f"mask_through_{name}", "masks", chain((STEPS, WIDTH), layers.Masking, part, last), padded=True)
    value = chain((STEPS, WIDTH), lambda: layers.Masking(-1.0), last)
    yield KerasCase("mask_value", "masks", value, padded=True, mask_value=-1.0)
    pooled = chain((STEPS, WIDTH), layers.Masking, layers.GlobalAveragePooling1D)
    yield KerasCase("mask_average", "masks", pooled, padded=True, empty_rows=False)
    yield KerasCase("mask_average_empty", "masks", pooled, padded=True)
    largest = chain((STEPS, WIDTH), layers.Masking, layers.GlobalMaxPooling1D)
    yield KerasCase("mask_max", "masks", largest, padded=True)
    flat = chain((STEPS, WIDTH), layers.Masking, layers.Flatten, lambda: layers.Dense(2))
    yield KerasCase("mask_flatten", "masks", flat, padded=True)
    words = chain((STEPS,), lambda: layers.Embedding(9, WIDTH, mask_zero=True), last)
    yield KerasCase("embedding_mask_zero", "Embedding", words, padded=True, whole_numbers=9)
    plain = chain((STEPS,), lambda: layers.Embedding(9, WIDTH), last)
    yield KerasCase("embedding", "Embedding", plain, whole_numbers=9)
    for kind in ("Add", "Multiply", "Average", "Maximum", "Concatenate", "Subtract"):
        for both in (False, True):
            yield KerasCase(
                f"mask_{kind.lower()}_{'both' if both else 'one'}", "masks",
                partial(_merged_masks, kind, both), padded=True,
            )  # fmt: skip
    yield KerasCase("mask_concatenate_time", "masks", lambda: _merged_masks("Concatenate", True, axis=1), padded=True)


def _merged_masks(kind: str, both: bool, **settings: Setting) -> keras.Model:
    x, y = layers.Input((STEPS, WIDTH)), layers.Input((STEPS, WIDTH))
    left = layers.Masking()(x)
    right = layers.Masking(mask_value=0.0)(y) if both else layers.Dense(WIDTH)(y)
    return keras.Model([x, y], layers.LSTM(4)(getattr(layers, kind)(**settings)([left, right])))


def _sequences() -> Iterator[KerasCase]:
    convolutions: dict[str, dict[str, Setting]] = {
        "valid": {}, "same": {"padding": "same"}, "causal": {"padding": "causal"},
        "strides": {"strides": 2}, "same_strides": {"padding": "same", "strides": 2},
        "same_strides3": {"padding": "same", "strides": 3, "kernel_size": 2},
        "dilated": {"dilation_rate": 2}, "causal_dilated": {"padding": "causal", "dilation_rate": 2},
        "same_dilated": {"padding": "same", "dilation_rate": 2}, "groups": {"groups": 2, "filters": 6},
        "even": {"padding": "same", "kernel_size": 4}, "no_bias": {"use_bias": False},
        "relu": {"activation": "relu"}, "causal_strides": {"padding": "causal", "strides": 2},
    }  # fmt: skip
    for name, settings in convolutions.items():
        full: dict[str, Any] = {"filters": 5, "kernel_size": 3, **settings}
        part = partial(layers.Conv1D, **full)
        yield KerasCase(f"conv1d_{name}", "Conv1D", chain((8, WIDTH), part))
        if name in ("valid", "same", "causal", "same_strides", "causal_dilated"):
            yield KerasCase(f"conv1d_{name}_open", "Conv1D", chain((None, WIDTH), part), steps=9)
    first = lambda: layers.Conv1D(5, 3, data_format="channels_first")  # noqa: E731
    yield KerasCase("conv1d_channels_first", "Conv1D", chain((WIDTH, 8), first))
    for padding, strides, kind in itertools.product(("valid", "same"), (None, 1, 3), ("Max", "Average")):
        name = f"{kind.lower()}_pool1d_{padding}_{strides or 'own'}"
        part = partial(getattr(layers, f"{kind}Pooling1D"), 2 if strides != 3 else 3, strides=strides, padding=padding)
        yield KerasCase(name, "pools", chain((8, WIDTH), part))
    for kind, keep in itertools.product(("GlobalMaxPooling1D", "GlobalAveragePooling1D"), (False, True)):
        part = partial(getattr(layers, kind), keepdims=keep)
        yield KerasCase(f"{kind.lower()}{'_keep' if keep else ''}", "pools", chain((8, WIDTH), part))
    more: dict[str, Part] = {
        "separable1d": lambda: layers.SeparableConv1D(6, 3, depth_multiplier=2, padding="same"),
        "depthwise1d": lambda: layers.DepthwiseConv1D(3, depth_multiplier=2),
        "zero_padding1d": lambda: layers.ZeroPadding1D((1, 2)),
        "cropping1d": lambda: layers.Cropping1D((1, 2)),
        "up_sampling1d": lambda: layers.UpSampling1D(3),
    }
    for name, made in more.items():
        yield KerasCase(name, "1-D", chain((8, WIDTH), made))
    body = [lambda: layers.Conv1D(8, 3, activation="relu"), layers.BatchNormalization, lambda: layers.MaxPooling1D(2)]
    body += [lambda: layers.LSTM(6), lambda: layers.Dense(3, activation="softmax")]
    yield KerasCase("conv_lstm_head", "1-D", chain((16, WIDTH), *body))


def _pictures() -> Iterator[KerasCase]:
    shape = (9, 8, 3)
    made = {
        "conv2d": lambda: layers.Conv2D(4, 3),
        "conv2d_same": lambda: layers.Conv2D(4, (3, 2), strides=(2, 3), padding="same", activation="relu"),
        "conv2d_dilated": lambda: layers.Conv2D(4, 3, dilation_rate=2, padding="same"),
        "conv2d_groups": lambda: layers.Conv2D(6, 3, groups=3),
        "depthwise2d": lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"),
        "depthwise2d_strides": lambda: layers.DepthwiseConv2D(3, strides=2),
        "separable2d": lambda: layers.SeparableConv2D(5, 3, depth_multiplier=2, padding="same"),
        "max_pool2d": lambda: layers.MaxPooling2D(2),
        "max_pool2d_same": lambda: layers.MaxPooling2D(3, strides=2, padding="same"),
        "average_pool2d_same": lambda: layers.AveragePooling2D((2, 3), strides=2, padding="same"),
        "global_average2d": layers.GlobalAveragePooling2D,
        "global_max2d": lambda: layers.GlobalMaxPooling2D(keepdims=True),
        "zero_padding2d": lambda: layers.ZeroPadding2D(((1, 2), (0, 3))),
        "cropping2d": lambda: layers.Cropping2D(((1, 2), (0, 3))),
        "up_sampling2d": lambda: layers.UpSampling2D((2, 3)),
        "up_sampling2d_bilinear": lambda: layers.UpSampling2D(2, interpolation="bilinear"),
        "spatial_dropout2d": lambda: layers.SpatialDropout2D(0.3),
    }
    for name, part in made.items():
        yield KerasCase(name, "2-D", chain(shape, part))
    first = {
        "conv2d_first": lambda: layers.Conv2D(4, 3, data_format="channels_first"),
        "max_pool2d_first": lambda: layers.MaxPooling2D(2, data_format="channels_first"),
        "global_average2d_first": lambda: layers.GlobalAveragePooling2D(data_format="channels_first"),
        "flatten_first": lambda: layers.Flatten(data_format="channels_first"),
        "zero_padding2d_first": lambda: layers.ZeroPadding2D(1, data_format="channels_first"),
    }
    for name, part in first.items():
        yield KerasCase(name, "2-D channels_first", chain((3, 8, 9), part))
    solid = {
        "conv3d": lambda: layers.Conv3D(4, 2, padding="same"),
        "max_pool3d": lambda: layers.MaxPooling3D(2, padding="same"),
        "average_pool3d": lambda: layers.AveragePooling3D((1, 2, 2)),
        "global_average3d": layers.GlobalAveragePooling3D,
        "zero_padding3d": lambda: layers.ZeroPadding3D(1),
        "cropping3d": lambda: layers.Cropping3D(1),
        "up_sampling3d": lambda: layers.UpSampling3D(2),
    }
    for name, part in solid.items():
        yield KerasCase(name, "3-D", chain((4, 5, 6, 2), part))
    net = [lambda: layers.Conv2D(4, 3, padding="same", use_bias=False), layers.BatchNormalization, layers.ReLU]
    net += [lambda: layers.MaxPooling2D(2), layers.Flatten, lambda: layers.Dense(3, activation="softmax")]
    yield KerasCase("small_cnn", "2-D", chain(shape, *net))


def _transposed() -> Iterator[KerasCase]:
    options: dict[str, dict[str, Setting]] = {
        "valid": {}, "same": {"padding": "same"}, "strides": {"strides": 2}, "sparse": {"strides": 4},
        "same_strides": {"padding": "same", "strides": 2}, "same_strides3": {"padding": "same", "strides": 3},
        "same_sparse": {"padding": "same", "strides": 4}, "even": {"padding": "same", "strides": 2, "kernel_size": 4},
        "even_valid": {"strides": 3, "kernel_size": 4}, "added": {"strides": 2, "output_padding": 1},
        "same_added": {"padding": "same", "strides": 2, "output_padding": 1},
        "same_added0": {"padding": "same", "strides": 2, "output_padding": 0},
        "even_added": {"padding": "same", "strides": 3, "output_padding": 1, "kernel_size": 4},
        "dilated": {"dilation_rate": 2}, "same_dilated": {"padding": "same", "dilation_rate": 2},
        "relu": {"activation": "relu", "use_bias": False},
    }  # fmt: skip
    for name, settings in options.items():
        full: dict[str, Any] = {"filters": 5, "kernel_size": 3, **settings}
        flat = partial(layers.Conv2DTranspose, **full)
        yield KerasCase(f"conv2d_transpose_{name}", "transposed", chain((5, 4, 3), flat))
        line = partial(layers.Conv1DTranspose, **full)
        yield KerasCase(f"conv1d_transpose_{name}", "transposed", chain((7, WIDTH), line))
    uneven = lambda: layers.Conv2DTranspose(4, (3, 2), strides=(2, 3), padding="same")  # noqa: E731
    yield KerasCase("conv2d_transpose_uneven", "transposed", chain((5, 4, 3), uneven))
    open_time = lambda: layers.Conv1DTranspose(4, 3, strides=2, padding="same")  # noqa: E731
    yield KerasCase("conv1d_transpose_open", "transposed", chain((None, WIDTH), open_time), steps=9)
    first = lambda: layers.Conv2DTranspose(4, 3, strides=2, data_format="channels_first")  # noqa: E731
    yield KerasCase("conv2d_transpose_first", "transposed", chain((3, 5, 4), first))


def _resized() -> Iterator[KerasCase]:
    for kind, size in itertools.product(("bilinear", "nearest"), ((5, 4), (18, 16), (7, 13), (20, 3), (9, 8))):
        part = partial(layers.Resizing, *size, interpolation=kind)
        yield KerasCase(f"resizing_{kind}_{size[0]}x{size[1]}", "resizing", chain((9, 8, 3), part))
    for size in ((5, 5), (4, 9), (12, 7)):
        part = partial(layers.Resizing, *size, crop_to_aspect_ratio=True)
        yield KerasCase(f"resizing_cropped_{size[0]}x{size[1]}", "resizing", chain((9, 8, 3), part))
    for kind, size in itertools.product(("CenterCrop", "RandomCrop"), ((5, 4), (6, 3), (9, 8), (12, 10), (4, 12))):
        if kind == "RandomCrop" and size != (9, 8) and keras.__version__.startswith("3"):
            continue  # refused: versions of Keras 3 differ outside training
        part = partial(getattr(layers, kind), *size)
        name = "center_crop" if kind == "CenterCrop" else "random_crop"
        yield KerasCase(f"{name}_{size[0]}x{size[1]}", "resizing", chain((9, 8, 3), part))
    open_size = chain((None, None, 3), lambda: layers.Resizing(6, 6))
    yield KerasCase("resizing_open", "resizing", open_size, steps=9)


def _attentions() -> Iterator[KerasCase]:
    def heads(masked: str, call: Setting = None, **settings: Setting) -> keras.Model:
        x, y = layers.Input((5, WIDTH)), layers.Input((STEPS, WIDTH))
        query = layers.Masking()(x) if "q" in masked else x
        value = layers.Masking()(y) if "v" in masked else y
        answer = layers.MultiHeadAttention(**({"num_heads": 2, "key_dim": 3} | settings))(query, value, **(call or {}))
        return keras.Model([x, y], answer)

    def to_itself(**call: Setting) -> keras.Model:
        x = layers.Input((STEPS, WIDTH))
        y = layers.MultiHeadAttention(2, 3)(x, x, **call)
        return keras.Model(x, layers.LayerNormalization()(layers.Add()([x, y])))

    def three(masked: bool) -> keras.Model:
        x, y, z = (layers.Input((STEPS, WIDTH)) for _ in range(3))
        value = layers.Masking()(y) if masked else y
        return keras.Model([x, y, z], layers.MultiHeadAttention(2, 3, value_dim=5)(x, value, z))

    def own_mask() -> keras.Model:
        x, mask = layers.Input((STEPS, WIDTH)), layers.Input((STEPS, STEPS))
        return keras.Model([x, mask], layers.MultiHeadAttention(2, 3)(x, x, attention_mask=mask))

    def plain(masked: str, count: int = 2, call: Setting = None, **settings: Setting) -> keras.Model:
        inputs = [layers.Input((STEPS, WIDTH)) for _ in range(count)]
        given = [layers.Masking()(one) if "qvk"[k] in masked else one for k, one in enumerate(inputs)]
        return keras.Model(inputs, layers.Attention(**settings)(given, **(call or {})))

    def pooled() -> keras.Model:
        x = layers.Input((STEPS, WIDTH))
        y = layers.LSTM(5, return_sequences=True)(layers.Masking()(x))
        return keras.Model(x, layers.GlobalAveragePooling1D()(layers.Attention()([y, y])))

    causal = {"use_causal_mask": True}
    whole: dict[str, Callable[[], keras.Model]] = {
        "mha": lambda: heads(""),
        "mha_sizes": lambda: heads("", value_dim=4, output_shape=6, use_bias=False),
        "mha_dropout": lambda: heads("", dropout=0.2),
        "mha_causal": lambda: heads("", causal),
        "mha_scores": lambda: heads("", {"return_attention_scores": True}),
        "mha_itself": to_itself,
        "mha_itself_causal": lambda: to_itself(**causal),
        "mha_three": lambda: three(False),
        "attention": lambda: plain(""),
        "attention_three": lambda: plain("", 3),
        "attention_scaled": lambda: plain("", use_scale=True),
        "attention_concat": lambda: plain("", score_mode="concat", use_scale=True),
        "attention_causal": lambda: plain("", call=causal),
    }
    masked: dict[str, Callable[[], keras.Model]] = {
        "mha_values_masked": lambda: heads("v"),
        "mha_queries_masked": lambda: heads("q"),
        "mha_both_masked": lambda: heads("qv"),
        "mha_both_masked_dropout": lambda: heads("qv", dropout=0.2),
        "mha_causal_masked": lambda: heads("v", causal),
        "mha_three_masked": lambda: three(True),
        "attention_values_masked": lambda: plain("v"),
        "attention_queries_masked": lambda: plain("q"),
        "attention_both_masked": lambda: plain("qv"),
        "attention_three_masked": lambda: plain("v", 3),
        "attention_causal_masked": lambda: plain("v", call=causal),
        "attention_concat_masked": lambda: plain("qv", score_mode="concat"),
        "attention_pooled": pooled,
    }
    yield KerasCase("mha_own_mask", "attention", own_mask, whole_numbers=2)
    for padded, made in ((False, whole), (True, masked)):
        for name, build in made.items():
            yield KerasCase(name, "attention", build, padded=padded)


def _normalizations() -> Iterator[KerasCase]:
    made = {
        "batch_norm": layers.BatchNormalization,
        "batch_norm_axis1": lambda: layers.BatchNormalization(axis=1),
        "batch_norm_no_scale": lambda: layers.BatchNormalization(scale=False),
        "batch_norm_no_center": lambda: layers.BatchNormalization(center=False, epsilon=0.01),
        "batch_norm_bare": lambda: layers.BatchNormalization(scale=False, center=False),
        "layer_norm": layers.LayerNormalization,
        "layer_norm_axes": lambda: layers.LayerNormalization(axis=[1, 2]),
        "layer_norm_axis1": lambda: layers.LayerNormalization(axis=1),
        "layer_norm_bare": lambda: layers.LayerNormalization(scale=False, center=False),
        "layer_norm_rms": lambda: layers.LayerNormalization(rms_scaling=True),
        "normalization_given": lambda: layers.Normalization(mean=0.3, variance=2.0),
        "normalization_learnt": layers.Normalization,
        "rescaling": lambda: layers.Rescaling(1 / 127.5, offset=-1.0),
    }
    for name, part in made.items():
        yield KerasCase(name, "normalization", chain((STEPS, WIDTH), part))


def _merges() -> Iterator[KerasCase]:
    def merged(kind: str, count: int, **settings: Setting) -> keras.Model:
        inputs = [layers.Input((STEPS, WIDTH)) for _ in range(count)]
        return keras.Model(inputs, getattr(layers, kind)(**settings)(inputs))

    def uneven(kind: str) -> keras.Model:
        x, y = layers.Input((STEPS, WIDTH)), layers.Input((1, WIDTH))
        return keras.Model([x, y], getattr(layers, kind)()([x, y]))

    for kind in ("Add", "Multiply", "Average", "Maximum", "Minimum", "Concatenate"):
        yield KerasCase(f"{kind.lower()}3", "merges", partial(merged, kind, 3))
    yield KerasCase("subtract", "merges", lambda: merged("Subtract", 2))
    yield KerasCase("concatenate_time", "merges", lambda: merged("Concatenate", 2, axis=1))
    yield KerasCase("add_broadcast", "merges", lambda: uneven("Add"))
    yield KerasCase("multiply_broadcast", "merges", lambda: uneven("Multiply"))


def _shapes() -> Iterator[KerasCase]:
    made = {
        "flatten": layers.Flatten,
        "reshape": lambda: layers.Reshape((3, 8)),
        "reshape_minus": lambda: layers.Reshape((-1, 2, 2)),
        "permute": lambda: layers.Permute((2, 1)),
        "dropout": lambda: layers.Dropout(0.5),
        "gaussian_dropout": lambda: layers.GaussianDropout(0.5),
        "alpha_dropout": lambda: layers.AlphaDropout(0.5),
        "activity_regularization": lambda: layers.ActivityRegularization(0.1),
    }
    for name, part in made.items():
        yield KerasCase(name, "shapes", chain((STEPS, WIDTH), part))
    yield KerasCase("repeat_vector", "shapes", chain((WIDTH,), lambda: layers.RepeatVector(3)))
    each = {
        "dense": lambda: layers.Dense(3),
        "conv1d": lambda: layers.Conv1D(3, 2),
        "lstm": lambda: layers.LSTM(3),
        "flatten": layers.Flatten,
    }
    for name, part in each.items():
        whole = partial(at_each_step, part)
        yield KerasCase(f"time_distributed_{name}", "TimeDistributed", chain((3, STEPS, WIDTH), whole))
    open_time = chain((None, WIDTH), lambda: layers.TimeDistributed(layers.Dense(3)), lambda: layers.GRU(2))
    yield KerasCase("time_distributed_open", "TimeDistributed", open_time)

    def frames() -> keras.Model:
        net = keras.Sequential([layers.Input((6, 6, 1)), layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(4)])
        x = layers.Input((3, 6, 6, 1))
        return keras.Model(x, layers.LSTM(3)(layers.TimeDistributed(net)(x)))

    yield KerasCase("time_distributed_model", "TimeDistributed", frames)


def _operations() -> Iterator[KerasCase]:
    if keras.__version__.startswith("2"):
        import tensorflow as tf  # noqa: PLC0415 - Keras 2 has no operations of its own

        mean, total, largest, smallest = tf.reduce_mean, tf.reduce_sum, tf.reduce_max, tf.reduce_min
        concat, clip, absolute, power = tf.concat, tf.clip_by_value, tf.abs, tf.pow
        ops, nn, math = tf, tf.nn, tf.math
    else:
        ops = nn = math = keras.ops
        mean, total, largest, smallest = ops.mean, ops.sum, ops.max, ops.min
        concat, clip, absolute, power = ops.concatenate, ops.clip, ops.abs, ops.power
    made: dict[str, Callable[[Any, Any], Any]] = {
        "plus": lambda x, y: x + y,
        "constants": lambda x, _: 1.0 - (x * 2.0 + 0.5) / 3.0,
        "under": lambda x, _: 1.0 / (absolute(x) + 1.0),
        "times": lambda x, y: x * y - y,
        "list": lambda x, _: x * [1.0, 2.0, 3.0, 4.0],
        "extremes": lambda x, y: ops.maximum(x, y) + ops.minimum(x, 0.3),
        "power": lambda x, _: power(absolute(x) + 0.1, 1.5) + x**2,
        "mean": lambda x, _: mean(x, axis=1),
        "mean_keep": lambda x, _: x - mean(x, axis=-1, keepdims=True),
        "sums": lambda x, _: total(x, axis=[1, 2], keepdims=True) + x,
        "largest": lambda x, _: largest(x, axis=1) - smallest(x, axis=1),
        "matmul": lambda x, y: ops.matmul(x, ops.transpose(y, (0, 2, 1))),
        "concat": lambda x, y: concat([x, y], axis=-1),
        "concat_time": lambda x, y: concat([x, y, x], axis=1),
        "stack": lambda x, y: ops.stack([x, y], axis=1),
        "reshape": lambda x, _: ops.reshape(x, (-1, 3, 8)),
        "expand": lambda x, _: ops.squeeze(ops.expand_dims(x, 2), 2) * ops.expand_dims(x[:, 0], 1),
        "last_step": lambda x, _: x[:, -1],
        "slices": lambda x, _: x[:, 1:, ::2],
        "slice_back": lambda x, _: x[:, ::-1, 1],
        "relu": lambda x, _: nn.relu(x) + nn.relu6(x * 8.0) + nn.leaky_relu(x),
        "sigmoid": lambda x, _: nn.sigmoid(x) + ops.tanh(x),
        "softmax": lambda x, _: nn.softmax(x) + nn.softmax(x, axis=1),
        "exponents": lambda x, _: ops.exp(x) + math.log(absolute(x) + 1.0) + math.rsqrt(absolute(x) + 0.5),
        "squares": lambda x, _: ops.sqrt(ops.square(x) + 0.1) - ops.negative(x),
        "clip": lambda x, _: clip(x, -0.5, 0.7),
        "cast": lambda x, _: ops.cast(x, "float32") * 2.0,
    }

    def build_network(function: Callable[[Any, Any], Any]) -> keras.Model:
        x, y = layers.Input((STEPS, WIDTH)), layers.Input((STEPS, WIDTH))
        both = layers.Add()([x, layers.Rescaling(0.0)(y)])
        return keras.Model([x, y], layers.Rescaling(1.0)(function(both, y)))

    for name, function in made.items():
        yield KerasCase(f"op_{name}", "operations", partial(build_network, function))


def _nests() -> Iterator[KerasCase]:
    def nested_sequential() -> keras.Model:
        inner = keras.Sequential(
            [layers.Input((WIDTH,)), layers.Dense(5, activation="relu"), layers.BatchNormalization()]
        )
        inner2 = keras.Sequential([layers.Input((5,)), layers.Dense(3), layers.BatchNormalization(), layers.Dense(2)])
        return keras.Sequential([layers.Input((WIDTH,)), inner, inner2, layers.Dense(2)])

    def nested_functional() -> keras.Model:
        a, b = layers.Input((WIDTH,)), layers.Input((WIDTH,))
        inner = keras.Model([a, b], [layers.Dense(3)(layers.Add()([a, b])), layers.Subtract()([a, b])])
        x, y = layers.Input((WIDTH,)), layers.Input((WIDTH,))
        one, two = inner([x, y])
        return keras.Model([x, y], layers.Concatenate()([two, one]))

    def siamese() -> keras.Model:
        body = keras.Sequential([layers.Input((STEPS, WIDTH)), layers.LSTM(4), layers.Dense(3)])
        x, y = layers.Input((STEPS, WIDTH)), layers.Input((STEPS, WIDTH))
        return keras.Model([x, y], layers.Subtract()([body(x), body(y)]))

    def shared_layer() -> keras.Model:
        x = layers.Input((WIDTH,))
        same = layers.Dense(WIDTH, activation="tanh")
        return keras.Model(x, [same(same(x)), layers.Dense(2)(same(x))])

    def frozen() -> keras.Model:
        inner = keras.Sequential(
            [layers.Input((WIDTH,)), layers.Dense(5), layers.BatchNormalization(), layers.Dense(3)]
        )
        inner.layers[-2].trainable = False
        outer = keras.Sequential([layers.Input((WIDTH,)), inner, layers.BatchNormalization(), layers.Dense(2)])
        inner.trainable = False
        return outer

    def two_inputs_two_outputs() -> keras.Model:
        x, y = layers.Input((STEPS, WIDTH)), layers.Input((3,))
        joined = layers.Concatenate()([layers.GRU(4)(x), y])
        return keras.Model([x, y], [layers.Dense(2, activation="softmax")(joined), layers.Dense(1)(joined)])

    def residual() -> keras.Model:
        x = layers.Input((8, WIDTH))
        y = layers.Conv1D(WIDTH, 3, padding="same")(layers.LayerNormalization()(x))
        y = layers.Add()([x, layers.Activation("gelu")(y)])
        return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling1D()(y)))

    for build in (
        nested_sequential, nested_functional, siamese, shared_layer, frozen, two_inputs_two_outputs, residual,
    ):  # fmt: skip
        yield KerasCase(build.__name__, "nests", build)
