"""A fitted estimator as its pickle describes it: attributes by name, each checked when it is asked for."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from convert.errors import SAVE_AGAIN, ContradictionError, RefusalError
from convert.pickles.values import Global, StandIn, Value, shown
from convert.sklearn.arrays import Array, find_array, find_items, find_names, find_plain

Doubles = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

MAX_DEPTH = 12
_NEEDED = "Export it as ONNX where it was made (skl2onnx) and use `python -m convert onnx`."


@dataclass(frozen=True, slots=True)
class Fitted:
    """One object of scikit-learn. where: its place in the file, for a person; depth: how many wrappers hold it."""

    of: Global
    attributes: dict[str, Value]
    where: str
    depth: int = 0

    @property
    def kind(self) -> str:
        return self.of.name

    @property
    def version(self) -> str:
        """The scikit-learn that saved it, where it says so."""
        return shown(self.attributes.get("_sklearn_version", ""))

    def has(self, name: str) -> bool:
        return self.attributes.get(name) is not None

    def value(self, *names: str) -> Value:
        """The first attribute of these names, which versions call differently. RefusalError where there is none."""
        for name in names:
            if name in self.attributes:
                return self.attributes[name]
        raise self.unknown(f"it has no {names[0]}")

    def array(self, *names: str, ndim: int | None = None) -> Doubles:
        """An attribute as float64. RefusalError where it is no array of finite numbers."""
        values = self.numbers(*names).astype(np.float64)
        if not np.isfinite(values).all():
            raise RefusalError(f"{self.where} has NaN or infinite values in {names[0]}.", "Train it again.")
        if ndim is not None and values.ndim != ndim:
            raise self.unknown(f"{names[0]} has {values.ndim} dimensions")
        return values

    def whole_numbers(self, *names: str) -> Whole:
        """An attribute as int64."""
        values = self.numbers(*names)
        if values.dtype.kind not in "iub":
            raise self.unknown(f"{names[0]} holds no whole numbers")
        return values.astype(np.int64)

    def arrays(self, name: str) -> list[Doubles]:
        """A list of arrays, such as a network's layers."""
        return [Fitted(self.of, {name: item}, self.where, self.depth).array(name) for item in self.items(name)]

    def number(self, *names: str) -> float:
        found = self._plain(*names)
        if isinstance(found, bool) or not isinstance(found, int | float) or not np.isfinite(found):
            raise self.unknown(f"{names[0]} is no number")
        return float(found)

    def whole(self, *names: str) -> int:
        found = self._plain(*names)
        if isinstance(found, bool) or not isinstance(found, int):
            raise self.unknown(f"{names[0]} is no whole number")
        return found

    def flag(self, *names: str) -> bool:
        return bool(self._plain(*names))

    def text(self, *names: str) -> str:
        """A setting that is one of several words; a function in its place is not known to us."""
        found = self.value(*names)
        if not isinstance(found, str):
            raise self.unknown(f"{names[0]} is {self._said(found)}")
        return found

    def items(self, name: str) -> list[Value]:
        """A list, tuple or array of objects as a list."""
        return self.listed(self.value(name), name)

    def listed(self, found: Value, name: str) -> list[Value]:
        """The items of a list, tuple or array of objects."""
        items = find_items(found)
        if items is None:
            raise self.unknown(f"{name} is no list")
        return items

    def classes(self, name: str = "classes_") -> tuple[str, ...]:
        """The classes' names, in the order of the outputs."""
        found = self.value(name)
        names = None if isinstance(found, list) else find_names(found)  # a list holds the classes of several answers
        if names is None:
            raise self.unknown(f"{name} is no list of classes")
        return names

    def inner(self, value: Value, where: str) -> "Fitted":
        """An estimator inside this one."""
        if not isinstance(value, StandIn) or self.depth >= MAX_DEPTH:
            raise self.unknown(f"{where} is {self._said(value)}")
        return Fitted(value.of, value.attributes(), f"{where} of {self.where}", self.depth + 1)

    def within(self, *names: str) -> "Fitted":
        """The estimator that an attribute of one of these names holds."""
        return self.inner(self.value(*names), names[0])

    def unknown(self, what: str) -> RefusalError:
        """A refusal of a file that may be sound, but is not known here."""
        version = f" of scikit-learn {self.version}" if self.version else ""
        return RefusalError(f"{self.where} ({shown(self.of)}{version}) is not known to us: {what}.", _NEEDED)

    def contradicts(self, what: str) -> ContradictionError:
        """A refusal of a file whose parts do not fit each other."""
        return ContradictionError(f"{self.where} ({self.kind}): {what}.", SAVE_AGAIN)

    def numbers(self, *names: str) -> Array:
        """An attribute as the numbers that the file has, NaN among them or not."""
        found = self.value(*names)
        if isinstance(found, list | tuple | int | float):
            items = [find_plain(item) for item in found] if isinstance(found, list | tuple) else found
            plain = items if isinstance(items, list) else [items]
            if not all(isinstance(item, int | float) for item in plain):
                raise self.unknown(f"{names[0]} holds no numbers")
            return np.asarray(items)
        values = find_array(found)
        if values is None or values.dtype.kind not in "biuf":
            raise self.unknown(f"{names[0]} holds no numbers")
        return values

    def _plain(self, *names: str) -> Any:  # noqa: ANN401 - whatever the pickle has there
        return find_plain(self.value(*names))

    @staticmethod
    def _said(value: Value) -> str:
        if isinstance(value, StandIn):
            return f"a {shown(value.of)}"
        return shown(value) if isinstance(value, Global | str | int | float | None) else f"a {type(value).__name__}"
