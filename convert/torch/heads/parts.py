"""A head's tensors → its parts in running order, read from their names' last words and their shapes alone."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from convert.errors import RefusalError
from convert.torch.architectures.recognize import COUNTER
from convert.torch.checkpoint.arrays import Array
from convert.torch.checkpoint.checkpoint import Checkpoint

PartKind = Literal["LSTM", "GRU", "RNN", "Conv1d", "Linear", "BatchNorm1d", "LayerNorm"]
Floats = npt.NDArray[np.float32]
Tensors = dict[str, Array]

RECURRENT: tuple[PartKind, ...] = ("LSTM", "GRU", "RNN")
GATES: dict[PartKind, int] = {"LSTM": 4, "GRU": 3, "RNN": 1}
IN_TIME: tuple[PartKind, ...] = (*RECURRENT, "Conv1d")
NORMS: tuple[PartKind, ...] = ("BatchNorm1d", "LayerNorm")

HEAD_KINDS: tuple[PartKind, ...] = (*IN_TIME, "Linear", *NORMS)

_RECURRENT_NAME = re.compile(r"(weight|bias)_(ih|hh)_l(\d{1,3})(_reverse)?")
_FOREIGN = re.compile(r"(^|[._])(loss|criterion|metrics?|class_weights?)([._]|$)", re.IGNORECASE)
_ELSEWHERE = "Export ONNX where it was made instead, then `python -m convert onnx`."


@dataclass(frozen=True, slots=True)
class Part:
    """One module of the head. tensors: under the names that PyTorch's own module has for them."""

    name: str
    kind: PartKind
    inputs: int
    outputs: int
    tensors: dict[str, Floats]
    layers: int = 1
    bidirectional: bool = False

    def describe(self) -> str:
        """For a person: "LSTM 10 → 64, 2 layers, bidirectional"."""
        words = [f"{self.kind} {self.inputs} → {self.outputs}"]
        if self.kind == "Conv1d":
            words[0] += f", kernel {self.tensors['weight'].shape[2]}"
        if self.kind in NORMS:
            words = [f"{self.kind} {self.outputs}"]
        words += [f"{self.layers} layers"] if self.layers > 1 else []
        words += ["bidirectional"] if self.bidirectional else []
        return ", ".join(words)


@dataclass(frozen=True, slots=True)
class HeadParts:
    """A head. before: its parts that see time, in running order; after: those behind the readout.

    steps: how many it takes, where its first linear layer reads all of them; foreign: tensors that are left out.
    """

    before: tuple[Part, ...]
    after: tuple[Part, ...]
    steps: int | None
    foreign: tuple[str, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        return (*self.before, *self.after)

    @property
    def inputs(self) -> int:
        return self.parts[0].inputs

    @property
    def outputs(self) -> int:
        return self.parts[-1].outputs

    @property
    def last_in_time(self) -> Part | None:
        """The part whose steps are read out; None of a head over one row of numbers."""
        return next((part for part in reversed(self.before) if part.kind in IN_TIME), None)


def looks_like_a_head(checkpoint: Checkpoint) -> bool:
    """Whether its tensors are those of recurrent layers, 1-D convolutions, linear layers and norms alone."""
    groups, _ = _group_tensors(checkpoint.tensors)
    kinds = [_identify(tensors) for tensors in groups.values()]
    return bool(kinds) and None not in kinds and any(kind not in NORMS for kind in kinds)


def read_head(checkpoint: Checkpoint) -> HeadParts:
    """The head in a checkpoint. RefusalError where a part is not known, or the parts do not follow one another."""
    groups, foreign = _group_tensors(checkpoint.tensors)
    inside = [name for name in checkpoint.tensors if name not in foreign]
    broken = [name for name in checkpoint.non_finite if name in inside]
    if broken:
        raise RefusalError(f"Tensor {broken[0]} holds NaN or infinite values.", "Take an earlier checkpoint.")
    listed = [_read_part(name or "head", tensors) for name, tensors in groups.items()]
    steps = None
    for order in (listed, sorted(listed, key=lambda part: part.kind not in IN_TIME)):
        before, after = _split(order)
        steps = _count_steps(before, after)
        if _follow(before) and _follow(after, before[-1].outputs * (steps or 1) if before else None):
            return HeadParts(before, after, steps, tuple(foreign))
    shown = "; ".join(f"{part.name} {part.describe()}" for part in listed[:6])
    raise RefusalError(
        f"The file's {len(inside)} tensors are of no network that is known here, nor of a head: the layers do not "
        f"follow one another ({shown}{' …' if len(listed) > 6 else ''}).",
        _ELSEWHERE,
    )


def _group_tensors(tensors: Mapping[str, Array]) -> tuple[dict[str, Tensors], list[str]]:
    """(module → its tensors by their last words, names outside the head)."""
    groups: dict[str, Tensors] = {}
    foreign = []
    for name, values in tensors.items():
        module, _, last = name.rpartition(".")
        if _FOREIGN.search(module or name):
            foreign.append(name)
        elif last != COUNTER:
            groups.setdefault(module, {})[last] = values
    return groups, foreign


def _identify(tensors: Tensors) -> PartKind | None:
    names = set(tensors)
    if all(_RECURRENT_NAME.fullmatch(name) for name in names) and "weight_hh_l0" in names:
        rows, hidden = tensors["weight_hh_l0"].shape if tensors["weight_hh_l0"].ndim == 2 else (0, 1)
        return next((kind for kind, gates in GATES.items() if rows == gates * hidden and hidden), None)
    if names == {"weight", "bias", "running_mean", "running_var"}:
        return "BatchNorm1d"
    if not {"weight"} <= names <= {"weight", "bias"}:
        return None
    by_rank: dict[int, PartKind] = {1: "LayerNorm", 2: "Linear", 3: "Conv1d"}
    return by_rank.get(tensors["weight"].ndim)


def _read_part(name: str, tensors: Tensors) -> Part:
    kind = _identify(tensors)
    weight = tensors.get("weight")
    if kind in RECURRENT:
        return _read_recurrent(name, kind, tensors)
    if kind is None or weight is None:
        raise RefusalError(f"{name} holds {', '.join(list(tensors)[:4])}: no layer known here.", _ELSEWHERE)
    outputs = weight.shape[0]
    if any(other.shape != (outputs,) for last, other in tensors.items() if last != "weight"):
        raise RefusalError(f"The tensors of {name} do not fit each other.", "Get the file again.")
    inputs = weight.shape[1] if weight.ndim > 1 else outputs
    return Part(name, kind, inputs, outputs, _convert_floats(tensors))


def _read_recurrent(name: str, kind: PartKind, tensors: Tensors) -> Part:
    """A stack of recurrent layers: every matrix and bias that PyTorch's module has, with its shape, and no other."""
    layers = 1 + max(int(match[3]) for last in tensors if (match := _RECURRENT_NAME.fullmatch(last)))
    both = any(last.endswith("_reverse") for last in tensors)
    biased = any(last.startswith("bias") for last in tensors)
    hidden = tensors["weight_hh_l0"].shape[1]
    rows, inputs = GATES[kind] * hidden, tensors["weight_ih_l0"].shape[-1] if "weight_ih_l0" in tensors else 0
    wanted: dict[str, tuple[int, ...]] = {}
    for layer in range(layers):
        for side in ("", "_reverse") if both else ("",):
            wanted[f"weight_ih_l{layer}{side}"] = (rows, hidden * (1 + both) if layer else inputs)
            wanted[f"weight_hh_l{layer}{side}"] = (rows, hidden)
            if biased:
                wanted |= {f"bias_{one}_l{layer}{side}": (rows,) for one in ("ih", "hh")}
    found = {last: tuple(values.shape) for last, values in tensors.items()}
    if found != wanted:
        wrong = next(last for last in (*wanted, *found) if found.get(last) != wanted.get(last))
        raise RefusalError(
            f"{name}.{wrong} has the shape {found.get(wrong, 'of nothing')}; a {kind} of {hidden} units in {layers} "
            f"layers has {wanted.get(wrong, 'no such tensor')}.",
            _ELSEWHERE,
        )
    return Part(name, kind, inputs, hidden * (1 + both), _convert_floats(tensors), layers, both)


def _convert_floats(tensors: Tensors) -> dict[str, Floats]:
    return {last: np.asarray(values, np.float32) for last, values in tensors.items()}


def _split(order: Iterable[Part]) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Up to the last part in time, with the norm of a convolution; and the rest."""
    parts = tuple(order)
    places = [place for place, part in enumerate(parts) if part.kind in IN_TIME]
    if not places:
        return (), parts
    end = places[-1] + 1
    if parts[end - 1].kind == "Conv1d" and end < len(parts) and parts[end].kind == "BatchNorm1d":
        end += 1
    return parts[:end], parts[end:]


def _count_steps(before: tuple[Part, ...], after: tuple[Part, ...]) -> int | None:
    """How many steps a linear layer reads that takes a whole multiple of what one step has."""
    first = next((part for part in after if part.kind == "Linear"), None)
    if not before or first is None or first.inputs == before[-1].outputs or first.inputs % before[-1].outputs:
        return None
    return first.inputs // before[-1].outputs


def _follow(parts: tuple[Part, ...], width: int | None = None) -> bool:
    """Whether each part takes what the one before gives."""
    for part in parts:
        if width is not None and part.inputs != width:
            return False
        width = part.outputs
    return True
