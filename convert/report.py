"""What a command found or did: lines for a person, a document for a program."""

import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from convert.draft import ManifestDraft
from convert.facts import Fact, summarize_facts
from convert.files import Command
from convert.model_info import ModelInfo, find_idle_labels, format_shape
from convert.parity import Measured
from convert.presets.clues import list_clues
from convert.publish import ENDINGS
from service.pipelines.series import SeriesSection
from service.registry.manifest import Manifest

TOLD = frozenset({*ENDINGS, "logits", "linear"})
"""Endings of a graph from which it is known, or at least assumed, what the service has yet to apply."""
FEATURES_FROM = 512
"""Numbers from which a linear output is taken for features."""


@dataclass(slots=True)
class Report:
    """What a command found: lines for a person, a document for a program."""

    lines: list[str] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Made:
    """What a reader says of how it made the graph: further lines, and further entries of the document."""

    lines: tuple[str, ...] = ()
    document: dict[str, Any] = field(default_factory=dict)


def report_published(
    info: ModelInfo, draft: ManifestDraft, manifest: Manifest, folder: Path, measured: list[Measured], made: Made,
    facts: list[Fact],
) -> Report:  # fmt: skip
    """What was published in the folder: how it was read, what was assumed, how it was made, how far it is off."""
    names = draft.labels.names if draft.labels else ()
    hints = [f"Label {name!r} may mean that nothing is signed: --idle {name}" for name in find_idle_labels(names)]
    hints = [hint for hint in hints if not manifest.idle_labels]
    report = Report(_describe(info))
    report.lines += list(draft.notes)
    if draft.preset:
        report.lines.append(f"Pipeline: {draft.preset}")
    shown = {path: value for path, value in draft.overrides.items() if path != "torch"}
    report.lines += [f"  set {path} = {value}" for path, value in shown.items()]
    report.lines += [f"  assumed: {sentence}" for sentence in draft.assumptions]
    if draft.labels:
        report.lines.append(f"Labels ({draft.labels.how}): {', '.join(manifest.labels or ())}")
        report.lines += [f"  beside them: {key} = {str(value)[:80]}" for key, value in draft.labels.others.items()]
    report.lines += [*hints, *made.lines]
    report.lines += summarize_facts(facts)
    proven = info.unproven is None or any(one.reference == "golden" for one in measured)
    report.lines += [f"{_name_parity(one, proven=proven)}: {one.sentence()}" for one in measured]
    report.lines.append(f"Published {manifest.name} version {manifest.version} in {folder}")
    report.document = {
        "published": {"name": manifest.name, "version": manifest.version, "folder": str(folder)},
        "findings": info.document(),
        "pipeline": manifest.pipeline.model_dump(mode="json"),
        "preset": draft.preset,
        "overrides": draft.overrides,
        "assumptions": list(draft.assumptions),
        "notes": [*draft.notes, *hints],
        "labels": list(manifest.labels or ()),
        "activation": manifest.output.activation,
        "parity": [document_measured(one) for one in measured],
        "proven": proven,
        "facts": facts,
        **made.document,
    }
    return report


def _name_parity(measured: Measured, *, proven: bool) -> str:
    if proven or measured.reference == "golden":
        return "Parity"
    return "Parity, not proven (the structure is assumed: this compares a guess with itself)"


def report_inspection(
    info: ModelInfo,
    command: Command | Literal["torch"],
    flags: tuple[str, ...] = (),
    typed: Path | None = None,
) -> Report:
    """What a file is, which presets fit, and the command that converts it.

    flags: further ones that it needs; typed: the file as the caller named it.
    """
    use = " ".join((format_command(command, info, typed), *flags))
    report = Report(_describe(info), info.document() | {"command": use})
    for match in info.matches[:2]:
        standing = "Possible" if may_be_no_head(info) else match.standing
        report.lines.append(f"{standing} preset: {match.preset.name}: {match.reason}")
        report.lines += [f"  assumed: {sentence}" for sentence in match.preset.assumptions]
    report.lines += list_clues(info.matches)
    if not info.matches:
        report.lines.append(
            "No preset fits; give --layout or --pipeline FILE.json, or it is stored without a pipeline."
        )
    if info.labels:
        report.lines.append(f"Labels in the file: {', '.join(info.labels)}")
    if may_be_no_head(info):
        head = " ".join((format_command(command, info, typed, as_head=True), *flags))
        report.lines.append(f"Convert it as a head, if it reads another model's outputs: {head}")
    report.lines.append(f"Convert it: {use}")
    return report


def may_be_no_head(info: ModelInfo) -> bool:
    """Whether a head's shape may be chance: several classes of ten values can be gestures of a glove."""
    matches = info.matches
    return bool(matches) and isinstance(matches[0].preset.pipeline, SeriesSection) and (info.width or 1) > 1


def format_command(
    command: Command | Literal["torch"], info: ModelInfo, typed: Path | None = None, *, as_head: bool = False
) -> str:
    """The command line that converts the file; what only its author knows is in capitals."""
    preset = info.matches[0].preset if info.matches else None
    if may_be_no_head(info) and not as_head:
        preset = None
    parts = ["python -m convert", command, shlex.quote(str(typed or info.file)), "--name NAME"]
    if preset is not None and isinstance(preset.pipeline, SeriesSection):
        parts.append("--requires MODEL")
    if preset is not None and _gives_features(info):
        return " ".join((*parts, "--task features", f"--pipeline {preset.name}"))
    if info.labels is None and (preset is None or preset.task == "sign" or (info.width or 1) > 1):
        parts.append("--labels FILE")
    if preset is not None:
        parts.append(f"--pipeline {preset.name}")
        parts += ["--channel LABEL"] if preset.task == "highlight" and (info.width or 1) > 1 else []
    if info.output_activation not in TOLD:
        parts.append("--activation none" if info.width == 1 else "--activation softmax")
    return " ".join(parts)


def _gives_features(info: ModelInfo) -> bool:
    """Whether a graph ends in a layer before its classifier: wider than sets of signs, and no probabilities."""
    wide = (info.width or 0) >= FEATURES_FROM and info.labels is None
    return wide and info.output_activation not in ("softmax", "sigmoid", "probabilities", "logits")


def _describe(info: ModelInfo) -> list[str]:
    layers = ", ".join(f"{kind} × {count}" if count > 1 else kind for kind, count in info.layers.items())
    return [
        f"{info.file}: {info.framework}, {info.parameters} weights",
        *[f"  in  {one.name}: {format_shape(one.shape)}" for one in info.inputs],
        *[f"  out {one.name}: {format_shape(one.shape)}" for one in info.outputs],
        f"  ends in {info.output_activation or 'something that does not tell logits from probabilities'}",
        f"  made of {layers}",
        *[f"  note: {warning}" for warning in info.warnings],
    ]


def report_verified(what: str, measured: Measured, manifest: Manifest | None) -> Report:
    """A model measured again, beside the figure of its manifest."""
    report = Report([f"{what}: {measured.sentence()}"], {"verified": what, "parity": [document_measured(measured)]})
    if manifest is not None and manifest.parity is not None:
        figure = manifest.parity
        report.lines.append(
            f"  when it was published: {figure.max_abs_diff:.2g} from the {figure.reference} reference "
            f"on {figure.samples} samples"
        )
    return report


def document_measured(measured: Measured) -> dict[str, Any]:
    """A figure of parity for --json."""
    return {
        "reference": measured.reference,
        "samples": measured.samples,
        "skipped": measured.skipped,
        "max_abs_diff": measured.max_abs_diff,
        "tolerance": measured.tolerance,
        "form": measured.form,
        "precision": measured.precision,
    }
