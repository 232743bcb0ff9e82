"""A checkpoint from its bytes to a proven ONNX model: read, recognize, resolve, build, export, measure."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from convert.conversion import Proven, SourceModel, convert_model, show_progress
from convert.draft import ManifestDraft, PublishOptions
from convert.errors import CallError
from convert.files import compute_sha256
from convert.model_info import ModelInfo, TensorSpec
from convert.parity import Measured, require
from convert.presets.faces import match_hsemotion
from convert.presets.networks import normalize_pixels
from convert.presets.preset import Match
from convert.report import Made, Report
from convert.torch.architectures.recognize import RecognizedNetwork, recognize
from convert.torch.architectures.settings import Flags, Settings, describe_clips, record_settings, resolve_settings
from convert.torch.checkpoint.arrays import Array
from convert.torch.checkpoint.checkpoint import Checkpoint, open_checkpoint
from convert.torch.checkpoint.labels import find_labels
from convert.torch.clips import fit_numbers, preset_of
from convert.torch.heads.convert import open_head
from convert.torch.heads.flags import HeadFlags
from convert.torch.heads.parts import looks_like_a_head

if TYPE_CHECKING:
    from convert.torch.export import Exported
    from convert.torch.layout import Layout

InputKind = Literal["pixels", "uint8", "normalised"]
LayoutWish = Literal["auto", "3d", "2d"]
BATCHES = (1, 3)
"""Clips that the graph and torch are compared on at once."""
LEFT_OUT_SHOWN = 5
SAMPLES = Path(__file__).resolve().parents[2] / "samples"
NATURAL_CLIPS = 3
"""Real movements and faces are compared beside the patterns: badly conditioned norms show on them first."""
_NO_TORCH = (
    "Make its environment with `make convert-torch-env` and run `.venv-convert-torch/bin/python -m convert torch …`."
)
_INPUTS = {
    "pixels": "takes pixel values 0–255 as float32 and normalizes them in the graph",
    "uint8": "takes uint8 pixels and normalizes them in the graph",
    "normalised": "takes normalized pixels: (x / 255 − mean) / std is left to the pipeline",
}


@dataclass(frozen=True, slots=True)
class ExportOptions:
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
    """A checkpoint of a known network, with all that is not in its weights."""

    checkpoint: Checkpoint
    recognized: RecognizedNetwork
    settings: Settings
    info: ModelInfo
    export: ExportOptions

    def prove(self, draft: ManifestDraft) -> Proven:
        """The exported graph against PyTorch, and its INT8 form where that is asked for."""
        draft = replace(draft, pipeline=fit_numbers(draft.pipeline, choose_input_kind(self.settings, self.export)))
        exported, measured = _export_network(self)
        require(measured)
        draft = replace(
            draft,
            assumptions=(*draft.assumptions, *self.settings.assumptions),
            overrides={**draft.overrides, "torch": _record_export(self, exported)},
        )
        content = exported.model
        notes: list[str] = []
        if self.export.calibrate is not None:
            content, draft, notes = _quantize(self, draft, exported, self.export.calibrate)
        taken = ", ".join(f"{layout} {milliseconds:.0f} ms" for layout, milliseconds in exported.milliseconds.items())
        lines = (
            f"{self.settings.network.name}: {describe_clips(self.settings)}",
            f"Layout: {exported.layout}" + (f" ({taken} a clip on one thread)" if taken else ""),
            *notes,
        )
        document = {
            "torch": draft.overrides["torch"],
            "operators": exported.operators,
            "quantization": draft.details.get("quantization"),
        }
        return Proven(content, measured, draft, exported.model, Made(lines, document))


@contextmanager
def open_torch(
    file: Path, flags: Flags, export: ExportOptions, head_flags: HeadFlags, golden: Path | None = None
) -> Iterator[SourceModel]:
    """Read a checkpoint in a child process: a known network, which needs torch to be made, or a head.

    golden: the author's own inputs and outputs, which tell the structures of a head apart.
    """
    with open_checkpoint(file) as checkpoint:
        if looks_like_a_head(checkpoint):
            yield open_head(file, checkpoint, head_flags, golden)
            return
        if head_flags.given:
            raise CallError(
                "--readout, --hidden, --padding, --pool, --steps, --order and --masked are for heads.",
                "Leave them out.",
            )
        model = identify_network(file, checkpoint, flags, export)
        if importlib.util.find_spec("torch") is None:
            raise CallError("PyTorch is not installed in this environment.", _NO_TORCH)
        yield model


def convert_torch(
    file: Path, options: PublishOptions, flags: Flags, export: ExportOptions, head_flags: HeadFlags | None = None
) -> Report:
    """Read a checkpoint of a network or head and publish it, proven against PyTorch or the NumPy reference."""
    with show_progress("Reading"), open_torch(file, flags, export, head_flags or HeadFlags(), options.golden) as model:
        return convert_model(model, options)


def identify_network(file: Path, checkpoint: Checkpoint, flags: Flags, export: ExportOptions) -> TorchModel:
    """Recognize the network in a checkpoint and resolve what is not in its weights."""
    recognized = recognize(checkpoint)
    settings = resolve_settings(recognized, checkpoint, flags)
    info = _describe_model(file, checkpoint, recognized, settings, export)
    return TorchModel(checkpoint, recognized, settings, info, export)


def choose_input_kind(settings: Settings, export: ExportOptions) -> InputKind:
    """What the graph takes."""
    return export.input_kind or ("pixels" if settings.network.is_clip else "uint8")


def _export_network(model: TorchModel) -> tuple["Exported", Measured]:
    import numpy as np  # noqa: PLC0415 - with torch, below

    from convert.torch import export as exporting  # noqa: PLC0415 - needs torch, which is in an environment of its own
    from convert.torch.architectures import build  # noqa: PLC0415 - needs torch, which is in an environment of its own
    from convert.torch.synthetic_clips import synthesize_clips  # noqa: PLC0415

    settings, kind = model.settings, choose_input_kind(model.settings, model.export)
    network = build.build_network(model.recognized, settings, model.export.features)
    if kind != "normalised":
        network = build.accept_pixels(network, settings)

    def arrange(pixels: Array) -> Array:
        if kind == "normalised":
            return normalize_pixels(pixels, settings.network)
        return pixels.round().astype(np.uint8) if kind == "uint8" else pixels

    def clips(count: int, seed: int) -> Array:
        return arrange(synthesize_clips(count, settings.frames, settings.crop, seed))

    steps = settings.frames // 2 if model.recognized.family.name == "mvit" else settings.frames
    exported = exporting.export(
        network, clips(2, 0), None if model.export.layout == "auto" else model.export.layout, steps
    )
    batches = [clips(count, seed=count) for count in BATCHES]
    natural = [arrange(one) for one in read_natural_clips(settings)]
    far = exporting.measure_difference(network, exported.model, [*batches, *natural])
    return exported, Measured("torch", far.samples, far.max_abs, far.tolerance, rounding=far.rounding)


def read_natural_clips(settings: Settings) -> list[Array]:
    """A few of the service's own samples as the network takes them; none where they are not installed."""
    from convert.calibration import ClipShape, read_files  # noqa: PLC0415 - needed here only

    shape = ClipShape(settings.frames, settings.side, settings.crop, settings.clip_duration_s)
    return read_files(sorted(SAMPLES.glob("*.mp4"))[:NATURAL_CLIPS], shape)


def _quantize(
    model: TorchModel, draft: ManifestDraft, exported: "Exported", folder: Path
) -> tuple[bytes, ManifestDraft, list[str]]:
    """(the INT8 graph, the draft with its figures, lines for a person). RefusalError where it does not agree.

    The graph with 3-D convolutions is quantized where there is one: in INT8 it is the faster one.
    """
    from convert.calibration import ClipShape, read_folder  # noqa: PLC0415 - needed here only
    from convert.quantize import foresee, quantize  # noqa: PLC0415 - heavy

    settings, kind = model.settings, choose_input_kind(model.settings, model.export)
    shape = ClipShape(settings.frames, settings.side, settings.crop, settings.clip_duration_s)
    found = read_folder(folder, shape)
    clips = [normalize_pixels(clip, settings.network) if kind == "normalised" else clip for clip in found.clips]
    clips = [clip.round().astype("uint8") for clip in clips] if kind == "uint8" else clips
    layout: Layout = "3d" if "3d" in exported.made else exported.layout
    if (warning := foresee(exported.made[layout])) is not None:
        sys.stderr.write(f"INT8: {warning}\n")  # before it takes minutes
    small = quantize(exported.made[layout], clips, model.export.min_agreement, exported.model)
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
    overrides = {**draft.overrides, "torch": {**draft.overrides["torch"], "layout": layout}}
    details = {**draft.details, "quantization": figures}
    return small.model, replace(draft, details=details, overrides=overrides), lines


def _describe_model(
    file: Path, checkpoint: Checkpoint, recognized: RecognizedNetwork, settings: Settings, export: ExportOptions
) -> ModelInfo:
    labels, notes = (None, []) if export.features else find_labels(checkpoint, recognized.classes)
    head = recognized.state[f"{recognized.family.head}.weight"]
    width = head.shape[1] if export.features else head.shape[0]
    if export.features and recognized.family.name != "efficientnet":
        raise CallError("--features is for EfficientNet.", "Video networks answer with their classes.")
    kind = choose_input_kind(settings, export)
    size = (settings.crop, settings.crop)
    shape = (None, 3, settings.frames, *size) if settings.network.is_clip else (None, 3, *size)
    output_activation = {"none": "linear", "softmax": "softmax", "sigmoid": "sigmoid"}[settings.head_activation]
    return ModelInfo(
        file=file.name,
        sha256=compute_sha256(file),
        framework=checkpoint.framework,
        inputs=(TensorSpec("x", shape, "uint8" if kind == "uint8" else "float32"),),
        outputs=(TensorSpec("y", (None, width)),),
        output_activation=output_activation,
        parameters=sum(values.size for values in recognized.state.values()),
        layers={settings.network.name: 1},
        warnings=(*checkpoint.notes, *recognized.notes, *notes, f"The graph {_INPUTS[kind]}."),
        labels=labels,
        own=match_known(recognized, settings, export),
    )


def match_known(recognized: RecognizedNetwork, settings: Settings, export: ExportOptions) -> tuple[Match, ...] | None:
    """The preset of a network that looks at clips or reads faces; none where nothing is known of what it looks at."""
    kind = choose_input_kind(settings, export)
    clips = preset_of(settings, kind)
    if clips is not None:
        return (Match(clips, f"{clips.about}, as the file and its network's table say"),)
    variant = settings.network.name.rpartition("_")[2]
    match = match_hsemotion(
        variant, recognized.classes, settings.crop, normalizes=kind != "normalised", whole=kind == "uint8"
    )
    return () if match is None else (match,)


def _record_export(model: TorchModel, exported: "Exported") -> dict[str, Any]:
    """What the manifest keeps under source.overrides.torch: clip parameters, where each is from, the graph's layout."""
    settings = model.settings
    return record_settings(settings) | {
        "sources": settings.sources,
        "input": choose_input_kind(settings, model.export),
        "layout": exported.layout,
        "layout_ms": exported.milliseconds,
        "features": model.export.features,
    }
