"""What an activation setting means: its name and parameters, whatever way the file writes it."""

from dataclasses import dataclass, field
from typing import Any

from convert.errors import RefusalError
from convert.graph.layer_graph import Setting

_ALIASES = {
    "swish": "silu",
    "hard_swish": "hard_silu",
    "HardSwish": "hard_silu",
    "ReLU": "relu",
    "LeakyReLU": "leaky_relu",
    "ELU": "elu",
    "Softmax": "softmax",
    "gelu_new": "gelu",
}
_PARAMETERS = {
    "relu": ("max_value", "negative_slope", "threshold"),
    "leaky_relu": ("negative_slope", "alpha"),
    "elu": ("alpha",),
    "softmax": ("axis",),
    "log_softmax": ("axis",),
    "gelu": ("approximate",),
}


@dataclass(frozen=True, slots=True)
class Activation:
    """A function by name, with the parameters that differ from its definition's."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)


def find_activation(setting: Setting, place: str) -> Activation:
    """An activation setting: None, a name, a serialized function or a layer used as one."""
    if setting is None:
        return Activation("linear")
    if isinstance(setting, str):
        return Activation(_ALIASES.get(setting, setting))
    if isinstance(setting, dict):
        inner = setting.get("config")
        if isinstance(inner, str):  # Keras 3: a function by name
            return Activation(_ALIASES.get(inner, inner))
        name = str(setting.get("class_name", ""))
        name = _ALIASES.get(name, name)
        if isinstance(inner, dict) and name in _PARAMETERS:
            return Activation(name, {key: inner[key] for key in _PARAMETERS[name] if inner.get(key) is not None})
        if isinstance(inner, dict) and name == "Activation":
            return find_activation(inner.get("activation"), place)
    raise RefusalError(f"The activation of {place} is written as {str(setting)[:80]!r}.", "Use an activation of Keras.")


def refuse_activation(activation: Activation, place: str) -> RefusalError:
    """The refusal of an activation that has no conversion."""
    return RefusalError(
        f"{place} uses the activation {activation.name!r}, which is not supported there.",
        "Replace it by one of Keras' common activations and save the model again.",
    )
