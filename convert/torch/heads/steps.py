"""A head as the list of what it does, one step after the other, and how such a list is written (`--order`)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from convert.errors import CallError
from convert.torch.heads.parts import Part

StepKind = Literal["part", "function", "pool", "readout"]
Option = float | str
FUNCTIONS = (
    "relu", "tanh", "gelu", "silu", "elu", "leaky_relu", "sigmoid", "relu6", "selu", "celu", "softplus", "softsign",
    "mish", "hard_silu", "hard_sigmoid", "hard_tanh", "softmax", "log_softmax",
)  # fmt: skip
READOUTS = ("last", "hidden", "mean", "max", "flatten")
POOLS = {"maxpool": "max", "avgpool": "avg"}
_OPTIONS = {
    "Conv1d": ("padding", "stride", "dilation"),
    "BatchNorm1d": ("eps",),
    "LayerNorm": ("eps",),
    "leaky_relu": ("negative_slope",),
    "elu": ("alpha",),
    "celu": ("alpha",),
    "gelu": ("approximate",),
    "maxpool": ("stride",),
    "avgpool": ("stride",),
}
_SYNTAX = "For example --order 'conv.0:padding=same relu maxpool:2 conv.3 relu mean fc'."


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a head does.

    kind: a module with weights, a function, a pool over neighboring steps, or how steps become one row; name: the
    module's, or what it is; options: what its author set, where that is not PyTorch's own default.
    """

    kind: StepKind
    name: str
    options: tuple[tuple[str, Option], ...] = ()

    def option(self, name: str, default: Option) -> Option:
        """An option's value."""
        return dict(self.options).get(name, default)

    def number(self, name: str, default: int) -> int:
        """An option that is a whole number."""
        value = self.option(name, default)
        return default if isinstance(value, str) else int(value)

    def format(self) -> str:
        """As `--order` takes it."""
        size = [
            f"{value:g}" if isinstance(value, float) else str(value) for key, value in self.options if key == "size"
        ]
        others = [
            f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
            for key, value in self.options
            if key != "size"
        ]
        word = next((word for word, name in POOLS.items() if self.kind == "pool" and name == self.name), self.name)
        return ":".join([word, *size, *others])


def format_order(steps: Iterable[Step]) -> str:
    """All steps in one line."""
    return " ".join(step.format() for step in steps)


def parse_order(text: str, parts: Mapping[str, Part]) -> tuple[Step, ...]:
    """The steps that `--order` names, every part once. CallError where a word is none, or a part is missing."""
    steps = tuple(_parse_word(word, parts) for word in text.replace(",", " ").split())
    named = [step.name for step in steps if step.kind == "part"]
    missing = [name for name in parts if name not in named]
    twice = [name for name in named if named.count(name) > 1]
    if missing or twice:
        raise CallError(
            f"--order leaves out {missing[0]}." if missing else f"--order names {twice[0]} twice.",
            f"Name each of {', '.join(parts)} once. {_SYNTAX}",
        )
    return steps


def _parse_word(word: str, parts: Mapping[str, Part]) -> Step:
    name, *said = word.split(":")
    if name in parts:
        return Step("part", name, _parse_options(word, said, _OPTIONS.get(parts[name].kind, ())))
    if name in POOLS:
        options = _parse_options(word, said, _OPTIONS[name])
        return Step("pool", POOLS[name], options if dict(options).get("size") else (("size", 2), *options))
    if name in READOUTS:
        return Step("readout", name, _parse_options(word, said, ()))
    if name in FUNCTIONS:
        return Step("function", name, _parse_options(word, said, _OPTIONS.get(name, ())))
    raise CallError(
        f"--order: {name!r} is neither a part of the file nor a function.",
        f"Parts: {', '.join(parts)}. Functions: {', '.join(FUNCTIONS)}; {', '.join(READOUTS)}; maxpool:2, avgpool:2.",
    )


def _parse_options(word: str, said: list[str], known: tuple[str, ...]) -> tuple[tuple[str, Option], ...]:
    options: list[tuple[str, Option]] = []
    for one in said:
        key, equals, value = one.partition("=")
        if not equals and "stride" in known and key.isdigit():
            key, value = "size", key
        if key != "size" and key not in known:
            raise CallError(
                f"--order: {word} says {one!r}.", f"It may say: {', '.join(known) or 'nothing more'}. {_SYNTAX}"
            )
        options.append((key, _parse_value(word, key, value)))
    return tuple(options)


def _parse_value(word: str, key: str, value: str) -> Option:
    if key in ("padding", "approximate") and value in ("same", "valid", "tanh", "none"):
        return value
    try:
        number = float(value) if key in ("eps", "negative_slope", "alpha") else int(value)
    except ValueError:
        raise CallError(f"--order: {word} says {key}={value!r}, which is no number.", _SYNTAX) from None
    if not 0 <= number < 1 << 20 or (number == 0 and key in ("size", "stride", "dilation")):
        raise CallError(f"--order: {word} says {key}={value}.", "Say a number that can be.")
    return number
