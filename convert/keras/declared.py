"""The architecture as a file declares it: a tree of layers and nested models, before calls and weights."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from convert.errors import RefusalError
from convert.graph.layer_graph import Array, Config, Setting
from convert.keras.dialects import (
    MODEL_KINDS,
    find_kind,
    read_major_version,
    translate_settings,
    zeroes_masked_steps_both_ways,
)

MAX_NESTING = 16
MAX_LAYERS = 20_000

WRAPPERS = {"Bidirectional", "TimeDistributed"}


@dataclass(slots=True)
class Part:
    """A layer, wrapper or model of the architecture.

    name: its own; place: with the models around it; entry: the raw entry; children: a model's layers in order, or
    what a wrapper wraps; role: "layer", "forward" or "backward" inside a wrapper. Weights are filled in later.
    """

    name: str
    place: str
    kind: str
    config: Config
    entry: Config
    role: str = ""
    children: list["Part"] = field(default_factory=list)
    weights: dict[str, Array] = field(default_factory=dict)

    @property
    def is_model(self) -> bool:
        return self.kind in MODEL_KINDS

    @property
    def trainable(self) -> bool:
        return bool(self.config.get("trainable", True))

    def leaves(self) -> Iterator["Part"]:
        """All layers below that may hold weights, itself included."""
        if not self.children:
            yield self
        for child in self.children:
            yield from child.leaves()


class Declaration:
    """Reads architecture entries of one file into Parts, with bounds on depth and number."""

    def __init__(self, version: str) -> None:
        self.keras = read_major_version(version)
        self._both_ways_zero = zeroes_masked_steps_both_ways(version)
        self.count = 0

    def model(self, entry: Config, place: str = "", depth: int = 0) -> Part:
        """A Sequential, Functional or Model entry with all its layers."""
        kind = find_kind(entry)
        config = entry.get("config")
        if kind not in MODEL_KINDS:
            raise RefusalError(
                f"The model is a {kind or 'nameless class'}, which only its author's code defines.",
                "Rebuild it as a Sequential or functional model, load the weights into it and save that.",
            )
        if isinstance(config, list):
            config = {"name": "sequential", "layers": config}
        if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
            raise RefusalError(
                f"The {kind} {entry.get('name', '')!r} lists no layers: a subclassed model.",
                "Rebuild it as a Sequential or functional model, load the weights into it and save that.",
            )
        if depth > MAX_NESTING:
            raise RefusalError(f"Models are nested deeper than {MAX_NESTING} levels.", "Save the model flat.")
        name = str(entry.get("name") or config.get("name") or kind.lower())
        here = f"{place}{name}/" if depth else ""
        part = Part(name, here.rstrip("/"), "Functional" if kind == "Model" else kind, config, entry)
        part.children = [self.part(child, here, depth + 1) for child in config["layers"]]
        return part

    def part(self, entry: Setting, place: str, depth: int) -> Part:
        """A layer's entry, or a nested model's."""
        self.count += 1
        if self.count > MAX_LAYERS:
            raise RefusalError(f"The model has more than {MAX_LAYERS} layers.", "Is it a model?")
        if not isinstance(entry, dict):
            raise RefusalError(
                f"An entry of the architecture is no layer: {str(entry)[:60]!r}.", "The file is damaged."
            )
        kind = find_kind(entry)
        if kind in MODEL_KINDS:
            return self.model(entry, place, depth)
        kind, config = translate_settings(entry, kind, self.keras)
        name = str(config.get("name") or entry.get("name") or kind.lower())
        part = Part(name, place + name, kind, config, entry)
        if kind in WRAPPERS:
            self._wrap(part, depth)
        return part

    def _wrap(self, part: Part, depth: int) -> None:
        if depth > MAX_NESTING:
            raise RefusalError(f"Layers wrap each other deeper than {MAX_NESTING} levels.", "Save the model flat.")
        inner = self.part(part.config.get("layer"), f"{part.place}/", depth + 1)
        if part.kind == "TimeDistributed":
            inner.role = "layer"
            part.children = [inner]
            return
        backward_entry = part.config.get("backward_layer")
        if isinstance(backward_entry, dict):
            backward = self.part(backward_entry, f"{part.place}/", depth + 1)
        else:
            flipped = {**inner.config, "go_backwards": not inner.config.get("go_backwards", False)}
            backward = Part(inner.name, inner.place, inner.kind, flipped, inner.entry)
        if self._both_ways_zero:
            for one in (inner, backward):
                one.config["zero_output_for_mask"] = bool(one.config.get("return_sequences"))
        inner.role, backward.role = "forward", "backward"
        inner.place, backward.place = f"{part.place}/forward_{inner.name}", f"{part.place}/backward_{inner.name}"
        part.children = [inner, backward]
