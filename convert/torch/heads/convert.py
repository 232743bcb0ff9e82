"""A head's checkpoint from its tensors to a published model, and what `inspect` says of it. Needs no torch."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from convert.errors import CallError
from convert.files import sha256_of
from convert.findings import Findings, Port, counted
from convert.graph.export import Exported, export
from convert.graph.layer_graph import LayerGraph
from convert.parity import measure_reference, require
from convert.publish import Wishes, plan_of, publish
from convert.torch.checkpoint.checkpoint import Checkpoint
from convert.torch.checkpoint.labels import stored_labels
from convert.torch.heads.graph import Choices, Hidden, Padding, Readout, layer_graph
from convert.torch.heads.parts import RECURRENT, HeadParts, head_parts
from convert.work import Report, inspection, published_report

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
    findings: Findings


def opened_head(file: Path, checkpoint: Checkpoint, flags: HeadFlags) -> HeadModel:
    """Understand a head. RefusalError where its layers are not known, CallError where a flag does not fit them."""
    parts = head_parts(checkpoint)
    choices, assumptions = _settled(parts, flags)
    graph = layer_graph(parts, choices, parts.steps if choices.readout == "flatten" else None)
    exported = export(graph)
    findings = _findings(file, checkpoint, parts, graph, exported)
    return HeadModel(parts, choices, assumptions, graph, exported, findings)


def convert_head(file: Path, checkpoint: Checkpoint, wishes: Wishes, flags: HeadFlags) -> Report:
    """Make the graph of a head, prove it against the NumPy reference, publish it."""
    if wishes.activation == "probabilities":
        raise CallError(
            "The graph of a head ends in its last linear layer, not in probabilities.",
            "Say what its author applied to that: --activation softmax|sigmoid|none.",
        )
    model = opened_head(file, checkpoint, flags)
    plan = plan_of(model.findings, wishes)
    record = asdict(model.choices) | {"parts": [f"{part.name}: {part.said()}" for part in model.parts.parts]}
    plan = replace(
        plan,
        assumptions=(*plan.assumptions, *model.assumptions),
        overrides={**plan.overrides, "torch": record},
    )
    content: bytes = model.exported.model.SerializeToString()
    measured = [require(measure_reference(model.graph, content))]
    manifest = publish(model.findings, plan, wishes, content, measured[-1])
    return published_report(model.findings, plan, wishes, manifest, measured)


def inspect_head(file: Path, checkpoint: Checkpoint) -> Report:
    """What a head is, what would be assumed, and the command that converts it."""
    model = opened_head(file, checkpoint, HeadFlags())
    report = inspection(model.findings, "torch", _missing_flags(model))
    report.lines[1:1] = [f"  {part.name}: {part.said()}" for part in model.parts.parts]
    report.lines[-1:-1] = [f"  assumed: {sentence}" for sentence in model.assumptions]
    report.document["network"] = {
        "family": "head",
        "inputs": model.parts.inputs,
        "outputs": model.parts.outputs,
        "parts": [{"name": part.name, "is": part.said()} for part in model.parts.parts],
        "assumptions": list(model.assumptions),
    }
    return report


def _missing_flags(model: HeadModel) -> tuple[str, ...]:
    """Flags that only the author can fill in."""
    flags = []
    if model.parts.last_in_time is not None and model.choices.readout != "flatten":
        flags.append("--readout last|mean|max")
    if model.findings.ending == _UNTOLD:
        flags.append("--activation none|sigmoid")
    return tuple(flags)


def _settled(parts: HeadParts, flags: HeadFlags) -> tuple[Choices, tuple[str, ...]]:
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
    return choices, _assumptions(parts, flags, choices)


def _assumptions(parts: HeadParts, flags: HeadFlags, choices: Choices) -> tuple[str, ...]:
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


def _findings(file: Path, checkpoint: Checkpoint, parts: HeadParts, graph: LayerGraph, exported: Exported) -> Findings:
    labels, notes = stored_labels(checkpoint, parts.outputs)
    left_out = [f"Left out, as they are outside the head: {', '.join(parts.foreign[:6])}."] if parts.foreign else []
    return Findings(
        file=file.name,
        sha256=sha256_of(file),
        framework=checkpoint.framework,
        inputs=tuple(Port(one.name, one.shape, one.dtype) for one in graph.inputs),
        outputs=(Port(exported.output_names[0], exported.output_shapes[0]),),
        ending=_UNTOLD if parts.outputs == 1 else "linear",
        parameters=sum(values.size for part in parts.parts for values in part.tensors.values()),
        layers=counted([part.kind for part in parts.parts]),
        warnings=(*checkpoint.notes, *left_out, *notes),
        labels=labels,
    )
