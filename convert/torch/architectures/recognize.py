"""Which network a checkpoint holds: wrapper prefixes dropped, foreign keys listed, a wrapped head unwrapped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from convert.errors import RefusalError
from convert.torch.architectures.families import FAMILIES, Family
from convert.torch.architectures.mobile import rename_mobile_tensors
from convert.torch.checkpoint.arrays import Array
from convert.torch.checkpoint.checkpoint import Checkpoint

COUNTER = "num_batches_tracked"
"""Batches that a norm has seen: no weight, so it may be missing."""
_KNOWN = "Known are slow_r50, x3d_xs/s/m, mvit_base_16x4, efficient_x3d_xs/s and tf-style EfficientNet-B0/B2."


@dataclass(frozen=True, slots=True)
class RecognizedNetwork:
    """state: the network's parameters under its own names. foreign: the file's other tensors, which are left out.

    folded: batch norms are folded into the convolutions (the deployable form). classes: the head's width.
    """

    family: Family
    state: dict[str, Array]
    classes: int
    prefix: str = ""
    foreign: tuple[str, ...] = ()
    folded: bool = False
    notes: tuple[str, ...] = ()


def recognize(checkpoint: Checkpoint) -> RecognizedNetwork:
    """The network in a checkpoint. RefusalError where there is none, or where its weights are not all finite."""
    tensors = checkpoint.tensors
    if checkpoint.container == "torchscript":
        tensors = rename_mobile_tensors(tensors)
    family, prefix = _family(tensors)
    inside = {name for name in tensors if _is_inside(name, prefix, family)}
    foreign = tuple(name for name in tensors if name not in inside)
    broken = [name for name in checkpoint.non_finite if name in inside]
    if broken:
        raise RefusalError(
            f"Tensor {broken[0]} holds NaN or infinite values"
            + (f" ({len(broken)} tensors do)." if len(broken) > 1 else "."),
            "The training diverged; take an earlier checkpoint.",
        )
    state = {name.removeprefix(prefix): tensors[name] for name in tensors if name in inside}
    state, notes = _unwrapped_head(state, family.head)
    _check_style(family, checkpoint)
    if prefix:
        notes.append(f"The network lies under `{prefix}` in the file.")
    if foreign:
        shown = ", ".join(foreign[:6]) + (" …" if len(foreign) > 6 else "")
        notes.append(f"Left out, as they are outside the network: {shown}.")
    folded = family.name == "efficient_x3d" and not any(".bn." in name for name in state)
    classes = state[f"{family.head}.weight"].shape[0]
    return RecognizedNetwork(family, state, classes, prefix, foreign, folded, tuple(notes))


def check_names(expected: Mapping[str, tuple[int, ...]], state: Mapping[str, Array]) -> None:
    """Strict: every parameter is there with its shape, and no other. RefusalError names the first that differ."""
    missing = [name for name in expected if name not in state and not name.endswith(COUNTER)]
    extra = [name for name in state if name not in expected and not name.endswith(COUNTER)]
    if missing or extra:
        said = [f"{len(missing)} parameters are missing ({_shown(missing)})"] if missing else []
        said += [f"{len(extra)} are not the network's ({_shown(extra)})"] if extra else []
        raise RefusalError(f"The weights do not fit the network: {'; '.join(said)}.", _KNOWN)
    for name, shape in expected.items():
        if name in state and tuple(state[name].shape) != shape:
            raise RefusalError(
                f"Parameter {name} has the shape {list(state[name].shape)}, the network's has {list(shape)}.", _KNOWN
            )


def _family(tensors: Mapping[str, Array]) -> tuple[Family, str]:
    for family in FAMILIES:
        places = [
            name.removesuffix(family.signature)
            for name, values in tensors.items()
            if name.endswith(family.signature) and tuple(values.shape) == family.shape
        ]
        places = [place for place in places if place == "" or place.endswith(".")]
        if places:
            return family, min(places, key=len)
    shown = _shown(tensors)
    raise RefusalError(
        f"The file's {len(tensors)} tensors ({shown}) are of no network that is known here.",
        f"{_KNOWN} Another one converts through ONNX: export it where it was made, then `python -m convert onnx`.",
    )


def _is_inside(name: str, prefix: str, family: Family) -> bool:
    return name.startswith(prefix) and name.removeprefix(prefix).split(".", 1)[0] in family.roots


def _unwrapped_head(state: dict[str, Array], head: str) -> tuple[dict[str, Array], list[str]]:
    """A head in a Sequential (dropout, linear) has its Linear one name deeper: bring it back."""
    if f"{head}.weight" in state:
        return state, []
    under = [name for name in state if name.startswith(f"{head}.")]
    linears = [name for name in under if name.endswith(".weight") and state[name].ndim == 2]
    places = {name.rpartition(".")[0] for name in under}
    if len(linears) != 1 or len(places) != 1:
        raise RefusalError(
            f"The head {head} is not one linear layer: it holds {_shown(under) or 'nothing'}.",
            "What runs between several layers is not in the file. Export ONNX where it was made instead.",
        )
    place = places.pop()
    renamed = {head + name.removeprefix(place) if name in under else name: values for name, values in state.items()}
    return renamed, [f"The head is wrapped in a Sequential; its linear layer is {place}."]


def _check_style(family: Family, checkpoint: Checkpoint) -> None:
    """A whole EfficientNet object tells whether it pads as TensorFlow does; the weights alone do not."""
    classes = {name.rpartition(".")[2] for name in checkpoint.stand_ins}
    if family.name == "efficientnet" and "EfficientNet" in classes and "Conv2dSame" not in classes:
        raise RefusalError(
            "This EfficientNet does not pad as TensorFlow does; only the tf_ variants are known here.",
            "Export it to ONNX where it was made, then `python -m convert onnx`.",
        )


def _shown(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(listed[:4]) + (" …" if len(listed) > 4 else "")
