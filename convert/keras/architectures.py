"""Architectures that are known by name, for weights that are passed on without theirs."""

from dataclasses import dataclass

import h5py
import numpy as np

from convert.errors import CallError, RefusalError
from convert.graph.layer_graph import Array, Config
from convert.keras.archive import Archive
from convert.keras.declared import Part
from convert.keras.hdf5 import read_names_attribute

ARCHITECTURES = ("c3d",)

C3D_FEATURES = "fc7"
C3D_INPUT = (16, 112, 112, 3)
"""Frames, height, width, channels of one chunk."""

_CONVOLUTIONS = (
    ("conv1", 64, "pool1"), ("conv2", 128, "pool2"), ("conv3a", 256, ""), ("conv3b", 256, "pool3"),
    ("conv4a", 512, ""), ("conv4b", 512, "pool4"), ("conv5a", 512, ""), ("conv5b", 512, "pool5"),
)  # fmt: skip
_THEANO = (
    "its convolutions are kept in Theano's order: turned round and brought to channels last, as Theano computes them"
)


@dataclass(frozen=True, slots=True)
class Known:
    """A network by name. features: it ends in its features, not in classes."""

    name: str
    features: bool = False


def build_known_config(known: Known, archive: Archive) -> Config:
    """The architecture in Keras' own words, fit to what the file holds. CallError for an unknown name."""
    if known.name not in ARCHITECTURES:
        raise CallError(f"There is no architecture {known.name!r}.", f"Known are: {', '.join(ARCHITECTURES)}.")
    headless = known.features and _weighted(archive) == len(_CONVOLUTIONS) + 2
    return c3d(classes=None if headless else 487)


def c3d(classes: int | None = 487) -> Config:
    """The C3D network of Tran et al. (2015) as its Keras ports name it; without classes it ends in fc7.

    Sizes of layers are those of the weights; the figures here are the original's.
    """
    layers: list[Config] = [_layer("InputLayer", "chunk", batch_input_shape=[None, *C3D_INPUT])]
    for name, filters, pool in _CONVOLUTIONS:
        layers.append(
            _layer("Conv3D", name, filters=filters, kernel_size=3, padding="same", use_bias=True, activation="relu")
        )
        if pool == "pool5":
            layers.append(_layer("ZeroPadding3D", "zeropad5", padding=[[0, 0], [1, 1], [1, 1]]))
        if pool:
            window = [1, 2, 2] if pool == "pool1" else [2, 2, 2]
            layers.append(_layer("MaxPooling3D", pool, pool_size=window, strides=window, padding="valid"))
    layers.append(_layer("Flatten", "flatten"))
    layers += [_layer("Dense", name, units=4096, use_bias=True, activation="relu") for name in ("fc6", C3D_FEATURES)]
    if classes is not None:
        layers.append(_layer("Dense", "fc8", units=classes, use_bias=True, activation="softmax"))
    return {"class_name": "Sequential", "config": {"name": "c3d", "layers": layers}}


def resolve_weights(known: Known, model: Part) -> list[str]:
    """Bring the weights to our order of axes and cut the model where its features are; what a person should know."""
    layers = {child.name: child for child in model.children}
    if known.features:
        model.children = model.children[: model.children.index(layers[C3D_FEATURES]) + 1]
    if not _in_theanos_order(layers["conv1"].weights["kernel"]):
        return []
    for name, _, _ in _CONVOLUTIONS:
        kernel = layers[name].weights["kernel"]
        layers[name].weights["kernel"] = np.ascontiguousarray(kernel[..., ::-1, ::-1, ::-1].transpose(2, 3, 4, 1, 0))
    filters = layers["conv5b"].weights["kernel"].shape[-1]
    wide = layers["fc6"].weights["kernel"]
    places = wide.shape[0] // filters
    if places * filters != wide.shape[0]:
        raise RefusalError(f"fc6 takes {wide.shape[0]} numbers, conv5b has {filters} filters.", "It is no C3D.")
    layers["fc6"].weights["kernel"] = np.ascontiguousarray(
        wide.reshape(filters, places, -1).transpose(1, 0, 2).reshape(wide.shape)
    )
    return [_THEANO]


def resembles_c3d(archive: Archive) -> bool:
    """Whether weights without an architecture have the names of a C3D's layers."""
    names = set(read_names_attribute(archive.weights, "layer_names") or []) if archive.layered else set()
    return {"conv1", "conv5b", "fc6"} <= names


def _in_theanos_order(kernel: Array) -> bool:
    """Filters × channels × frames × height × width, where frames, height and width are 3."""
    return kernel.ndim == 5 and kernel.shape[2:] == (3, 3, 3) and kernel.shape[:3] != (3, 3, 3)


def _weighted(archive: Archive) -> int:
    """How many layers of the file hold weights."""
    if not archive.layered:
        found: list[str] = []
        archive.weights.visititems(lambda name, item: _note_bias(name, item, found))
        return len(found)
    groups = [archive.weights.get(name) for name in read_names_attribute(archive.weights, "layer_names") or []]
    return sum(bool(read_names_attribute(group, "weight_names")) for group in groups if isinstance(group, h5py.Group))


def _note_bias(name: str, item: h5py.Group | h5py.Dataset, found: list[str]) -> None:
    if isinstance(item, h5py.Dataset) and f"/{name}".endswith("/vars/1") and not name.startswith("optimizer"):
        found.append(name)


def _layer(kind: str, name: str, **config: object) -> Config:
    return {"class_name": kind, "config": {"name": name, "trainable": True, **config}}
