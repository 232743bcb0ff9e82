"""Weights to layers: by layer name and order (.h5 of all versions), or by the path of objects (.keras)."""

import re
from collections.abc import Iterator

import h5py
import numpy as np

from convert.errors import RefusalError
from convert.graph.layer_graph import Array
from convert.keras.declared import Part
from convert.keras.hdf5 import Tree, read_array, read_names_attribute, read_tree
from convert.keras.roles import OPTIONAL_ROLES, list_roles

_STATE_NAMES = ("seed_generator_state", "StateVar", "/count", "iteration")
_ADVICE = "The weights do not belong to this architecture, or the file is damaged."

Slot = tuple[Part, str]


def assign_layered(model: Part, root: h5py.Group, keras: int) -> None:
    """Fill the weights of all layers from groups by layer name, whose `weight_names` keep the order."""
    names = read_names_attribute(root, "layer_names") or []
    holders = [part for part in model.children if list(_slots(part))]
    groups = {name: root[name] for name in names if name in root}
    stored = [name for name in names if name in groups and _weight_names(groups[name])]
    for position, part in enumerate(holders):
        group = groups.get(part.name)
        if group is None and len(stored) == len(holders):
            group = groups[stored[position]]  # renamed after saving: Keras itself goes by order
        if group is None:
            raise RefusalError(f"The file has no weights for the layer {part.place}.", _ADVICE)
        _fill(part, group, keras)


def assign_by_path(model: Part, root: h5py.Group) -> None:
    """Fill the weights of all layers from the tree of objects that Keras 3 writes."""
    _visit(model, read_tree(root))


def _fill(part: Part, group: h5py.Group, keras: int) -> None:
    names = [name for name in _weight_names(group) if not _is_state(name)]
    arrays = [read_array(_dataset(group, name)) for name in names]
    if keras == 1:
        arrays = _from_keras1(part, arrays)
    slots = [slot for slot in _slots(part) if slot[1] not in OPTIONAL_ROLES]
    if len(slots) != len(arrays):
        raise RefusalError(
            f"The layer {part.place} ({part.kind}) takes {len(slots)} weights; the file has {len(arrays)}: "
            f"{', '.join(names[:6])}.",
            _ADVICE,
        )
    for (leaf, role), array in zip(_ordered(slots, names), arrays, strict=True):
        leaf.weights[role] = array


def _ordered(slots: list[Slot], names: list[str]) -> list[Slot]:
    """The slots in the file's order: by order where the names agree, else by the names themselves."""
    if all(_fits(slot, name) for slot, name in zip(slots, names, strict=True)):
        return slots
    by_name = {}
    for slot in slots:
        matches = [name for name in names if _fits(slot, name) and f"/{slot[0].name}/" in f"/{name}"]
        if len(matches) == 1:
            by_name[matches[0]] = slot
    return [by_name[name] for name in names] if len(by_name) == len(names) else slots


def _fits(slot: Slot, name: str) -> bool:
    return _last(name) == slot[1]


def _last(name: str) -> str:
    return re.sub(r"(_\d+)?(:\d+)?$", "", name.rsplit("/", 1)[-1])


def _slots(part: Part) -> list[Slot]:
    """All weights below a layer or nested model in Keras' order: the trainable first."""
    return [*_trainable(part), *_fixed(part)]


def _own(part: Part) -> tuple[list[Slot], list[Slot]]:
    if part.children:
        return [], []
    trainable, fixed = list_roles(part.kind, part.config)
    return [(part, role) for role in trainable], [(part, role) for role in fixed]


def _trainable(part: Part) -> Iterator[Slot]:
    if not part.trainable:
        return
    yield from _own(part)[0]
    for child in part.children:
        yield from _trainable(child)


def _fixed(part: Part) -> Iterator[Slot]:
    trainable, fixed = _own(part)
    if not part.trainable:
        yield from trainable
    yield from fixed
    for child in part.children:
        if part.trainable:
            yield from _fixed(child)
        else:
            yield from _slots(child)


def _weight_names(group: h5py.Group) -> list[str]:
    return read_names_attribute(group, "weight_names") or []


def _is_state(name: str) -> bool:
    return any(mark in name for mark in _STATE_NAMES)


def _dataset(group: h5py.Group, name: str) -> h5py.Dataset:
    item = group.get(name)
    if not isinstance(item, h5py.Dataset):
        raise RefusalError(f"The weight {group.name}/{name} is listed, but not there.", "The file is damaged.")
    return item


def _from_keras1(part: Part, arrays: list[Array]) -> list[Array]:
    """Keras 1 kept one array a gate, and kernels of convolutions in other orders."""
    if part.kind == "LSTM" and len(arrays) == 12:
        gates = [arrays[3 * k : 3 * k + 3] for k in (0, 2, 1, 3)]  # kept as i, c, f, o; wanted i, f, c, o
        return [np.concatenate([gate[k] for gate in gates], axis=-1) for k in range(3)]
    if part.kind == "GRU" and len(arrays) == 9:
        gates = [arrays[3 * k : 3 * k + 3] for k in range(3)]
        return [np.concatenate([gate[k] for gate in gates], axis=-1) for k in range(3)]
    if part.kind == "Conv1D" and arrays and arrays[0].ndim == 4:
        kernel = arrays[0]
        if kernel.shape[1] != 1:  # the older order: filters, inputs, length, 1
            kernel = kernel.transpose(2, 3, 1, 0)[::-1]
        return [kernel[:, 0], *arrays[1:]]
    if part.kind in ("Conv2D", "Conv3D") and arrays and part.config.get("data_format") == "channels_first":
        spatial = tuple(range(2, arrays[0].ndim))
        return [arrays[0].transpose(*spatial, 1, 0), *arrays[1:]]
    return arrays


def _visit(part: Part, group: Tree) -> None:
    if part.is_model:
        layers = _child(group, ("layers", "_layer_checkpoint_dependencies"))
        counts: dict[str, int] = {}
        for child in part.children:
            base = snake_case(child.entry.get("class_name", child.kind))
            number = counts.get(base, 0)
            counts[base] = number + 1
            name = f"{base}_{number}" if number else base
            below = layers.get(name) if layers is not None else None
            if list(_slots(child)):
                if not isinstance(below, dict):
                    raise RefusalError(f"The file has no weights for the layer {child.place} (at {name}).", _ADVICE)
                _visit(child, below)
        return
    if part.children:
        for child in part.children:
            below = _child(group, (f"{child.role}_layer", child.role))
            if below is None:
                raise RefusalError(f"The file has no weights for the layer {child.place}.", _ADVICE)
            _visit(child, below)
        return
    _fill_from_variables(part, group)


def _fill_from_variables(part: Part, group: Tree) -> None:
    roles = [role for pair in list_roles(part.kind, part.config) for role in pair]
    if part.kind == "MultiHeadAttention":
        for role in roles:
            head, variable = role.split("_")
            below = _child(group, (f"{head}_dense", f"_{head}_dense"))
            part.weights[role] = _variable(part, below, 0 if variable == "kernel" else 1)
        return
    holder = _child(group, ("cell",)) if part.kind in ("LSTM", "GRU", "SimpleRNN") else group
    for index, role in enumerate(roles):
        if role not in OPTIONAL_ROLES:
            part.weights[role] = _variable(part, holder, index)


def _variable(part: Part, group: Tree | None, index: int) -> Array:
    variables = group.get("vars") if group is not None else None
    item = variables.get(str(index)) if isinstance(variables, dict) else None
    if not isinstance(item, h5py.Dataset):
        raise RefusalError(f"The layer {part.place} ({part.kind}) misses its weight {index}.", _ADVICE)
    return read_array(item)


def _child(group: Tree, names: tuple[str, ...]) -> Tree | None:
    for name in names:
        below = group.get(name)
        if isinstance(below, dict):
            return below
    return None


def snake_case(class_name: str) -> str:
    """A class name as Keras 3 writes it in paths: BatchNormalization → batch_normalization, Conv1D → conv1d."""
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()
