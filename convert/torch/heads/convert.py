"""A head's checkpoint from its tensors to a published model, and what `inspect` says of it. Needs no torch."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from convert.conversion import Proven
from convert.errors import CallError
from convert.files import compute_sha256
from convert.graph.export import Exported, export
from convert.graph.layer_graph import LayerGraph
from convert.model_info import ModelInfo, TensorSpec, count_kinds
from convert.parity import measure_reference
from convert.publish import ManifestDraft
from convert.report import Report, report_inspection
from convert.torch.checkpoint.checkpoint import Checkpoint
from convert.torch.checkpoint.labels import find_labels
from convert.torch.heads.graph import Choices, Hidden, Padding, Readout, make_layer_graph
from convert.torch.heads.parts import RECURRENT, HeadParts, read_head

_UNTOLD = "a linear layer, and what follows it is not in the weights"


@dataclass(frozen=True, slots=True)
class HeadFlags:
    """What the command says; None where it says nothing."""

    readout: Readout | None = None
    hidden: Hidden | None = None
    padding: Padding | None = None
    masked: bool = False

    @property
    def given(self) -> bool:
        return self != HeadFlags()


@dataclass(frozen=True, slots=True)
class HeadModel:
    """A head that was understood, as layers and as an ONNX graph."""

    parts: HeadParts
    choices: Choices
    assumptions: tuple[str, ...]
    graph: LayerGraph
    exported: Exported
    info: ModelInfo

    def prove(self, draft: ManifestDraft) -> Proven:
        """The head's graph against the NumPy reference of its layers; CallError where it is said to end otherwise."""
        if draft.activation == "probabilities":
            raise CallError(
                "The graph of a head ends in its last linear layer, not in probabilities.",
                "Say what its author applied to that: --activation softmax|sigmoid|none.",
            )
        record = asdict(self.choices) | {"parts": [f"{part.name}: {part.describe()}" for part in self.parts.parts]}
        draft = replace(
            draft,
            assumptions=(*draft.assumptions, *self.assumptions),
            overrides={**draft.overrides, "torch": record},
        )
        content: bytes = self.exported.model.SerializeToString()
        return Proven(content, measure_reference(self.graph, content), draft)


def open_head(file: Path, checkpoint: Checkpoint, flags: HeadFlags) -> HeadModel:
    """Understand a head. RefusalError where its layers are not known, CallError where a flag does not fit them."""
    parts = read_head(checkpoint)
    choices, assumptions = _resolve_choices(parts, flags)
    graph = make_layer_graph(parts, choices, parts.steps if choices.readout == "flatten" else None)
    exported = export(graph)
    info = _describe_model(file, checkpoint, parts, graph, exported)
    return HeadModel(parts, choices, assumptions, graph, exported, info)


def inspect_head(file: Path, checkpoint: Checkpoint) -> Report:
    """What a head is, what would be assumed, and the command that converts it."""
    model = open_head(file, checkpoint, HeadFlags())
    report = report_inspection(model.info, "torch", _list_missing_flags(model))
    report.lines[1:1] = [f"  {part.name}: {part.describe()}" for part in model.parts.parts]
    report.lines[-1:-1] = [f"  assumed: {sentence}" for sentence in model.assumptions]
    report.document["network"] = {
        "family": "head",
        "inputs": model.parts.inputs,
        "outputs": model.parts.outputs,
        "parts": [{"name": part.name, "is": part.describe()} for part in model.parts.parts],
        "assumptions": list(model.assumptions),
    }
    return report


def _list_missing_flags(model: HeadModel) -> tuple[str, ...]:
    """Flags that only the author can fill in."""
    flags = []
    if model.parts.last_in_time is not None and model.choices.readout != "flatten":
        flags.append("--readout last|mean|max")
    if model.info.output_activation == _UNTOLD:
        flags.append("--activation none|sigmoid")
    return tuple(flags)


def _resolve_choices(parts: HeadParts, flags: HeadFlags) -> tuple[Choices, tuple[str, ...]]:
    """All choices, and sentences on those that nobody made."""
    part = parts.last_in_time
    if part is None and (flags.readout or flags.padding or flags.masked):
        raise CallError("The head reads one row of numbers: it has no steps.", "Leave out --readout and its like.")
    if parts.steps is not None and flags.readout not in (None, "flatten"):
        raise CallError(
            f"The first linear layer reads {parts.steps} steps at once, not the {flags.readout} of them.",
            "Leave out --readout.",
        )
    if flags.readout == "flatten" and parts.steps is None:
        raise CallError("The first linear layer reads one step, not all of them.", "Say --readout last|mean|max.")
    usual: Readout = "last" if part is not None and part.kind in RECURRENT else "mean"
    readout: Readout = flags.readout or ("flatten" if parts.steps is not None else usual)
    choices = Choices(readout, flags.hidden or "relu", flags.padding or "same", flags.masked)
    return choices, _list_assumptions(parts, flags, choices)


def _list_assumptions(parts: HeadParts, flags: HeadFlags, choices: Choices) -> tuple[str, ...]:
    part = parts.last_in_time
    sentences = []
    if part is not None and flags.readout is None and choices.readout != "flatten":
        sentences.append(f"readout: {choices.readout} of the steps (--readout last|hidden|mean|max)")
    if part is not None and part.bidirectional and choices.readout == "last":
        sentences.append(
            "readout: last is out[:, -1], where the backward direction has seen one step (--readout hidden for h_n)"
        )
    convolves = any(one.kind == "Conv1d" for one in parts.parts)
    between = convolves or sum(one.kind == "Linear" for one in parts.parts) > 1
    if between and flags.hidden is None:
        sentences.append("hidden: relu after convolutions and between linear layers, behind their norms (--hidden)")
    if convolves:
        sentences.append("pooling: none between the convolutions, which go step by step")
    if convolves and flags.padding is None:
        sentences.append("padding: a convolution gives as many steps as it takes (--padding valid)")
    if any(one.kind == "RNN" for one in parts.parts):
        sentences.append("RNN: its function is tanh")
    return tuple(sentences)


def _describe_model(
    file: Path, checkpoint: Checkpoint, parts: HeadParts, graph: LayerGraph, exported: Exported
) -> ModelInfo:
    labels, notes = find_labels(checkpoint, parts.outputs)
    left_out = [f"Left out, as they are outside the head: {', '.join(parts.foreign[:6])}."] if parts.foreign else []
    return ModelInfo(
        file=file.name,
        sha256=compute_sha256(file),
        framework=checkpoint.framework,
        inputs=tuple(TensorSpec(one.name, one.shape, one.dtype) for one in graph.inputs),
        outputs=(TensorSpec(exported.output_names[0], exported.output_shapes[0]),),
        output_activation=_UNTOLD if parts.outputs == 1 else "linear",
        parameters=sum(values.size for part in parts.parts for values in part.tensors.values()),
        layers=count_kinds([part.kind for part in parts.parts]),
        warnings=(*checkpoint.notes, *left_out, *notes),
        labels=labels,
    )
