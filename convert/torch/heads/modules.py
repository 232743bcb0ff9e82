"""PyTorch's own modules without weights, as the steps that they are; only a whole saved module names them."""

from typing import Any

from convert.errors import RefusalError
from convert.torch.checkpoint.structure import ModuleRecord
from convert.torch.heads.parts import Part
from convert.torch.heads.steps import Option, Step

_NOTHING = frozenset({
    "Dropout", "Dropout1d", "Dropout2d", "AlphaDropout", "FeatureAlphaDropout", "Identity",
})  # fmt: skip
_FUNCTIONS = {
    "ReLU": "relu", "Tanh": "tanh", "GELU": "gelu", "SiLU": "silu", "ELU": "elu", "LeakyReLU": "leaky_relu",
    "Sigmoid": "sigmoid", "ReLU6": "relu6", "SELU": "selu", "CELU": "celu", "Softplus": "softplus",
    "Softsign": "softsign", "Mish": "mish", "Hardswish": "hard_silu", "Hardsigmoid": "hard_sigmoid",
    "Hardtanh": "hard_tanh", "Softmax": "softmax", "LogSoftmax": "log_softmax",
}  # fmt: skip
_DEFAULTS: dict[str, dict[str, Any]] = {
    "CELU": {"alpha": 1.0},
    "Softplus": {"beta": 1, "threshold": 20},
    "Hardtanh": {"min_val": -1.0, "max_val": 1.0},
}
_ELSEWHERE = "Export ONNX where it was made instead, then `python -m convert onnx`."


def read_slot(record: ModuleRecord, before: str) -> tuple[Step, ...]:
    """What a module without weights does: nothing, or a step. before: where it stands, for a person."""
    name, said = record.name, record.attributes
    if name in _NOTHING:
        return ()
    if name in _FUNCTIONS:
        wrong = [key for key, value in _DEFAULTS.get(name, {}).items() if said.get(key, value) != value]
        if not wrong and not (name.endswith("Softmax") and said.get("dim") not in (None, 1, -1)):
            return (Step("function", _FUNCTIONS[name], _read_function_options(name, said)),)
    if name in ("MaxPool1d", "AvgPool1d"):
        return (_read_pool(record, before),)
    if name.startswith("Adaptive") and name.endswith("Pool1d") and _first(said.get("output_size")) == 1:
        return (Step("readout", "max" if "Max" in name else "mean"),)
    if name == "Flatten" and said.get("start_dim", 1) == 1 and said.get("end_dim", -1) == -1:
        return (Step("readout", "flatten"),)
    shown = ", ".join(f"{key}={value}" for key, value in said.items() if key != "training")
    raise RefusalError(f"{before} stands a {name}({shown}), which is not known here.", _ELSEWHERE)


def read_part_options(part: Part) -> tuple[tuple[str, Option], ...]:
    """What a part's author set beside its weights; nothing where only its weights are in the file."""
    said = part.record.attributes
    if not part.record.is_torch:
        return ()
    if part.kind == "Conv1d":
        if said.get("padding_mode", "zeros") != "zeros":
            raise RefusalError(f"{part.name} pads with {said['padding_mode']}, which is not known here.", _ELSEWHERE)
        padding = said.get("padding", 0)
        numbers = [("stride", _first(said.get("stride", 1))), ("dilation", _first(said.get("dilation", 1)))]
        return (
            ("padding", padding if isinstance(padding, str) else _first(padding)),
            *[(key, value) for key, value in numbers if value != 1],
        )
    return (("eps", float(said["eps"])),) if "eps" in said else ()


def _read_function_options(name: str, said: dict[str, Any]) -> tuple[tuple[str, Option], ...]:
    if name == "LeakyReLU":
        return (("negative_slope", float(said.get("negative_slope", 0.01))),)
    if name == "ELU" and said.get("alpha", 1.0) != 1.0:
        return (("alpha", float(said["alpha"])),)
    return (("approximate", "tanh"),) if name == "GELU" and said.get("approximate") == "tanh" else ()


def _read_pool(record: ModuleRecord, before: str) -> Step:
    said = record.attributes
    size = _first(said.get("kernel_size", 2))
    stride = _first(said.get("stride") or size)
    plain = _first(said.get("padding", 0)) == 0 and _first(said.get("dilation", 1)) == 1 and not said.get("ceil_mode")
    if not plain:
        raise RefusalError(f"{before} stands a {record.name} that pads, dilates or rounds up.", _ELSEWHERE)
    stepped: tuple[tuple[str, Option], ...] = (("stride", stride),) if stride != size else ()
    return Step("pool", "max" if record.name == "MaxPool1d" else "avg", (("size", size), *stepped))


def _first(value: Any) -> int:  # noqa: ANN401 - a number or a list of one, as PyTorch keeps it
    return int(value[0] if isinstance(value, list) and value else value or 0)
