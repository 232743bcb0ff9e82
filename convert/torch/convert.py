"""The command's work, from top to bottom: read, recognise, settle, build, export, prove, publish, report."""

import importlib.util
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from convert.errors import CallError, RefusalError
from convert.files import sha256_of
from convert.findings import Findings, Port
from convert.parity import Measured, require
from convert.presets.faces import hsemotion_match
from convert.presets.preset import Match
from convert.publish import Plan, Wishes, plan_of, publish
from convert.torch.architectures.networks import normalised
from convert.torch.architectures.recognize import Recognised, recognise
from convert.torch.architectures.settings import Flags, Settings, settle
from convert.torch.checkpoint.arrays import Array
from convert.torch.checkpoint.checkpoint import Checkpoint, read_checkpoint
from convert.torch.checkpoint.labels import stored_labels
from convert.torch.clips import fitted_numbers, preset_of
from convert.torch.heads.convert import HeadFlags, convert_head, inspect_head
from convert.torch.heads.parts import looks_like_a_head
from convert.work import Report

if TYPE_CHECKING:
    from convert.torch.export import Exported
    from convert.torch.layout import Layout

InputKind = Literal["pixels", "uint8", "normalised"]
LayoutWish = Literal["auto", "3d", "2d"]
SUFFIXES = frozenset({".pt", ".pth", ".ckpt", ".pyth", ".ptl", ".safetensors"})
BATCHES = (1, 3)
"""Clips that the graph and torch are compared on at once."""
LEFT_OUT_SHOWN = 5
_NO_TORCH = (
    "Make its environment with `make convert-torch-env` and run `.venv-convert-torch/bin/python -m convert torch …`."
)
_INPUTS = {
    "pixels": "takes pixel values 0–255 as float32 and normalises them in the graph",
    "uint8": "takes uint8 pixels and normalises them in the graph",
    "normalised": "takes normalised pixels: (x / 255 − mean) / std is left to the pipeline",
}


@dataclass(frozen=True, slots=True)
class Options:
    """How the graph is made. input_kind None: uint8 for pictures, pixels for clips (which are resized in floats).

    calibrate: the folder of clips for INT8, None for a float graph.
    """

    layout: LayoutWish = "auto"
    input_kind: InputKind | None = None
    features: bool = False
    calibrate: Path | None = None
    min_agreement: float = 0.98


@dataclass(frozen=True, slots=True)
class TorchModel:
    """A checkpoint that was understood."""

    checkpoint: Checkpoint
    recognised: Recognised
    settings: Settings
    findings: Findings


@contextmanager
def opened_checkpoint(file: Path) -> Iterator[Checkpoint]:
    """Read a checkpoint; its tensors are mapped from a folder that goes with this context."""
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        yield read_checkpoint(file, Path(folder))


def understood(file: Path, checkpoint: Checkpoint, flags: Flags, options: Options) -> TorchModel:
    """Recognise the network in a checkpoint and settle what is not in its weights."""
    recognised = recognise(checkpoint)
    settings = settle(recognised, checkpoint, flags)
    return TorchModel(checkpoint, recognised, settings, _findings(file, checkpoint, recognised, settings, options))


def convert_torch(
    file: Path, wishes: Wishes, flags: Flags, options: Options, head_flags: HeadFlags | None = None
) -> Report:
    """Read a checkpoint, make the graph of our network or head with its weights, prove it, publish it."""
    with opened_checkpoint(file) as checkpoint:
        if looks_like_a_head(checkpoint):
            return convert_head(file, checkpoint, wishes, head_flags or HeadFlags())
        if head_flags is not None and head_flags != HeadFlags():
            raise CallError("--readout, --hidden, --padding and --masked are for heads.", "Leave them out.")
        return _convert_network(understood(file, checkpoint, flags, options), wishes, options)


def _convert_network(model: TorchModel, wishes: Wishes, options: Options) -> Report:
    if importlib.util.find_spec("torch") is None:
        raise CallError("PyTorch is not installed in this environment.", _NO_TORCH)
    plan = plan_of(model.findings, wishes)
    plan = replace(plan, pipeline=fitted_numbers(plan.pipeline, input_kind(model.settings, options)))
    exported, measured = _made(model, options)
    plan = replace(
        plan,
        assumptions=(*plan.assumptions, *model.settings.assumptions),
        overrides={**plan.overrides, "torch": _record(model, exported, options)},
    )
    graph = exported.model
    notes: list[str] = []
    require(measured)
    if options.calibrate is not None:
        graph, plan, notes = _quantised(model, plan, exported, options.calibrate, options)
    manifest = publish(model.findings, plan, wishes, graph, measured)
    report = _published(model, plan, wishes, exported, measured, manifest.version)
    report.lines[-1:-1] = notes
    report.document["quantization"] = plan.details.get("quantization")
    return report


def inspect_torch(file: Path) -> Report:
    """What a checkpoint is; a network that is not known is described as far as its tensors go. Needs no torch."""
    with opened_checkpoint(file) as checkpoint:
        report = Report(_described(file, checkpoint), _document(file, checkpoint))
        try:
            if looks_like_a_head(checkpoint):
                return inspect_head(file, checkpoint)
            recognised = recognise(checkpoint)
        except RefusalError as refusal:
            report.lines += [f"  {refusal.reason}", f"  → {refusal.advice}"]
            report.document["network"] = None
            return report
        report.document["network"] = {"family": recognised.family.name, "classes": recognised.classes}
        report.lines += [f"  a {recognised.family.name} network with {recognised.classes} outputs"]
        report.lines += [f"  note: {note}" for note in recognised.notes]
        labels, _ = stored_labels(checkpoint, recognised.classes)
        report.lines += [f"  labels in the file: {', '.join(labels)}"] if labels else []
        try:
            settings = settle(recognised, checkpoint, Flags())
        except CallError as error:
            report.lines += [f"  {error.reason} {error.advice}"]
            return report
        report.lines += [f"  {settings.network.name}: {_clip_sentence(settings)}"]
        report.lines += [f"  assumed: {sentence}" for sentence in settings.assumptions]
        report.document["network"] |= _settings_record(settings)
        for match in _own_matches(recognised, settings, Options()) or ():
            report.lines.append(f"Likely preset: {match.preset.name}: {match.reason}")
            report.lines += [f"  assumed: {sentence}" for sentence in match.preset.assumptions]
            report.document["network"]["preset"] = match.preset.name
    return report


def is_checkpoint(file: Path) -> bool:
    """Whether a file's name is one that PyTorch's files have."""
    return file.suffix.lower() in SUFFIXES


def input_kind(settings: Settings, options: Options) -> InputKind:
    """What the graph takes."""
    return options.input_kind or ("pixels" if settings.network.is_clip else "uint8")


def _made(model: TorchModel, options: Options) -> tuple["Exported", Measured]:
    import numpy as np  # noqa: PLC0415 - with torch, below

    from convert.torch import export  # noqa: PLC0415 - needs torch, which is in an environment of its own
    from convert.torch.architectures import build  # noqa: PLC0415 - needs torch, which is in an environment of its own
    from convert.torch.synthetic_clips import gratings  # noqa: PLC0415

    settings, kind = model.settings, input_kind(model.settings, options)
    network = build.built(model.recognised, settings, options.features)
    if kind != "normalised":
        network = build.in_pixels(network, settings)

    def clips(count: int, seed: int) -> Array:
        pixels = gratings(count, settings.frames, settings.crop, seed)
        if kind == "normalised":
            return normalised(pixels, settings.network)
        return pixels.astype(np.uint8) if kind == "uint8" else pixels

    steps = settings.frames // 2 if model.recognised.family.name == "mvit" else settings.frames
    exported = export.export(network, clips(2, 0), None if options.layout == "auto" else options.layout, steps)
    far = export.difference(network, exported.model, [clips(count, seed=count) for count in BATCHES])
    return exported, Measured("torch", far.samples, far.max_abs, far.tolerance)


def _quantised(
    model: TorchModel, plan: Plan, exported: "Exported", folder: Path, options: Options
) -> tuple[bytes, Plan, list[str]]:
    """(the INT8 graph, the plan with its figures, lines for a person). RefusalError where it does not agree.

    The graph with 3-D convolutions is quantised where there is one: in INT8 it is the faster one.
    """
    from convert.calibration import ClipShape, read_folder  # noqa: PLC0415 - needed here only
    from convert.quantize import quantise  # noqa: PLC0415 - heavy

    settings, kind = model.settings, input_kind(model.settings, options)
    shape = ClipShape(settings.frames, settings.side, settings.crop, settings.clip_duration_s)
    found = read_folder(folder, shape)
    clips = [normalised(clip, settings.network) if kind == "normalised" else clip for clip in found.clips]
    clips = [clip.round().astype("uint8") for clip in clips] if kind == "uint8" else clips
    layout: Layout = "3d" if "3d" in exported.made else exported.layout
    small = quantise(exported.made[layout], clips, options.min_agreement, exported.model)
    figures = {
        "method": small.method,
        "agreement": small.agreement,
        "samples": small.samples,
        "speedup": small.speedup,
    }
    shown = list(found.left_out.items())[:LEFT_OUT_SHOWN]
    megabytes = [len(content) / 1e6 for content in (small.model, exported.model)]
    lines = [
        f"INT8 ({small.method}): {small.agreement:.1%} of {small.samples} clips keep their first answer",
        f"  {small.speedup:.2f} × as fast, {megabytes[0]:.1f} MB instead of {megabytes[1]:.1f} MB",
        *small.notes(),
        *[f"  left out: {name}: {reason.partition('.')[0]}" for name, reason in shown],
        *([f"  left out: {len(found.left_out) - len(shown)} more"] if len(found.left_out) > len(shown) else []),
    ]
    overrides = {**plan.overrides, "torch": {**plan.overrides["torch"], "layout": layout}}
    details = {**plan.details, "quantization": figures}
    return small.model, replace(plan, details=details, overrides=overrides), lines


def _findings(
    file: Path, checkpoint: Checkpoint, recognised: Recognised, settings: Settings, options: Options
) -> Findings:
    labels, notes = (None, []) if options.features else stored_labels(checkpoint, recognised.classes)
    head = recognised.state[f"{recognised.family.head}.weight"]
    width = head.shape[1] if options.features else head.shape[0]
    if options.features and recognised.family.name != "efficientnet":
        raise CallError("--features is for EfficientNet.", "Video networks answer with their classes.")
    kind = input_kind(settings, options)
    size = (settings.crop, settings.crop)
    shape = (None, 3, settings.frames, *size) if settings.network.is_clip else (None, 3, *size)
    ending = {"none": "linear", "softmax": "softmax", "sigmoid": "sigmoid"}[settings.head_activation]
    return Findings(
        file=file.name,
        sha256=sha256_of(file),
        framework=checkpoint.framework,
        inputs=(Port("x", shape, "uint8" if kind == "uint8" else "float32"),),
        outputs=(Port("y", (None, width)),),
        ending=ending,
        parameters=sum(values.size for values in recognised.state.values()),
        layers={settings.network.name: 1},
        warnings=(*checkpoint.notes, *recognised.notes, *notes, f"The graph {_INPUTS[kind]}."),
        labels=labels,
        own=_own_matches(recognised, settings, options),
    )


def _own_matches(recognised: Recognised, settings: Settings, options: Options) -> tuple[Match, ...] | None:
    """The preset of a network that looks at clips or reads faces; none where nothing is known of what it looks at."""
    kind = input_kind(settings, options)
    clips = preset_of(settings, kind)
    if clips is not None:
        return (Match(clips, f"{clips.about}, as the file and its network's table say"),)
    variant = settings.network.name.rpartition("_")[2]
    match = hsemotion_match(
        variant, recognised.classes, settings.crop, normalises=kind != "normalised", whole=kind == "uint8"
    )
    return () if match is None else (match,)


def _record(model: TorchModel, exported: "Exported", options: Options) -> dict[str, Any]:
    """What the manifest keeps under source.overrides.torch: clip parameters, where each is from, the graph's layout."""
    settings = model.settings
    return _settings_record(settings) | {
        "sources": settings.sources,
        "input": input_kind(settings, options),
        "layout": exported.layout,
        "layout_ms": exported.milliseconds,
        "features": options.features,
    }


def _settings_record(settings: Settings) -> dict[str, Any]:
    return {
        "network": settings.network.name,
        "num_frames": settings.frames,
        "side": settings.side,
        "crop": settings.crop,
        "clip_duration_s": settings.clip_duration_s,
        "head_pool": list(settings.head_pool) if settings.head_pool else None,
        "head_activation": settings.head_activation,
    }


def _published(
    model: TorchModel, plan: Plan, wishes: Wishes, exported: "Exported", measured: Measured, version: int
) -> Report:
    folder = wishes.store / wishes.name / str(version)
    labels = list(plan.labels.names) if plan.labels else []
    report = Report(_described(Path(model.findings.file), model.checkpoint))
    report.lines += [f"  {model.settings.network.name}: {_clip_sentence(model.settings)}"]
    further = [note for note in model.findings.warnings if note not in model.checkpoint.notes]
    report.lines += [f"  note: {note}" for note in (*further, *plan.notes)]
    report.lines += [f"  assumed: {sentence}" for sentence in plan.assumptions]
    report.lines.append(f"Pipeline: {plan.preset or 'as given'}, kind {plan.pipeline.kind}")
    report.lines += [f"  set {path} = {value}" for path, value in plan.overrides.items() if path != "torch"]
    report.lines += [f"Labels ({plan.labels.how}): {', '.join(labels)}"] if plan.labels else []
    taken = ", ".join(f"{layout} {milliseconds:.0f} ms" for layout, milliseconds in exported.milliseconds.items())
    report.lines.append(f"Layout: {exported.layout}" + (f" ({taken} a clip on one thread)" if taken else ""))
    report.lines.append(f"Parity: {measured.sentence()}")
    report.lines.append(f"Published {wishes.name} version {version} in {folder}")
    report.document = {
        "published": {"name": wishes.name, "version": version, "folder": str(folder)},
        "findings": model.findings.document(),
        "torch": plan.overrides["torch"],
        "pipeline": plan.pipeline.model_dump(mode="json"),
        "assumptions": list(plan.assumptions),
        "notes": list(plan.notes),
        "labels": labels,
        "operators": exported.operators,
        "parity": {"reference": "torch", "samples": measured.samples, "max_abs_diff": measured.max_abs_diff},
    }
    return report


def _described(file: Path, checkpoint: Checkpoint) -> list[str]:
    weights = sum(values.size for values in checkpoint.tensors.values())
    place = f" under {checkpoint.found_at}" if checkpoint.found_at else ""
    lines = [f"{file.name}: {checkpoint.framework}, {len(checkpoint.tensors)} tensors{place}, {weights} numbers"]
    lines += [f"  note: {note}" for note in checkpoint.notes]
    if checkpoint.other_keys:
        lines.append(f"  beside them: {', '.join(checkpoint.other_keys[:12])}")
    return lines


def _document(file: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "file": file.name,
        "framework": checkpoint.framework,
        "container": checkpoint.container,
        "tensors": {name: list(values.shape) for name, values in checkpoint.tensors.items()},
        "hyper_parameters": checkpoint.hyper_parameters,
        "stand_ins": checkpoint.stand_ins,
        "notes": list(checkpoint.notes),
    }


def _clip_sentence(settings: Settings) -> str:
    if not settings.network.is_clip:
        return f"pictures of {settings.crop} × {settings.crop}"
    return (
        f"clips of {settings.frames} frames over {settings.clip_duration_s:.2f} s, short side {settings.side}, "
        f"crop {settings.crop}"
    )
