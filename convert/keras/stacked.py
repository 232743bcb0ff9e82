"""The common action network (LSTM layers, then Dense layers) for weights that are passed on without it."""

import re

import h5py

from convert.errors import RefusalError
from convert.graph.layer_graph import Config
from convert.keras.archive import Archive
from convert.keras.hdf5 import read_names_attribute

STEPS = 30
ASSUMED = (
    f"its structure is assumed: {STEPS} steps, relu in every layer, softmax at the end, as the common "
    "action.h5 has them (--architecture model.json says otherwise)"
)
_LSTM_GATES = 4

Shapes = list[tuple[int, ...]]


def resembles_stack(archive: Archive) -> bool:
    """Whether weights without an architecture are those of LSTM layers and then Dense layers, and of nothing else."""
    kinds = [_identify(shapes) for _, shapes in _list_layers(archive)]
    return {"LSTM", "Dense"} == set(kinds) and kinds == sorted(kinds, key=lambda kind: kind == "Dense")


def build_stack(archive: Archive) -> Config:
    """The architecture in Keras' own words, sizes by the weights. RefusalError where they are of another network."""
    if not resembles_stack(archive):
        raise RefusalError(
            "The weights are not those of LSTM layers and then Dense layers.",
            "Give what model.to_json() writes with --architecture model.json.",
        )
    listed = _list_layers(archive)
    recurrent = [name for name, shapes in listed if _identify(shapes) == "LSTM"]
    layers: list[Config] = [_layer("InputLayer", "steps", batch_input_shape=[None, STEPS, listed[0][1][0][0]])]
    for name, shapes in listed:
        if name in recurrent:
            settings = {"units": shapes[1][0], "activation": "relu", "return_sequences": name != recurrent[-1]}
            layers.append(_layer("LSTM", name, use_bias=len(shapes) > 2, **settings))
        else:
            function = "softmax" if name == listed[-1][0] else "relu"
            layers.append(_layer("Dense", name, units=shapes[0][1], use_bias=len(shapes) > 1, activation=function))
    return {"class_name": "Sequential", "config": {"name": "action", "layers": layers}}


def _identify(shapes: Shapes) -> str:
    """A layer's kind by the shapes of its weights; "" for any other."""
    matrices = [shape for shape in shapes if len(shape) == 2]
    biases = [shape for shape in shapes if len(shape) == 1]
    if len(matrices) + len(biases) != len(shapes) or len(biases) > 1:
        return ""
    if len(matrices) == 2 and matrices[0][1] == matrices[1][1] == _LSTM_GATES * matrices[1][0]:
        return "LSTM"
    return "Dense" if len(matrices) == 1 else ""


def _list_layers(archive: Archive) -> list[tuple[str, Shapes]]:
    """The layers that have weights, in order, with the shapes of these."""
    found = []
    if archive.layered:
        for name in read_names_attribute(archive.weights, "layer_names") or []:
            group = archive.weights.get(name)
            if isinstance(group, h5py.Group):
                items = [group.get(one) for one in read_names_attribute(group, "weight_names") or []]
                found.append((name, [one.shape for one in items if isinstance(one, h5py.Dataset)]))
        return [(name, shapes) for name, shapes in found if shapes]
    for place in ("layers", "_layer_checkpoint_dependencies"):
        layers = archive.weights.get(place)
        if isinstance(layers, h5py.Group):
            found = [(name, _list_variables(group)) for name, group in layers.items()]
    return sorted(((name, shapes) for name, shapes in found if shapes), key=_order)


def _list_variables(group: object) -> Shapes:
    """The shapes of a layer's variables, of its cell where it has one, in their order."""
    holder = group.get("cell", group) if isinstance(group, h5py.Group) else None
    variables = holder.get("vars") if isinstance(holder, h5py.Group) else None
    if not isinstance(variables, h5py.Group):
        return []
    return [variables[key].shape for key in sorted(variables, key=int) if key.isdigit()]


def _order(entry: tuple[str, Shapes]) -> tuple[bool, int]:
    """LSTM layers first, each kind by its number: lstm, lstm_1, …, dense, dense_1."""
    name, shapes = entry
    number = re.search(r"_(\d+)$", name)
    return _identify(shapes) == "Dense", int(number.group(1)) if number else 0


def _layer(kind: str, name: str, **config: object) -> Config:
    return {"class_name": kind, "config": {"name": name, "trainable": True, **config}}
