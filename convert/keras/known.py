"""Refuse, by name and position and before anything else is read, the layers that this converter does not know."""

from convert.errors import RefusalError
from convert.graph.layers import LAYERS
from convert.keras.declared import WRAPPERS, Part

_LAMBDA = (
    "it holds Python code, which is never run here",
    "Replace the Lambda by a layer that Keras knows, or let the pipeline do its work, and save the model again.",
)
_CUSTOM = (
    "only its author's code defines it",
    "Rebuild the model with Keras' own layers, load the weights into it and save that.",
)
_UNSUPPORTED = {
    "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "RNN", "StackedRNNCells", "AdditiveAttention", "Dot",
    "GroupNormalization", "UnitNormalization", "Conv3DTranspose", "LocallyConnected1D", "LocallyConnected2D",
    "CuDNNLSTM", "CuDNNGRU", "GroupQueryAttention", "Hashing", "StringLookup", "TextVectorization", "TensorFlowOpLayer",
}  # fmt: skip


def check_kinds(model: Part) -> None:
    """Raise RefusalError for the first layer without a conversion."""
    position = 0
    stack = [model]
    while stack:
        part = stack.pop()
        if part.is_model or part.kind in WRAPPERS:
            stack.extend(reversed(part.children))
            continue
        if part.kind == "InputLayer":
            continue
        position += 1
        if part.kind not in LAYERS:
            raise _refusal(part, position)


def _refusal(part: Part, position: int) -> RefusalError:
    reason, advice = _CUSTOM
    if part.kind.rsplit(".", 1)[-1] == "Lambda":
        reason, advice = _LAMBDA
    elif part.kind in _UNSUPPORTED or part.kind.startswith(("keras.", "tf.")):
        reason, advice = (
            "it is not supported",
            "Rebuild this part of the model with other layers, or export it as ONNX.",
        )
    return RefusalError(f"Layer {position}, {part.place!r}, is a {part.kind}: {reason}.", advice)
