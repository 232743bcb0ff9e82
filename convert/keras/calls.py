"""From a declared model to calls in running order: nested models are laid open, shared layers called again."""

from collections import deque
from dataclasses import dataclass, replace

from convert.errors import RefusalError
from convert.graph.layer_graph import PLACEHOLDER, Call, Config, Layer, Ref, Setting
from convert.keras.declared import MAX_LAYERS, Part

_DAMAGED = "The file is damaged."
NodeKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Handle:
    """A reference inside one functional model: output `index` of the `node`-th call of a layer."""

    call: str
    node: int
    index: int


@dataclass(frozen=True, slots=True)
class _Node:
    part: Part
    inputs: tuple[Handle, ...]
    arguments: Config


class Caller:
    """Collects the calls of one file's model."""

    def __init__(self, keras: int) -> None:
        self.keras = keras
        self.calls: list[Call] = []
        self.warnings: list[str] = []
        self._names: dict[str, int] = {}
        self._layers: dict[int, Layer] = {}

    def call_model(self, model: Part, inputs: list[Ref]) -> list[Ref]:
        """Lay a model open on these inputs; its outputs."""
        if model.kind == "Sequential":
            refs = inputs[:1]
            for child in model.children:
                if child.kind != "InputLayer":
                    refs = self._call(child, refs, {})
            return refs
        return self._call_functional(model, inputs)

    @staticmethod
    def collect_refs(spec: Setting) -> list[Handle]:
        """All [layer, node, output] triples of an `input_layers` or `output_layers` entry, in order."""
        if isinstance(spec, dict):
            return [ref for value in spec.values() for ref in Caller.collect_refs(value)]
        if not isinstance(spec, list) or not spec:
            return []
        if isinstance(spec[0], str) and len(spec) >= 3:
            return [Handle(spec[0], int(spec[1]), int(spec[2]))]
        return [ref for value in spec for ref in Caller.collect_refs(value)]

    def _call(self, part: Part, inputs: list[Ref], arguments: Config) -> list[Ref]:
        """One use of a layer or model."""
        if part.is_model:
            return self.call_model(part, inputs)
        if part.kind == "TimeDistributed":
            folded = self._emit(_helper(part, "FoldTime", self.keras), inputs, 1)
            inner = self._call(part.children[0], folded, arguments)
            return self._emit(_helper(part, "UnfoldTime", self.keras), [*inner[:1], inputs[0]], 1)
        layer = self._layers.get(id(part))
        if layer is None:
            layer = make_layer(part, self.keras)
            self._layers[id(part)] = layer
        if part.config.get("stateful"):
            self.warnings.append(f"{part.place} is stateful; here every call starts from its initial state.")
        inputs, masks = _apart(inputs, arguments.get("mask"))
        kept = {key: value for key, value in arguments.items() if key != "mask"}
        return self._emit(replace(layer, arguments=kept), inputs, _outputs_of(part), masks)

    def _emit(self, layer: Layer, inputs: list[Ref], outputs: int, masks: tuple[Ref | None, ...] = ()) -> list[Ref]:
        if len(self.calls) > MAX_LAYERS:
            raise RefusalError(f"The model makes more than {MAX_LAYERS} calls.", "Is it a model?")
        used = self._names.get(layer.name, 0)
        self._names[layer.name] = used + 1
        name = f"{layer.name}#{used}" if used else layer.name
        self.calls.append(Call(name, layer, tuple(inputs), masks))
        return [Ref(name, index) for index in range(outputs)]

    def _call_functional(self, model: Part, inputs: list[Ref]) -> list[Ref]:
        nodes = self._nodes(model)
        inputs_declared = self.collect_refs(model.config.get("input_layers"))
        if len(inputs_declared) != len(inputs):
            raise RefusalError(
                f"The model {model.name} has {len(inputs_declared)} inputs and is given {len(inputs)}.", _DAMAGED
            )
        made: dict[NodeKey, list[Ref]] = {
            (handle.call, handle.node): [ref] for handle, ref in zip(inputs_declared, inputs, strict=True)
        }
        wanted = self.collect_refs(model.config.get("output_layers"))
        for key in _running_order(model, nodes, wanted, set(made)):
            node = nodes[key]
            refs = [_look_up(made, handle) for handle in node.inputs]
            made[key] = self._call(node.part, refs, node.arguments)
        return [_look_up(made, handle) for handle in wanted]

    def _nodes(self, model: Part) -> dict[NodeKey, _Node]:
        nodes: dict[NodeKey, _Node] = {}
        for part in model.children:
            inbound = part.entry.get("inbound_nodes")
            for index, raw in enumerate(inbound if isinstance(inbound, list) else []):
                handles: list[Handle] = []
                arguments = _arguments(raw, handles)
                nodes[part.name, index] = _Node(part, tuple(handles), arguments)
        return _with_own_first_nodes(model, nodes)


def _with_own_first_nodes(model: Part, nodes: dict[NodeKey, _Node]) -> dict[NodeKey, _Node]:
    """Keras 2 counts the calls of a nested model from 1: call 0 is the one that made it, and is not in the file."""
    used: dict[str, int] = {}
    handles = [handle for node in nodes.values() for handle in node.inputs]
    for handle in [*handles, *Caller.collect_refs(model.config.get("output_layers"))]:
        used[handle.call] = max(used.get(handle.call, 0), handle.node)
    counts: dict[str, int] = {}
    for name, _ in nodes:
        counts[name] = counts.get(name, 0) + 1
    return {
        (name, index + int(node.part.is_model and used.get(name, 0) >= counts[name])): node
        for (name, index), node in nodes.items()
    }


def _apart(inputs: list[Ref], mask: Setting) -> tuple[list[Ref], tuple[Ref | None, ...]]:
    """Take the inputs that a call's `mask` argument names out of its inputs."""
    entries = mask if isinstance(mask, list) else [mask]
    places = [entry[PLACEHOLDER] if isinstance(entry, dict) and PLACEHOLDER in entry else None for entry in entries]
    taken = {place for place in places if place is not None}
    if not taken:
        return inputs, ()
    rest = [ref for place, ref in enumerate(inputs) if place not in taken]
    return rest, tuple(None if place is None else inputs[place] for place in places)


def make_layer(part: Part, keras: int) -> Layer:
    """A Part with its weights as a Layer."""
    return Layer(
        name=part.place,
        kind=part.kind,
        config=part.config,
        keras=keras,
        weights=part.weights,
        inner={child.role: make_layer(child, keras) for child in part.children},
    )


def _helper(part: Part, kind: str, keras: int) -> Layer:
    suffix = "fold" if kind == "FoldTime" else "unfold"
    return Layer(name=f"{part.place}/{suffix}", kind=kind, config={}, keras=keras)


def _outputs_of(part: Part) -> int:
    """How many tensors a call of this layer gives; more are allowed than are used."""
    recurrent = part.children[0] if part.kind == "Bidirectional" else part
    if recurrent.kind not in ("LSTM", "GRU", "SimpleRNN"):
        return 2 if part.kind in ("MultiHeadAttention", "Attention") else 1
    states = (2 if recurrent.kind == "LSTM" else 1) if recurrent.config.get("return_state") else 0
    if part.kind != "Bidirectional":
        return 1 + states
    return (1 if part.config.get("merge_mode", "concat") else 2) + 2 * states


def _look_up(made: dict[NodeKey, list[Ref]], handle: Handle) -> Ref:
    refs = made.get((handle.call, handle.node))
    if refs is None or not 0 <= handle.index < len(refs):
        raise RefusalError(f"Output {handle.index} of the layer {handle.call} is used, but never made.", _DAMAGED)
    return refs[handle.index]


def _running_order(
    model: Part, nodes: dict[NodeKey, _Node], wanted: list[Handle], given: set[NodeKey]
) -> list[NodeKey]:
    """The calls that the outputs need, each after what it reads. RefusalError where they wait for each other."""
    needed: set[NodeKey] = set()
    queue = deque((handle.call, handle.node) for handle in wanted)
    while queue:
        key = queue.popleft()
        if key in needed or key in given:
            continue
        if key not in nodes:
            raise RefusalError(f"The layer {key[0]} of the model {model.name} is used, but not called.", _DAMAGED)
        needed.add(key)
        queue.extend((handle.call, handle.node) for handle in nodes[key].inputs)
    waits = {key: {(one.call, one.node) for one in nodes[key].inputs} - given for key in nodes if key in needed}
    readers: dict[NodeKey, list[NodeKey]] = {}
    for key, sources in waits.items():
        for source in sources:
            readers.setdefault(source, []).append(key)
    ready = deque(key for key in nodes if key in needed and not waits[key])
    order = []
    while ready:
        key = ready.popleft()
        order.append(key)
        for reader in readers.get(key, []):
            waits[reader].discard(key)
            if not waits[reader]:
                ready.append(reader)
    if len(order) < len(needed):
        stuck = sorted({key[0] for key in needed - set(order)})
        raise RefusalError(f"Layers of the model {model.name} wait for each other: {', '.join(stuck[:6])}.", _DAMAGED)
    return order


def _arguments(raw: Setting, handles: list[Handle]) -> Config:
    """A node's inputs, appended to `handles`, and its other arguments with placeholders where inputs stand."""
    if isinstance(raw, dict):  # Keras 3
        positional = [_keras3_value(value, handles) for value in raw.get("args", [])]
        named = {key: _keras3_value(value, handles) for key, value in (raw.get("kwargs") or {}).items()}
        return {"args": positional, **named}
    if not isinstance(raw, list):
        raise RefusalError(f"A call is written as {str(raw)[:60]!r}.", _DAMAGED)
    entries = [raw] if raw and isinstance(raw[0], str) else raw
    positional = []
    named = {}
    for entry in entries:
        if isinstance(entry, dict):  # a dictionary of inputs
            positional += [_keras2_value(value, handles) for value in entry.values()]
            continue
        if not isinstance(entry, list) or len(entry) < 3:
            raise RefusalError(f"A call is written as {str(entry)[:60]!r}.", _DAMAGED)
        positional.append(_keras2_value(entry[:3], handles))
        if len(entry) > 3 and isinstance(entry[3], dict):
            named |= {key: _keras2_value(value, handles) for key, value in entry[3].items()}
    return {"args": positional, **named}


def _keras3_value(value: Setting, handles: list[Handle]) -> Setting:
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            handles.extend(Caller.collect_refs(value["config"]["keras_history"]))
            return {PLACEHOLDER: len(handles) - 1}
        return {key: _keras3_value(item, handles) for key, item in value.items()}
    if isinstance(value, list):
        return [_keras3_value(item, handles) for item in value]
    return value


def _keras2_value(value: Setting, handles: list[Handle]) -> Setting:
    if isinstance(value, list):
        if len(value) >= 3 and value[0] == "_CONSTANT_VALUE":
            return value[2]
        if len(value) >= 3 and isinstance(value[0], str) and all(isinstance(step, int) for step in value[1:3]):
            handles.append(Handle(value[0], value[1], value[2]))
            return {PLACEHOLDER: len(handles) - 1}
        return [_keras2_value(item, handles) for item in value]
    return value
