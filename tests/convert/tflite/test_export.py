"""Each operator in ONNX against its definition in NumPy, and any number of rows."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest

from convert.errors import RefusalError
from convert.tflite.export import export
from convert.tflite.reader import read_network
from tests.convert.tflite.made import Made

Array = npt.NDArray[Any]
GENERATOR = np.random.default_rng(20261130)


def numbers(*shape: int) -> Array:
    return GENERATOR.standard_normal(shape).astype(np.float32)


def halves(*shape: int) -> Array:
    """Numbers that half precision holds."""
    return numbers(*shape).astype(np.float16).astype(np.float32)


def answers(data: bytes, values: Array) -> Array:
    session = ort.InferenceSession(export(read_network(data)).SerializeToString(), providers=["CPUExecutionProvider"])
    together = session.run(None, {session.get_inputs()[0].name: values})[0]
    alone = [session.run(None, {session.get_inputs()[0].name: row[None]})[0] for row in values]
    np.testing.assert_allclose(together, np.concatenate(alone), rtol=1e-5, atol=1e-6)
    return np.asarray(together)


def one(kind: str, shape: tuple[int, ...], after: tuple[int, ...], constants: list[Array], **options: float) -> bytes:
    """A file of one operation on rows of `shape`."""
    made = Made()
    entry = made.tensor(1, *shape)
    inputs = [made.constant(array, str(array.dtype)) for array in constants]
    out = made.operation(kind, [entry, *inputs], made.tensor(1, *after), **options)
    return made.file([entry], [out])


def convolved(values: Array, weight: Array, stride: int, dilation: int, depthwise: bool) -> Array:
    """SAME padding; weight (h, w, in, out), or (h, w, in × multiplier)."""
    rows, height, width, channels = values.shape
    high, wide = weight.shape[:2]
    tall, across = -(-height // stride), -(-width // stride)
    total = [max((n - 1) * stride + (k - 1) * dilation + 1 - size, 0) for n, k, size in
             ((tall, high, height), (across, wide, width))]  # fmt: skip
    padded = np.pad(values, [(0, 0), *((t // 2, t - t // 2) for t in total), (0, 0)])
    out = np.zeros((rows, tall, across, weight.shape[-1]), np.float32)
    for y, x, i, j in itertools.product(range(tall), range(across), range(high), range(wide)):
        pixel = padded[:, y * stride + i * dilation, x * stride + j * dilation]
        if depthwise:
            out[:, y, x] += np.repeat(pixel, weight.shape[-1] // channels, axis=1) * weight[i, j]
        else:
            out[:, y, x] += pixel @ weight[i, j]
    return out


@pytest.mark.parametrize(("size", "stride", "dilation"), [(5, 1, 1), (6, 2, 1), (7, 2, 1), (6, 1, 2)])
@pytest.mark.parametrize("depthwise", [False, True])
def test_convolutions_pad_as_same_does(size: int, stride: int, dilation: int, depthwise: bool) -> None:
    weight, bias = numbers(3, 3, 4) if depthwise else numbers(3, 3, 2, 4), numbers(4)
    stored = weight[None] if depthwise else weight.transpose(3, 0, 1, 2)
    after = -(-size // stride)
    options: dict[str, float] = {"stride_h": stride, "stride_w": stride, "dilation_h": dilation, "dilation_w": dilation}
    kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
    data = one(kind, (size, size, 2), (after, after, 4), [stored, bias], activation=3, **options)
    values = numbers(3, size, size, 2)
    expected = np.clip(convolved(values, weight, stride, dilation, depthwise) + bias, 0, 6)
    np.testing.assert_allclose(answers(data, values), expected, rtol=1e-4, atol=1e-5)


def test_half_precision_weights_are_stored_as_they_are() -> None:
    weight = halves(256, 64).astype(np.float16)
    made = Made()
    entry, stored = made.tensor(1, 64), made.constant(weight, "float16")
    whole = made.operation("DEQUANTIZE", [stored], made.tensor(256, 64))
    out = made.operation("FULLY_CONNECTED", [entry, whole, -1], made.tensor(1, 256))
    data, values = made.file([entry], [out]), numbers(3, 64)
    np.testing.assert_allclose(answers(data, values), values @ weight.T.astype(np.float32), rtol=1e-4, atol=1e-4)
    assert len(export(read_network(data)).SerializeToString()) < weight.nbytes + 1000


@pytest.mark.parametrize("far", [False, True])
def test_weights_that_are_mostly_zeros_are_stored_without_them(far: bool) -> None:
    weight = np.where(GENERATOR.random((256, 64)) < 0.1, halves(256, 64), np.float32(0))
    if far:
        weight[10:200] = 0
    made = Made()
    entry, stored = made.tensor(1, 64), made.constant(weight)
    out = made.operation("FULLY_CONNECTED", [entry, stored, -1], made.tensor(1, 256))
    data, values = made.file([entry], [out]), numbers(3, 64)
    np.testing.assert_allclose(answers(data, values), values @ weight.T, rtol=1e-4, atol=1e-4)
    assert len(export(read_network(data)).SerializeToString()) < weight.nbytes / 4


def by_block(values: Array) -> Array:
    rows, height, width, channels = values.shape
    split = values.reshape(rows, height, width, 2, 2, channels // 4)
    return split.transpose(0, 1, 3, 2, 4, 5).reshape(rows, height * 2, width * 2, channels // 4)


def doubled(values: Array) -> Array:
    """Bilinear, twice the size, by the centers of pixels."""
    for axis in (1, 2):
        size = values.shape[axis]
        at = np.clip((np.arange(2 * size) + 0.5) / 2 - 0.5, 0, size - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, size - 1)
        share = (at - low).reshape([-1 if place == axis else 1 for place in range(4)])
        values = np.take(values, low, axis) * (1 - share) + np.take(values, high, axis) * share
    return values


SLOPE = numbers(1, 1, 4)
PICTURE = (4, 6, 4)
INT32 = np.int32
CASES: dict[str, tuple[bytes, tuple[int, ...], Callable[[Array], Array]]] = {
    "largest of four": (
        one("MAX_POOL_2D", PICTURE, (2, 3, 4), [], filter_h=2, filter_w=2, stride_h=2, stride_w=2, padding=1),
        PICTURE,
        lambda x: x.reshape(-1, 2, 2, 3, 2, 4).max(axis=(2, 4)),
    ),
    "mean of four": (
        one("AVERAGE_POOL_2D", PICTURE, (2, 3, 4), [], filter_h=2, filter_w=2, stride_h=2, stride_w=2, padding=1),
        PICTURE,
        lambda x: x.reshape(-1, 2, 2, 3, 2, 4).mean(axis=(2, 4)),
    ),
    "a slope for each channel": (
        one("PRELU", PICTURE, PICTURE, [SLOPE]),
        PICTURE,
        lambda x: np.where(x > 0, x, SLOPE * x),
    ),
    "a vector added to a picture": (one("ADD", PICTURE, PICTURE, [SLOPE[0, 0]]), PICTURE, lambda x: x + SLOPE),
    "a picture times a number": (one("MUL", PICTURE, PICTURE, [np.array([3], np.float32)]), PICTURE, lambda x: x * 3),
    "zeros around": (
        one("PAD", PICTURE, (7, 6, 5), [np.array([[0, 0], [1, 2], [0, 0], [0, 1]], INT32)]),
        PICTURE,
        lambda x: np.pad(x, [(0, 0), (1, 2), (0, 0), (0, 1)]),
    ),
    "twice the size": (
        one("RESIZE_BILINEAR", PICTURE, (8, 12, 4), [np.array([8, 12], INT32)], half_pixel_centers=1),
        PICTURE,
        doubled,
    ),
    "channels to pixels": (one("DEPTH_TO_SPACE", PICTURE, (8, 12, 1), [], block=2), PICTURE, by_block),
    "every second column from the second": (
        one(
            "STRIDED_SLICE",
            PICTURE,
            (4, 3, 4),
            [np.array(v, INT32) for v in ([0, 0, 1, 0], [0, 0, 6, 0], [1, 1, 2, 1])],
            begin_mask=0b1011,
            end_mask=0b1011,
        ),
        PICTURE,
        lambda x: x[:, :, 1::2],
    ),
    "mean of the picture": (
        one("MEAN", PICTURE, (4,), [np.array([1, 2], INT32)]), PICTURE, lambda x: x.mean(axis=(1, 2))
    ),
    "mean of the channels": (
        one("MEAN", PICTURE, (4, 6, 1), [np.array([3], INT32)], keep_dims=1),
        PICTURE,
        lambda x: x.mean(axis=3, keepdims=True),
    ),
    "a picture as a vector": (one("RESHAPE", PICTURE, (96,), []), PICTURE, lambda x: x.reshape(-1, 96)),
    "a vector as a picture": (one("RESHAPE", (96,), PICTURE, []), (96,), lambda x: x.reshape(-1, *PICTURE)),
    "softmax of the channels": (
        one("SOFTMAX", PICTURE, PICTURE, [], beta=2),
        PICTURE,
        lambda x: np.exp(2 * x) / np.exp(2 * x).sum(axis=-1, keepdims=True),
    ),
    "sigmoid": (one("LOGISTIC", (5,), (5,), []), (5,), lambda x: 1 / (1 + np.exp(-x))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_an_operator_computes_what_it_is_defined_to(name: str) -> None:
    data, shape, expected = CASES[name]
    values = numbers(3, *shape)
    np.testing.assert_allclose(answers(data, values), expected(values), rtol=1e-5, atol=1e-5)


def test_a_picture_is_flattened_with_its_channels_last() -> None:
    weight = numbers(2, 24)
    data, values = one("FULLY_CONNECTED", (2, 3, 4), (2,), [weight]), numbers(3, 2, 3, 4)
    np.testing.assert_allclose(answers(data, values), values.reshape(3, -1) @ weight.T, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("axis", "after"), [(-1, (4, 6, 8)), (1, (8, 6, 4))])
def test_pictures_are_joined_along_the_axis_of_the_file(axis: int, after: tuple[int, ...]) -> None:
    made = Made()
    entry = made.tensor(1, *PICTURE)
    other = made.operation("RELU", [entry], made.tensor(1, *PICTURE))
    out = made.operation("CONCATENATION", [entry, other], made.tensor(1, *after), axis=axis)
    values = numbers(3, *PICTURE)
    expected = np.concatenate([values, np.maximum(values, 0)], axis=axis)
    np.testing.assert_allclose(answers(made.file([entry], [out]), values), expected)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (one("TRANSPOSE_CONV", PICTURE, PICTURE, []), "not converted: TRANSPOSE_CONV"),
        (one("ADD", PICTURE, PICTURE, [np.array([1], np.float32)], activation=5), "activation sign_bit"),
        (one("DEQUANTIZE", (4,), (4,), []), "know beforehand"),
    ],
)
def test_what_is_not_converted_is_named(data: bytes, why: str) -> None:
    with pytest.raises(RefusalError, match=why):
        export(read_network(data))


def test_a_network_of_whole_numbers_is_refused() -> None:
    made = Made()
    entry = made.tensor(1, 4, dtype="int8")
    out = made.operation("RELU", [entry], made.tensor(1, 4, dtype="int8"))
    with pytest.raises(RefusalError, match="int8"):
        export(read_network(made.file([entry], [out])))


@pytest.mark.parametrize("kind", ["CONV_2D", "FULLY_CONNECTED", "RESHAPE", "CONCATENATION"])
def test_an_operation_without_its_inputs_is_refused(kind: str) -> None:
    made = Made()
    entry = made.tensor(1, 4, 4, 1)
    out = made.operation(kind, [], made.tensor(1, 4, 4, 1))
    with pytest.raises(RefusalError):
        export(read_network(made.file([entry], [out])))
