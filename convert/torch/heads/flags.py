"""What the command says of a head that is not in its weights."""

from dataclasses import dataclass
from typing import Literal

from convert.torch.heads.steps import Step

Readout = Literal["last", "hidden", "mean", "max", "flatten"]
Hidden = Literal["relu", "gelu", "tanh", "elu", "silu", "leaky_relu", "sigmoid", "none"]
Padding = Literal["same", "valid"]


@dataclass(frozen=True, slots=True)
class HeadFlags:
    """None where nothing is said.

    order_text: all steps as `--order` has them; order: the same, once the head's parts are known; pool: "none" or
    "max:2"; steps: of the input.
    """

    readout: Readout | None = None
    hidden: Hidden | None = None
    padding: Padding | None = None
    masked: bool = False
    pool: str | None = None
    steps: int | None = None
    order_text: str | None = None
    order: tuple[Step, ...] = ()

    @property
    def given(self) -> bool:
        return self != HeadFlags()
