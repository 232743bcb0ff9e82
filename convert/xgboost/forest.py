"""Forest: an XGBoost model as arrays, and what it answers, walked tree by tree in NumPy."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Whole = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]
Link = Literal["identity", "exp", "sigmoid", "softmax"]
"""What makes XGBoost's answer of a row's margins."""

ARRAYS_FILE = "forest.npz"
_ARRAYS = ("starts", "groups", "left", "right", "feature", "threshold", "default_left", "leaf", "base")


@dataclass(frozen=True, slots=True)
class About:
    """What the file says beside its trees."""

    version: str
    objective: str
    link: Link
    features: int
    feature_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forest:
    """Trees one after the other; a node's children are places in its own tree.

    starts: T + 1 places where trees begin; groups: T, the number that a tree adds to. left, right: −1 at a leaf.
    A row goes left where its feature is below the threshold, or, where it is NaN, if default_left says so.
    base: the margins that the sums start from, one a group.
    """

    about: About
    starts: Whole
    groups: Whole
    left: Whole
    right: Whole
    feature: Whole
    threshold: Floats
    default_left: Flags
    leaf: Floats
    base: Floats

    @property
    def trees(self) -> int:
        return len(self.groups)

    @property
    def nodes(self) -> int:
        return len(self.left)

    def margins(self, rows: Floats) -> Floats:
        """N × G sums of the leaves that N rows fall into, in float32 and in the order of the trees, as XGBoost adds."""
        sums: Floats = np.repeat(self.base[None], len(rows), axis=0)
        for tree, group in enumerate(self.groups):
            sums[:, group] += self.leaf[self._leaves(tree, rows)]
        return sums

    def _leaves(self, tree: int, rows: Floats) -> npt.NDArray[np.intp]:
        """The place of the leaf that each row falls into."""
        start = int(self.starts[tree])
        at = np.full(len(rows), start, np.intp)
        every = np.arange(len(rows))
        while (inner := self.left[at] >= 0).any():
            values = rows[every, self.feature[at]]
            goes_left = np.where(np.isnan(values), self.default_left[at], values < self.threshold[at])
            below = start + np.where(goes_left, self.left[at], self.right[at])
            at = np.where(inner, below, at)
        return at

    def document(self) -> dict[str, Any]:
        """What goes beside the arrays."""
        return asdict(self.about)

    def write(self, folder: Path) -> None:
        """Leave the arrays in a folder."""
        np.savez(folder / ARRAYS_FILE, **{name: getattr(self, name) for name in _ARRAYS})


def read_forest(about: dict[str, Any], folder: Path) -> Forest:
    """The forest that a child left in a folder, with what it returned beside."""
    lists = {name: tuple(about[name]) for name in ("feature_names", "notes")}
    with np.load(folder / ARRAYS_FILE, allow_pickle=False) as arrays:
        return Forest(About(**{**about, **lists}), **{name: arrays[name] for name in _ARRAYS})
