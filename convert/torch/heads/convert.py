"""A head's checkpoint from its tensors to a published model, and what `inspect` says of it. Needs no torch."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convert.conversion import Proven
from convert.draft import ManifestDraft
from convert.errors import CallError
from convert.files import compute_sha256
from convert.graph.export import Exported, export
from convert.graph.layer_graph import LayerGraph
from convert.model_info import ModelInfo, TensorSpec, Unproven, count_kinds
from convert.parity import measure_reference
from convert.report import Report, format_command, report_inspection
from convert.torch.checkpoint.checkpoint import Checkpoint
from convert.torch.checkpoint.labels import find_labels
from convert.torch.heads.assumptions import list_assumptions, list_head_facts
from convert.torch.heads.choose import Choice, choose_structure, refuse_unproven
from convert.torch.heads.flags import HeadFlags
from convert.torch.heads.graph import check_mask, make_layer_graph
from convert.torch.heads.parts import HeadParts, read_head
from convert.torch.heads.steps import format_order, parse_order

OTHERS_SHOWN = 5
_PROBABILITIES = ("softmax", "sigmoid", "log_softmax")
_UNTOLD = "a linear layer, and what follows it is not in the weights"


@dataclass(frozen=True, slots=True)
class HeadModel:
    """A head that was understood, as layers and as an ONNX graph."""

    parts: HeadParts
    choice: Choice
    assumptions: tuple[str, ...]
    graph: LayerGraph
    exported: Exported
    info: ModelInfo

    @property
    def record(self) -> dict[str, Any]:
        """What the manifest keeps under source.overrides.torch."""
        order = format_order(self.choice.structure.steps)
        return {"parts": [f"{part.name}: {part.describe()}" for part in self.parts.parts], "order": order}

    def prove(self, draft: ManifestDraft) -> Proven:
        """The head's graph against the NumPy reference of its layers; CallError where it is said to end otherwise."""
        if draft.activation == "probabilities" and self.info.output_activation not in _PROBABILITIES:
            raise CallError(
                "The graph of a head ends in its last linear layer, not in probabilities.",
                "Say what its author applied to that: --activation softmax|sigmoid|none.",
            )
        draft = replace(
            draft,
            assumptions=(*draft.assumptions, *self.assumptions),
            overrides={**draft.overrides, "torch": self.record},
        )
        content: bytes = self.exported.model.SerializeToString()
        return Proven(content, measure_reference(self.graph, content), draft)


def open_head(file: Path, checkpoint: Checkpoint, flags: HeadFlags, golden: Path | None = None) -> HeadModel:
    """Understand a head. RefusalError where its layers are not known, CallError where a flag does not fit them.

    golden: the author's own inputs and outputs, which choose among the structures that fit.
    """
    parts = read_head(checkpoint)
    flags = _parse_flags(parts, flags)
    choice = choose_structure(parts, checkpoint, flags, golden)
    sentences = list_assumptions(parts, flags, choice)
    graph = make_layer_graph(parts, choice.structure.steps, choice.structure.length, masked=flags.masked)
    exported = export(graph)
    info = _describe_model(file, checkpoint, parts, graph, exported)
    info = replace(info, facts=list_head_facts(parts, flags, choice))
    if not choice.settled:
        refusal = refuse_unproven(choice, sentences)
        info = replace(info, unproven=Unproven(refusal.reason, refusal.advice))
    if choice.ending in _PROBABILITIES and (choice.ending == "sigmoid") == (parts.outputs == 1):
        info = replace(info, output_activation="logits")
    return HeadModel(parts, choice, sentences, graph, exported, info)


def inspect_head(file: Path, checkpoint: Checkpoint) -> Report:
    """What a head is, what would be assumed, and the command that converts it."""
    model = open_head(file, checkpoint, HeadFlags())
    proof = () if model.choice.settled else ("--golden FILE.npz",)
    report = report_inspection(model.info, "torch", proof, file)
    report.lines[1:1] = [f"  {part.name}: {part.describe()}" for part in model.parts.parts]
    report.lines[-1:-1] = [
        *[f"  {origin}: {fact}: {value}" for fact, value, origin in model.info.facts],
        *[f"  assumed: {sentence}" for sentence in model.assumptions],
        *_list_structures(model),
        *_explain_activation(model),
    ]
    if proof:
        assumed = " ".join((format_command("torch", model.info, file), "--assume"))
        report.lines.append(f"Without inputs and outputs of its author's, as not proven: {assumed}")
        report.document["command_assumed"] = assumed
    report.document["network"] = {
        "family": "head",
        "inputs": model.parts.inputs,
        "outputs": model.parts.outputs,
        "parts": [{"name": part.name, "is": part.describe()} for part in model.parts.parts],
        "assumptions": list(model.assumptions),
        "order": model.record["order"],
        "proven": model.choice.settled,
        "others": [format_order(one.steps) for one in model.choice.others[:OTHERS_SHOWN]],
    }
    return report


def _list_structures(model: HeadModel) -> list[str]:
    """The structures that fit, where there are several."""
    if model.choice.settled:
        return []
    orders = dict.fromkeys(
        format_order(one.steps) for one in (model.choice.structure, *model.choice.others[:OTHERS_SHOWN])
    )
    return [
        "  not proven: the weights do not say how they are run; these fit:",
        *[f"    --order '{one}'" for one in orders],
    ]


def _explain_activation(model: HeadModel) -> list[str]:
    """What the command's --activation means, where the weights do not say what follows."""
    if model.info.output_activation != _UNTOLD:
        return []
    return ["  --activation: none takes its number as it is; sigmoid, if it was trained as a logit (BCEWithLogitsLoss)"]


def _parse_flags(parts: HeadParts, flags: HeadFlags) -> HeadFlags:
    """The flags with the steps that `--order` names. CallError where one does not fit the parts."""
    if flags.order_text:
        clash = [f"--{name}" for name in ("readout", "hidden", "pool") if getattr(flags, name) is not None]
        if clash:
            raise CallError(f"--order says all steps, and {clash[0]} one of them.", f"Leave out {clash[0]}.")
        flags = replace(flags, order=parse_order(flags.order_text, {part.name: part for part in parts.parts}))
    if parts.last_in_time is None and (flags.readout or flags.padding or flags.masked or flags.pool or flags.steps):
        raise CallError("The head reads one row of numbers: it has no steps.", "Leave out --readout and its like.")
    if flags.masked:
        check_mask(parts, flags.readout or "hidden")
    if parts.steps is not None and flags.readout not in (None, "flatten"):
        raise CallError(
            f"The first linear layer reads {parts.steps} steps at once, not the {flags.readout} of them.",
            "Leave out --readout.",
        )
    return flags


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
        output_activation=exported.output_activation
        if exported.output_activation in _PROBABILITIES
        else _UNTOLD
        if parts.outputs == 1
        else "linear",
        parameters=sum(values.size for part in parts.parts for values in part.tensors.values()),
        layers=count_kinds([part.kind for part in parts.parts]),
        warnings=(*checkpoint.notes, *left_out, *notes),
        labels=labels,
    )
