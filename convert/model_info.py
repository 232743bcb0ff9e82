"""What `inspect` finds out about a model, and what a conversion works on: the graph, described for a person."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from convert.presets.clues import clue_to
from convert.presets.faces import match_emotions
from convert.presets.preset import Match
from convert.presets.table import match_presets

Shape = tuple[int | None, ...]
IDLE_NAMES = {"blank", "idle", "nothing", "none", "background", "neutral", "rest"}


Origin = Literal["read", "declared", "assumed"]
"""Where a fact is from: the file, the caller, or nobody."""


@dataclass(frozen=True, slots=True)
class Unproven:
    """A structure that is not in the file. reason: what was assumed, and what else fits; advice: what would tell."""

    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """An input or output of the graph; shape with the batch, None where open."""

    name: str
    shape: Shape
    dtype: str = "float32"


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A model file, read: where it is from, what goes in and out, what it ends in, what is in it.

    output_activation: the last one of the first output ("softmax", "sigmoid", "linear", …; "" where unknown), or what
    is known of it otherwise: "logits", "probabilities", "regression" (values that stay as they are). own: the presets
    that fit by what the network is known to be; None where only its shapes tell. facts: (fact, value, origin) of the
    structure, empty where all of it is in the file; unproven: why parity would compare a guess with itself, if it
    would; half: the original computes in half precision. label_places: where in
    a label file each output's stands, if not in the outputs' own order (scikit-learn sorts classes "0", "1", "10", "2"
    as text). trial_bytes: memory that it took when it was tried out, where that was measured.
    """

    file: str
    sha256: str
    framework: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    output_activation: str
    parameters: int
    layers: dict[str, int]
    warnings: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    own: tuple[Match, ...] | None = None
    facts: tuple[tuple[str, str, Origin], ...] = ()
    unproven: Unproven | None = None
    half: bool = False
    label_places: tuple[int, ...] | None = None
    trial_bytes: int = 0

    @property
    def track(self) -> TensorSpec | None:
        """The input that takes the observations: the only one, or the one beside a mask of its steps; else None."""
        track = max(self.inputs, key=lambda one: len(one.shape))
        masks = [one for one in self.inputs if one is not track]
        if not masks or (len(masks) == 1 and len(masks[0].shape) == 2 and masks[0].shape[1] == track.shape[1]):
            return track
        return None

    @property
    def matches(self) -> list[Match]:
        """The presets that fit the input of observations."""
        if self.own is not None:
            return list(self.own)
        if self.track is None:
            return []
        shape = self.track.shape[1:]
        return [*match_presets(shape), *match_emotions(shape, self.width)]

    @property
    def width(self) -> int | None:
        """Numbers in the first output's last axis."""
        return self.outputs[0].shape[-1] if len(self.outputs[0].shape) > 1 else None

    def document(self) -> dict[str, Any]:
        """For --json."""
        return {
            "file": self.file,
            "sha256": self.sha256,
            "framework": self.framework,
            "inputs": [
                {"name": one.name, "shape": ["batch", *one.shape[1:]], "dtype": one.dtype} for one in self.inputs
            ],
            "outputs": [{"name": one.name, "shape": ["batch", *one.shape[1:]]} for one in self.outputs],
            "ending": self.output_activation,
            "parameters": self.parameters,
            "layers": self.layers,
            "warnings": list(self.warnings),
            "facts": [{"fact": fact, "value": value, "origin": origin} for fact, value, origin in self.facts],
            "presets": [
                {
                    "name": match.preset.name,
                    "standing": match.standing,
                    "why": match.reason,
                    "told_by": clue_to(match),
                    "assumptions": list(match.preset.assumptions),
                }
                for match in self.matches
            ],
        }


def count_kinds(kinds: list[str]) -> dict[str, int]:
    """Kinds with their number, in order of first appearance."""
    return dict(Counter(kinds))


def format_shape(shape: Shape) -> str:
    """A shape without its batch: "30 × 63"; an open size is "any"."""
    return " × ".join("any" if size is None else str(size) for size in shape[1:]) or "one number"


def find_idle_labels(labels: tuple[str, ...]) -> list[str]:
    """Labels that may mean that nothing is signed; they are suggested, never assumed."""
    return [label for label in labels if label.strip().lower() in IDLE_NAMES]
