"""TensorFlow Lite's operators in ONNX: one function each, by their definitions in tensorflow/lite/kernels."""

from collections.abc import Callable

import numpy as np

from convert.errors import RefusalError
from convert.tflite.exporter import Exporter
from convert.tflite.reader import Operation
from convert.tflite.schema import SAME

OPERATORS: dict[str, Callable[[Exporter, Operation], None]] = {}

_SPATIAL = {1, 2}


def _operator(*kinds: str) -> Callable[[Callable[[Exporter, Operation], None]], Callable[[Exporter, Operation], None]]:
    def register(function: Callable[[Exporter, Operation], None]) -> Callable[[Exporter, Operation], None]:
        OPERATORS.update(dict.fromkeys(kinds, function))
        return function

    return register


@_operator("DEQUANTIZE")
def _dequantize(exporter: Exporter, operation: Operation) -> None:
    """Half to single precision."""
    values = exporter.known(operation.inputs[0], operation)
    if values.dtype != np.float16:
        raise RefusalError(f"DEQUANTIZE of {values.dtype} is not converted; only of float16.")
    exporter.fold(operation.outputs[0], values.astype(np.float32))


@_operator("DENSIFY")
def _densify(exporter: Exporter, operation: Operation) -> None:
    """Nothing is left to do: the reader expands sparse constants."""
    exporter.fold(operation.outputs[0], exporter.known(operation.inputs[0], operation))


@_operator("CONV_2D", "DEPTHWISE_CONV_2D")
def _convolution(exporter: Exporter, operation: Operation) -> None:
    """Weights lie (out, h, w, in), those of a depthwise one (1, h, w, in × multiplier)."""
    weight = exporter.known(operation.inputs[1], operation)
    source = exporter.shape(operation.inputs[0])
    if weight.ndim != 4 or len(source) != 4:
        raise RefusalError(f"{operation.kind} of {len(source)} axes with weights of {weight.ndim} is not converted.")
    depthwise = operation.kind.startswith("DEPTHWISE")
    weight = weight.transpose(3, 0, 1, 2) if depthwise else weight.transpose(0, 3, 1, 2)
    options = operation.options
    kernel, strides = weight.shape[2:], (int(options["stride_h"]), int(options["stride_w"]))
    dilations = int(options["dilation_h"]), int(options["dilation_w"])
    inputs = [exporter.value(operation.inputs[0]), exporter.graph.constant(weight, np.float32)]
    if len(operation.inputs) > 2 and operation.inputs[2] >= 0:
        inputs.append(exporter.graph.constant(exporter.known(operation.inputs[2], operation), np.float32))
    group = source[3] if depthwise else source[3] // weight.shape[1]
    result = exporter.graph.op(
        "Conv",
        *inputs,
        kernel_shape=[*kernel],
        strides=[*strides],
        dilations=[*dilations],
        pads=_pads(options["padding"], source[1:3], kernel, strides, dilations),
        group=group,
    )
    exporter.give(operation, result)


@_operator("MAX_POOL_2D", "AVERAGE_POOL_2D")
def _pool(exporter: Exporter, operation: Operation) -> None:
    options = operation.options
    kernel = int(options["filter_h"]), int(options["filter_w"])
    strides = int(options["stride_h"]), int(options["stride_w"])
    source = exporter.shape(operation.inputs[0])
    result = exporter.graph.op(
        "MaxPool" if operation.kind.startswith("MAX") else "AveragePool",
        exporter.value(operation.inputs[0]),
        kernel_shape=[*kernel],
        strides=[*strides],
        pads=_pads(options["padding"], source[1:3], kernel, strides, (1, 1)),
    )
    exporter.give(operation, result)


_BINARY = {"ADD": "Add", "MUL": "Mul", "SUB": "Sub"}


@_operator(*_BINARY)
def _binary(exporter: Exporter, operation: Operation) -> None:
    rank = len(exporter.shape(operation.outputs[0]))
    first, second = (exporter.value(index, rank) for index in operation.inputs)
    exporter.give(operation, exporter.graph.op(_BINARY[operation.kind], first, second))


_UNARY = {"RELU": "Relu", "LOGISTIC": "Sigmoid", "TANH": "Tanh"}


@_operator(*_UNARY)
def _unary(exporter: Exporter, operation: Operation) -> None:
    exporter.give(operation, exporter.graph.op(_UNARY[operation.kind], exporter.value(operation.inputs[0])))


@_operator("PRELU")
def _prelu(exporter: Exporter, operation: Operation) -> None:
    rank = len(exporter.shape(operation.inputs[0]))
    slope = exporter.value(operation.inputs[1], rank)
    exporter.give(operation, exporter.graph.op("PRelu", exporter.value(operation.inputs[0]), slope))


@_operator("SOFTMAX")
def _softmax(exporter: Exporter, operation: Operation) -> None:
    source = exporter.as_stored(operation.inputs[0])
    beta = operation.options["beta"]
    if beta != 1:
        source = exporter.graph.op("Mul", source, exporter.graph.constant(np.float32(beta)))
    exporter.give_as_stored(operation, exporter.graph.op("Softmax", source, axis=-1))


@_operator("MEAN")
def _mean(exporter: Exporter, operation: Operation) -> None:
    rank = len(exporter.shape(operation.inputs[0]))
    axes = [int(axis) % rank for axis in exporter.known(operation.inputs[1], operation).ravel()]
    keep = bool(operation.options["keep_dims"])
    if rank == 4 and set(axes) == _SPATIAL:
        pooled = exporter.graph.op("GlobalAveragePool", exporter.value(operation.inputs[0]))
        exporter.give(operation, pooled if keep else exporter.graph.op("Flatten", pooled, axis=1))
        return
    source = exporter.as_stored(operation.inputs[0])
    exporter.give_as_stored(operation, exporter.graph.op("ReduceMean", source, axes=axes, keepdims=int(keep)))


@_operator("FULLY_CONNECTED")
def _fully_connected(exporter: Exporter, operation: Operation) -> None:
    """Weights lie (out, in); what comes in is flattened to rows of `in`."""
    weight = exporter.known(operation.inputs[1], operation)
    if operation.options["format"] != 0 or weight.ndim != 2:
        raise RefusalError("FULLY_CONNECTED with shuffled weights is not converted.")
    graph = exporter.graph
    rows = graph.op("Reshape", exporter.as_stored(operation.inputs[0]), graph.constant([-1, weight.shape[1]], np.int64))
    inputs = [rows, graph.constant(weight, np.float32)]
    if len(operation.inputs) > 2 and operation.inputs[2] >= 0:
        inputs.append(graph.constant(exporter.known(operation.inputs[2], operation), np.float32))
    result = graph.op("Gemm", *inputs, transB=1)
    shape = exporter.shape(operation.outputs[0])
    if len(shape) != 2:
        result = graph.op("Reshape", result, graph.constant([-1, *shape[1:]], np.int64))
    exporter.give_as_stored(operation, result)


@_operator("RESHAPE")
def _reshape(exporter: Exporter, operation: Operation) -> None:
    """The number of rows stays free where the file's stays what it was."""
    before, after = (exporter.shape(index) for index in (operation.inputs[0], operation.outputs[0]))
    free = bool(before) and bool(after) and before[0] == after[0]
    shape = exporter.graph.constant([0, *after[1:]] if free else after, np.int64)
    result = exporter.graph.op("Reshape", exporter.as_stored(operation.inputs[0]), shape)
    exporter.give_as_stored(operation, result)


@_operator("CONCATENATION")
def _concatenation(exporter: Exporter, operation: Operation) -> None:
    rank = len(exporter.shape(operation.outputs[0]))
    axis = _axis(int(operation.options["axis"]), rank)
    exporter.give(operation, exporter.graph.op("Concat", *map(exporter.value, operation.inputs), axis=axis))


@_operator("PAD")
def _pad(exporter: Exporter, operation: Operation) -> None:
    source = exporter.shape(operation.inputs[0])
    before_after = exporter.known(operation.inputs[1], operation).reshape(-1, 2)
    if len(before_after) != len(source):
        raise RefusalError(f"PAD of {len(before_after)} axes does not fit a tensor of {len(source)}.")
    if len(source) == 4:
        before_after = before_after[[0, 3, 1, 2]]
    pads = exporter.graph.constant(before_after.T.ravel(), np.int64)
    exporter.give(operation, exporter.graph.op("Pad", exporter.value(operation.inputs[0]), pads))


@_operator("RESIZE_BILINEAR")
def _resize_bilinear(exporter: Exporter, operation: Operation) -> None:
    (height, width), (tall, wide) = (exporter.shape(i)[1:3] for i in (operation.inputs[0], operation.outputs[0]))
    options = operation.options
    mode = "align_corners" if options["align_corners"] else "asymmetric"
    scales = exporter.graph.constant([1, 1, tall / height, wide / width], np.float32)
    result = exporter.graph.op(
        "Resize",
        exporter.value(operation.inputs[0]),
        "",
        scales,
        mode="linear",
        coordinate_transformation_mode="half_pixel" if options["half_pixel_centers"] else mode,
    )
    exporter.give(operation, result)


@_operator("DEPTH_TO_SPACE")
def _depth_to_space(exporter: Exporter, operation: Operation) -> None:
    source, block = exporter.value(operation.inputs[0]), int(operation.options["block"])
    exporter.give(operation, exporter.graph.op("DepthToSpace", source, blocksize=block, mode="DCR"))


@_operator("STRIDED_SLICE")
def _strided_slice(exporter: Exporter, operation: Operation) -> None:
    """Slices of all axes but the first, which is the rows'."""
    options, source = operation.options, exporter.shape(operation.inputs[0])
    if any(options[mask] for mask in ("ellipsis_mask", "new_axis_mask", "shrink_axis_mask")):
        raise RefusalError("STRIDED_SLICE that adds or drops axes is not converted.")
    begin, end, step = ([int(v) for v in exporter.known(index, operation)] for index in operation.inputs[1:4])
    rank = len(source)
    first = [0 if int(options["begin_mask"]) >> axis & 1 else begin[axis] for axis in range(rank)]
    last = [source[axis] if int(options["end_mask"]) >> axis & 1 else end[axis] for axis in range(rank)]
    axes = range(1, rank)
    slices = (
        [first[i] for i in axes],
        [last[i] for i in axes],
        [_axis(i, rank) for i in axes],
        [step[i] for i in axes],
    )
    vectors = [exporter.graph.constant(values, np.int64) for values in slices]
    exporter.give(operation, exporter.graph.op("Slice", exporter.value(operation.inputs[0]), *vectors))


def _axis(axis: int, rank: int) -> int:
    """Where an axis of the file lies in the graph."""
    axis %= rank
    return (0, 2, 3, 1)[axis] if rank == 4 else axis


def _pads(
    padding: float,
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> list[int]:
    """ONNX's pads: tops, then bottoms. SAME keeps size / stride, rounded up; the odd one is at the end."""
    before, after = [], []
    for size, length, stride, dilation in zip(sizes, kernel, strides, dilations, strict=True):
        reach = (length - 1) * dilation + 1
        missing = max((-(-size // stride) - 1) * stride + reach - size, 0) if padding == SAME else 0
        before.append(missing // 2)
        after.append(missing - missing // 2)
    return [*before, *after]
