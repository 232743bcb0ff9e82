"""Small models of pixels, whose answers can be worked out by hand: means of colors, and a head over them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from service.registry.manifest import Manifest
from service.registry.store import Store
from tests.service.registry.graphs import draft, serialized

COLORS = ("red", "green", "blue")
TIME = {"window_s": 1.0, "stride_s": 0.5, "min_duration_s": 0.2, "merge_gap_s": 0.1}


def mean_of_pixels(shape: Sequence[int]) -> bytes:
    """y = the mean of each channel of x, whose last axis is the channels."""

    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x"], ["y"], axes=list(range(1, len(shape))), keepdims=0)],
        "means",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", shape[-1]])],
    )
    return serialized(graph)


def sum_of_steps(steps: int, width: int) -> bytes:
    """y = the sum of x over its steps."""
    graph = helper.make_graph(
        [helper.make_node("ReduceSum", ["x", "time"], ["y"], keepdims=0)],
        "sums",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", steps, width])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", width])],
        [numpy_helper.from_array(np.array([1], np.int64), "time")],
    )
    return serialized(graph)


def publish_means(
    root: Path, name: str, pipeline: Mapping[str, object], shape: Sequence[int], **changes: object
) -> Manifest:
    """A model whose probabilities are the softmax of the mean of each channel."""
    fields = draft(
        name,
        labels=list(COLORS),
        pipeline=pipeline,
        time=TIME,
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", *shape], "from": "track"}],
        output={"name": "y", "shape": ["batch", shape[-1]], "activation": "softmax"},
    )
    return Store(root).publish({**fields, **changes}, {"model.onnx": mean_of_pixels(shape)})


EMOTIONS = ("red", "green", "blue")
AFFECT = (*EMOTIONS, "valence", "arousal")


def emotions_of_pixels(side: int) -> bytes:
    """y = the mean of each color / 25.5, red − green, blue / 255, of uint8 pictures with the channels first."""
    weights = np.zeros((3, 5), np.float32)
    weights[range(3), range(3)] = 1 / 25.5
    weights[:, 3], weights[:, 4] = (1 / 255, -1 / 255, 0), (0, 0, 1 / 255)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["levels"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["levels"], ["means"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["means", "weights"], ["y"]),
        ],
        "emotions",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, ["batch", 3, side, side])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 5])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return serialized(graph)


def publish_emotions(root: Path, name: str = "emotions", *, features: bool = False, **section: object) -> Manifest:
    """A model of emotions whose logits are the mean colors of faces, with valence and arousal beside them.

    features: of the same numbers without their names.
    """
    output: dict[str, object] = {"name": "y", "shape": ["batch", 5], "activation": "softmax", "channels": list(AFFECT)}
    fields = draft(
        name,
        task="features" if features else "affect",
        labels=None if features else list(EMOTIONS),
        pipeline={"kind": "face_affect", "resize": {"w": 8, "h": 8, "library": "pillow"}, "dtype": "uint8", **section},
        time={"window_s": 2.0, "stride_s": 0.5, "whole_clip": True},
        inputs=[{"name": "x", "dtype": "uint8", "shape": ["batch", 3, 8, 8], "from": "track"}],
        output={"name": "y", "shape": ["batch", 5], "activation": "none"} if features else output,
    )
    return Store(root).publish(fields, {"model.onnx": emotions_of_pixels(8)})


def publish_clip_models(root: Path, frames: int = 32, chunk: int = 4) -> None:
    """`chunk-means`, and the head `clip-color` over `frames` of its frames."""
    size = {"w": 4, "h": 4, "method": "area", "library": "opencv"}
    pipeline = {
        "kind": "chunks", "resize": size, "color": "bgr", "scale": 1 / 255, "frames": frames, "chunk": chunk,
        "sampling": {"every": 1, "fps": 30},
    }  # fmt: skip
    publish_means(
        root, "chunk-means", pipeline, (chunk, 4, 4, 3), task="features", labels=None, time=None,
        output={"name": "y", "shape": ["batch", 3], "activation": "none"},
    )  # fmt: skip
    steps = frames // chunk
    fields = draft(
        "clip-color",
        labels=["blue", "green", "red"],
        pipeline={"kind": "series", "length": {"length": steps}},
        requires={"name": "chunk-means", "version": 1},
        time={"window_s": frames / 30, "stride_s": 8 / 30, "whole_clip": True},
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", steps, 3], "from": "track"}],
        output={"name": "y", "shape": ["batch", 3], "activation": "softmax"},
    )
    Store(root).publish(fields, {"model.onnx": sum_of_steps(steps, 3)})


def publish_clip_means(
    root: Path, name: str, pipeline: dict[str, object], keep: int, labels: Sequence[str], **changes: object
) -> Manifest:
    """A model of clips (channels, time, height, width) that answers with means along an axis: 1 channels, 2 time."""
    shape = [3, pipeline["sampling"]["uniform"], pipeline["crop"], pipeline["crop"]]  # type: ignore[index]
    axes = [axis for axis in (1, 2, 3, 4) if axis != keep]
    graph = helper.make_graph(
        [helper.make_node("ReduceMean", ["x"], ["y"], axes=axes, keepdims=0)],
        "means",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", len(labels)])],
    )
    fields = draft(
        name,
        labels=list(labels),
        pipeline={"kind": "clip", **pipeline},
        time={"window_s": 1.0, "stride_s": 0.25, "min_duration_s": 0.2, "merge_gap_s": 0.1},
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", *shape], "from": "track"}],
        output={"name": "y", "shape": ["batch", len(labels)], "activation": "softmax"},
    )
    return Store(root).publish({**fields, **changes}, {"model.onnx": serialized(graph)})
