"""What `inspect` says of a checkpoint; needs no torch."""

from pathlib import Path
from typing import Any

from convert.errors import CallError, RefusalError
from convert.report import Report
from convert.torch.architectures.recognize import recognize
from convert.torch.architectures.settings import Flags, describe_clips, record_settings, resolve_settings
from convert.torch.checkpoint.checkpoint import Checkpoint, open_checkpoint
from convert.torch.checkpoint.labels import find_labels
from convert.torch.convert import ExportOptions, match_known
from convert.torch.heads.convert import inspect_head
from convert.torch.heads.parts import looks_like_a_head

SUFFIXES = frozenset({".pt", ".pth", ".ckpt", ".pyth", ".ptl", ".safetensors"})


def is_checkpoint(file: Path) -> bool:
    """Whether a file's name is one that PyTorch's files have."""
    return file.suffix.lower() in SUFFIXES


def inspect_checkpoint(file: Path) -> Report:
    """What a checkpoint is; a network that is not known is described as far as its tensors go. Needs no torch."""
    with open_checkpoint(file) as checkpoint:
        report = Report(_describe_checkpoint(file, checkpoint), _document_checkpoint(file, checkpoint))
        try:
            if looks_like_a_head(checkpoint):
                return inspect_head(file, checkpoint)
            recognized = recognize(checkpoint)
        except RefusalError as refusal:
            report.lines += [f"  {refusal.reason}", f"  → {refusal.advice}"]
            report.document["network"] = None
            return report
        report.document["network"] = {"family": recognized.family.name, "classes": recognized.classes}
        report.lines += [f"  a {recognized.family.name} network with {recognized.classes} outputs"]
        report.lines += [f"  note: {note}" for note in recognized.notes]
        labels, _ = find_labels(checkpoint, recognized.classes)
        report.lines += [f"  labels in the file: {', '.join(labels)}"] if labels else []
        try:
            settings = resolve_settings(recognized, checkpoint, Flags())
        except CallError as error:
            report.lines += [f"  {error.reason} {error.advice}"]
            return report
        report.lines += [f"  {settings.network.name}: {describe_clips(settings)}"]
        report.lines += [f"  assumed: {sentence}" for sentence in settings.assumptions]
        report.document["network"] |= record_settings(settings)
        for match in match_known(recognized, settings, ExportOptions()) or ():
            report.lines.append(f"Likely preset: {match.preset.name}: {match.reason}")
            report.lines += [f"  assumed: {sentence}" for sentence in match.preset.assumptions]
            report.document["network"]["preset"] = match.preset.name
    return report


def _describe_checkpoint(file: Path, checkpoint: Checkpoint) -> list[str]:
    weights = sum(values.size for values in checkpoint.tensors.values())
    place = f" under {checkpoint.found_at}" if checkpoint.found_at else ""
    lines = [f"{file.name}: {checkpoint.framework}, {len(checkpoint.tensors)} tensors{place}, {weights} numbers"]
    lines += [f"  note: {note}" for note in checkpoint.notes]
    if checkpoint.other_keys:
        lines.append(f"  beside them: {', '.join(checkpoint.other_keys[:12])}")
    return lines


def _document_checkpoint(file: Path, checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "file": file.name,
        "framework": checkpoint.framework,
        "container": checkpoint.container,
        "tensors": {name: list(values.shape) for name, values in checkpoint.tensors.items()},
        "hyper_parameters": checkpoint.hyper_parameters,
        "stand_ins": checkpoint.stand_ins,
        "notes": list(checkpoint.notes),
    }
