"""PyTorchVideo's deployable form undone by name: its 2-D convolutions are slices of the 3-D ones they came from.

`convert_to_deployable_form` folds batch norms into convolutions and cuts each 3-D kernel along time into 2-D ones.
"""

import re
from collections.abc import Mapping

import numpy as np

from convert.errors import RefusalError
from convert.torch.checkpoint.arrays import Array

_POINTWISE = re.compile(r"\.kernel\.(?:1\.conv(?:\.0)?|conv\.conv2d_eq)\.(weight|bias)$")
_SLICED = re.compile(r"\.kernel\.conv\._conv2d_(?:3_3_)?(\d)\.(weight|bias)$")
_GATE = re.compile(r"\.se\.se\.layer\.(2|4)\.(weight|bias)$")
_GATE_PLACE = {"2": "0", "4": "2"}


def rename_mobile_tensors(tensors: Mapping[str, Array]) -> dict[str, Array]:
    """The tensors under the training form's names and shapes; a file in the training form comes back as it is."""
    renamed: dict[str, Array] = {}
    slices: dict[str, dict[int, Array]] = {}
    for name, values in tensors.items():
        if match := _POINTWISE.search(name):
            kernel = values[:, :, None] if match[1] == "weight" else values
            renamed[_rename(name, match, f".kernel.conv.{match[1]}")] = kernel
        elif match := _SLICED.search(name):
            place = _rename(name, match, f".kernel.conv.{match[2]}")
            if match[2] == "weight":
                slices.setdefault(place, {})[int(match[1])] = values
                renamed.setdefault(place, values)  # keeps its place in the order; filled below
            else:
                renamed[place] = values
        elif match := _GATE.search(name):
            kernel = values.reshape(*values.shape, 1, 1, 1) if match[2] == "weight" else values
            renamed[_rename(name, match, f".se.se.block.{_GATE_PLACE[match[1]]}.{match[2]}")] = kernel
        else:
            renamed[name] = values
    for name, parts in slices.items():
        renamed[name] = _join_slices(name, parts)
    return renamed


def _join_slices(name: str, parts: dict[int, Array]) -> Array:
    shapes = {part.shape for part in parts.values()}
    if sorted(parts) != list(range(len(parts))) or len(shapes) != 1:
        raise RefusalError(
            f"The slices in time of {name} are not all there.",
            "It was exported for a clip of one frame, or is damaged; convert the checkpoint that it was made from.",
        )
    return np.stack([parts[index] for index in range(len(parts))], axis=2)


def _rename(name: str, match: re.Match[str], suffix: str) -> str:
    return name[: match.start()] + suffix
