"""LayerGraph: what every dialect of Keras file becomes, and how it crosses from the reading process."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Config = dict[str, Any]
Setting = Any
"""A value of a config: whatever JSON holds."""
Shape = tuple[int | None, ...]
"""Sizes of a tensor, batch first; None where the size is known only at run time."""

PLACEHOLDER = "__input__"
"""Marks, in a call's arguments, the number of the input that stands there."""

GRAPH_FILE = "graph.json"
WEIGHTS_FILE = "weights.bin"


@dataclass(frozen=True, slots=True)
class Layer:
    """A Keras layer.

    name: its place in the model, outer models first ("encoder/dense_1"); kind: its class name in Keras 2 and 3;
    keras: major version of the Keras that wrote it; weights: role → array as Keras keeps it ("kernel": in × out);
    inner: what a wrapper wraps ("layer", or "forward" and "backward"); arguments: those of this call.
    """

    name: str
    kind: str
    config: Config
    keras: int
    weights: dict[str, Array] = field(default_factory=dict)
    inner: dict[str, "Layer"] = field(default_factory=dict)
    arguments: Config = field(default_factory=dict)

    def walk(self) -> Iterator["Layer"]:
        """This layer and all that it wraps."""
        yield self
        for layer in self.inner.values():
            yield from layer.walk()


@dataclass(frozen=True, slots=True)
class Ref:
    """One output of a call (or of an input, index 0)."""

    call: str
    index: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a layer. A shared layer is called several times under different names.

    masks: for the first inputs, the tensors that the call itself gives as their masks (None: whatever they carry).
    """

    name: str
    layer: Layer
    inputs: tuple[Ref, ...]
    masks: tuple[Ref | None, ...] = ()

    @property
    def reads(self) -> tuple[Ref, ...]:
        """All that has to be made before."""
        return (*self.inputs, *(ref for ref in self.masks if ref is not None))


@dataclass(frozen=True, slots=True)
class GraphInput:
    """An input of the model; shape with the batch, which is always free."""

    name: str
    shape: Shape
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class LayerGraph:
    """A whole model: calls in an order in which they can run."""

    name: str
    keras_version: str
    inputs: tuple[GraphInput, ...]
    outputs: tuple[Ref, ...]
    calls: tuple[Call, ...]
    warnings: tuple[str, ...] = ()

    @property
    def parameters(self) -> int:
        """Numbers in all weights; a shared layer's count once."""
        arrays = {
            id(array): array.size for call in self.calls for one in call.layer.walk() for array in one.weights.values()
        }
        return sum(arrays.values())


def write_graph(graph: LayerGraph, folder: Path) -> None:
    """Leave the graph in a folder: JSON for the structure, one file of raw float32 for the weights."""
    offsets: dict[int, tuple[int, Array]] = {}
    position = 0
    with (folder / WEIGHTS_FILE).open("wb") as target:
        for array in _arrays(graph):
            if id(array) not in offsets:
                offsets[id(array)] = (position, array)
                target.write(np.ascontiguousarray(array, dtype="<f4").data)
                position += array.size

    def layer(one: Layer) -> Config:
        return {
            "name": one.name,
            "kind": one.kind,
            "config": one.config,
            "keras": one.keras,
            "weights": {role: [offsets[id(array)][0], list(array.shape)] for role, array in one.weights.items()},
            "inner": {role: layer(wrapped) for role, wrapped in one.inner.items()},
            "arguments": one.arguments,
        }

    document = {
        "name": graph.name,
        "keras_version": graph.keras_version,
        "inputs": [{"name": one.name, "shape": one.shape, "dtype": one.dtype} for one in graph.inputs],
        "outputs": [[ref.call, ref.index] for ref in graph.outputs],
        "calls": [
            {
                "name": call.name,
                "layer": layer(call.layer),
                "inputs": [[ref.call, ref.index] for ref in call.inputs],
                "masks": [None if ref is None else [ref.call, ref.index] for ref in call.masks],
            }
            for call in graph.calls
        ],
        "warnings": graph.warnings,
    }
    (folder / GRAPH_FILE).write_text(json.dumps(document), encoding="utf-8")


def read_graph(folder: Path) -> LayerGraph:
    """The graph that `write_graph` left; weights stay on the disk until they are used."""
    document = json.loads((folder / GRAPH_FILE).read_text(encoding="utf-8"))
    weights_file = folder / WEIGHTS_FILE
    total = weights_file.stat().st_size // 4
    weights = np.memmap(weights_file, dtype="<f4", mode="r", shape=(total,)) if total else np.zeros(0, np.float32)
    views: dict[int, Array] = {}

    def array(offset: int, shape: list[int]) -> Array:
        size = int(np.prod(shape, dtype=np.int64))
        if size == 0:
            return np.zeros(shape, np.float32)
        return views.setdefault(offset, np.asarray(weights[offset : offset + size]).reshape(shape))

    def layer(one: Config) -> Layer:
        return Layer(
            name=one["name"],
            kind=one["kind"],
            config=one["config"],
            keras=one["keras"],
            weights={role: array(offset, shape) for role, (offset, shape) in one["weights"].items()},
            inner={role: layer(wrapped) for role, wrapped in one["inner"].items()},
            arguments=one["arguments"],
        )

    return LayerGraph(
        name=document["name"],
        keras_version=document["keras_version"],
        inputs=tuple(GraphInput(one["name"], tuple(one["shape"]), one["dtype"]) for one in document["inputs"]),
        outputs=tuple(Ref(call, index) for call, index in document["outputs"]),
        calls=tuple(
            Call(
                one["name"],
                layer(one["layer"]),
                tuple(Ref(call, index) for call, index in one["inputs"]),
                tuple(None if ref is None else Ref(*ref) for ref in one["masks"]),
            )
            for one in document["calls"]
        ),
        warnings=tuple(document["warnings"]),
    )


def _arrays(graph: LayerGraph) -> Iterator[Array]:
    for call in graph.calls:
        for layer in call.layer.walk():
            yield from layer.weights.values()
