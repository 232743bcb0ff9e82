"""ModelRows: what goes into a model for one window."""

from dataclasses import dataclass

import numpy as np

from service.track import FloatArray, TimeArray


@dataclass(frozen=True, slots=True)
class ModelRows:
    """Rows of a model's input for one window; several rows vote for one answer.

    values: R × …, mask: R × L (1 where a step is real) for models of sequences, times_s: one for each row.
    """

    values: FloatArray
    mask: FloatArray | None
    times_s: TimeArray
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    def single(self, index: int) -> "ModelRows":
        """One of the rows alone."""
        one = slice(index, index + 1)
        return ModelRows(self.values[one], None if self.mask is None else self.mask[one], self.times_s[one])

    @classmethod
    def none(cls, shape: tuple[int, ...]) -> "ModelRows":
        """No rows, of inputs of this shape: the window shows nothing that the model needs."""
        return cls(np.zeros((0, *shape), np.float32), None, np.zeros(0))
