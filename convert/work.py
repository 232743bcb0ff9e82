"""The commands' work, each readable from top to bottom: read, settle, prove, publish, report."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from convert.files import COMMANDS, Command, sniff
from convert.findings import Findings, idle_candidates, shown_shape
from convert.keras.convert import opened_keras
from convert.onnx.convert import OnnxModel, opened_onnx
from convert.parity import Measured, measure_golden, measure_reference, require
from convert.presets.table import PRESETS
from convert.publish import Plan, Wishes, plan_of, publish
from convert.recalibration import publish_recalibrated
from convert.shelf import stored_model
from convert.xgboost.convert import opened_xgboost
from service.errors import RefusedError
from service.pipelines.layouts import LAYOUTS
from service.pipelines.series import SeriesSection
from service.registry.manifest import Manifest
from service.registry.store import Store


@dataclass(slots=True)
class Report:
    """What a command found: lines for a person, a document for a program."""

    lines: list[str] = field(default_factory=list)
    document: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands in for the architecture of a Keras file with weights only: a file of it, or a known one's name."""

    architecture: Path | None = None
    arch: str | None = None


def convert_keras(file: Path, wishes: Wishes, golden: Path | None, beside: Beside) -> Report:
    """Read a Keras file, prove the graph against the reference and the golden file, publish it."""
    features = wishes.task == "features"
    with _spoken("Reading"), opened_keras(file, beside.architecture, beside.arch, features=features) as model:
        plan = plan_of(model.findings, wishes)
        content = model.onnx_bytes()
        with _spoken("Comparing with the reference"):
            measured = [require(measure_reference(model.graph, content))]
            measured += [require(measure_golden(content, golden))] if golden else []
        manifest = publish(model.findings, plan, wishes, content, measured[-1])
    return published_report(model.findings, plan, wishes, manifest, measured)


def convert_onnx(file: Path, wishes: Wishes, golden: Path | None) -> Report:
    """Check an ONNX file, prove it against itself and the golden file, publish it."""
    with _spoken("Reading"), opened_onnx(file) as model:
        plan = plan_of(model.findings, wishes)
        measured = [require(_measured_again(model, golden))]
        manifest = publish(model.findings, plan, wishes, model.content, measured[-1])
    return published_report(model.findings, plan, wishes, manifest, measured)


def convert_xgboost(file: Path, wishes: Wishes, golden: Path | None) -> Report:
    """Read an XGBoost file, prove its graph against a walk of its trees and the golden file, publish it."""
    with _spoken("Reading"), opened_xgboost(file) as model:
        plan = plan_of(model.findings, wishes)
        measured = [require(model.measured())]
        measured += [require(measure_golden(model.content, golden))] if golden else []
        manifest = publish(model.findings, plan, wishes, model.content, measured[-1])
    return published_report(model.findings, plan, wishes, manifest, measured)


def inspect_file(file: Path, beside: Beside) -> Report:
    """What a file is; nothing is written."""
    command = COMMANDS[sniff(file)]
    if command == "onnx":
        with opened_onnx(file) as ready:
            return inspection(ready.findings, command)
    if command == "xgboost":
        with opened_xgboost(file) as forest:
            return inspection(forest.findings, command)
    with opened_keras(file, beside.architecture, beside.arch) as model:
        return inspection(model.findings, command)


def verify_model(wanted: str, store: Path, golden: Path | None) -> Report:
    """Check a published version's files, or an ONNX file, and measure it again."""
    if wanted.endswith(".onnx"):
        with opened_onnx(Path(wanted)) as ready:
            return _verified(wanted, require(_measured_again(ready, golden)), None)
    stored = stored_model(wanted, store)
    with opened_onnx(stored.graph) as ready:
        measured = _measured_again(ready, golden)
    return _verified(f"{stored.manifest.name} version {stored.manifest.version}", require(measured), stored.manifest)


def _measured_again(model: OnnxModel, golden: Path | None) -> Measured:
    """A ready graph against golden outputs, the answer first, or else against itself."""
    if golden is None:
        return model.measured
    return measure_golden(model.content, golden, [one.name for one in model.findings.outputs])


def calibrate_model(wanted: str, store: Path, report_file: Path) -> Report:
    """Publish a version's next one with the temperature, threshold and figures of its evaluation's report."""
    stored = stored_model(wanted, store)
    manifest = publish_recalibrated(stored, report_file, store)
    before, after = stored.manifest.output, manifest.output
    measured = manifest.evaluation[0]
    shares = {"accuracy": measured.accuracy, "macro F1": measured.macro_f1, "answered": measured.coverage}
    said = ", ".join(f"{name} {share:.3f}" for name, share in shares.items() if share is not None)
    folder = store / manifest.name / str(manifest.version)
    lines = [
        f"{manifest.name} version {stored.manifest.version} → {manifest.version}, the graph unchanged",
        f"  temperature {before.temperature:g} → {after.temperature:g}",
        f"  threshold {before.threshold:g} → {after.threshold:g}",
        f"  {measured.dataset}, {measured.protocol}: {said or 'no shares'}",
        f"Published {manifest.name} version {manifest.version} in {folder}",
    ]
    document = {
        "published": {"name": manifest.name, "version": manifest.version, "folder": str(folder)},
        "from_version": stored.manifest.version,
        "temperature": {"before": before.temperature, "after": after.temperature},
        "threshold": {"before": before.threshold, "after": after.threshold},
        "evaluation": measured.model_dump(mode="json"),
    }
    return Report(lines, document)


def list_all(store: Path) -> Report:
    """Presets, layouts, layers, networks, objectives and published models."""
    from convert.graph.layers import LAYERS  # noqa: PLC0415 - needed here only
    from convert.torch.architectures.networks import NETWORKS  # noqa: PLC0415
    from convert.torch.heads.parts import HEAD_KINDS  # noqa: PLC0415
    from convert.xgboost.objectives import OBJECTIVES  # noqa: PLC0415

    models = _models(store)
    report = Report()
    report.lines = ["Presets:"]
    for preset in PRESETS.values():
        shape = shown_shape((None, *preset.pipeline.input_shape))
        report.lines.append(f"  {preset.name:22} {shape:18} {preset.about}")
    report.lines.append("Layouts:")
    report.lines += [f"  {name:22} {layout.width} values" for name, layout in LAYOUTS.items()]
    layers = sorted(set(LAYERS) - {"FoldTime", "UnfoldTime"} | {"TimeDistributed", "InputLayer"})
    report.lines += ["Keras layers:", f"  {', '.join(layers)}"]
    report.lines += ["PyTorch networks:", f"  {', '.join(NETWORKS)}; heads of {', '.join(HEAD_KINDS)}"]
    report.lines += ["XGBoost objectives:", f"  {', '.join(OBJECTIVES)}", f"Models in {store}:"]
    report.lines += [f"  {one['name']} version {one['version']}: {one['says']}" for one in models] or ["  none"]
    report.document = {
        "presets": {
            preset.name: {
                "about": preset.about,
                "task": preset.task,
                "input": list(preset.pipeline.input_shape),
                "assumptions": list(preset.assumptions),
            }
            for preset in PRESETS.values()
        },
        "layouts": {name: layout.width for name, layout in LAYOUTS.items()},
        "layers": layers,
        "networks": [*NETWORKS],
        "objectives": [*OBJECTIVES],
        "models": models,
    }
    return report


def _models(store: Path) -> list[dict[str, Any]]:
    shelf = Store(store)
    found = []
    for one in shelf.versions() if store.is_dir() else []:
        try:
            manifest = shelf.read(one.name, one.version).manifest
            says = f"{manifest.task}, {manifest.pipeline.kind}, {len(manifest.labels or ())} labels"
        except RefusedError as error:
            says = f"refused: {error}"
        found.append({"name": one.name, "version": one.version, "says": says})
    return found


def published_report(
    findings: Findings, plan: Plan, wishes: Wishes, manifest: Manifest, measured: list[Measured]
) -> Report:
    folder = wishes.store / manifest.name / str(manifest.version)
    names = plan.labels.names if plan.labels else ()
    hints = [f"Label {name!r} may mean that nothing is signed: --idle {name}" for name in idle_candidates(names)]
    hints = [hint for hint in hints if not manifest.idle_labels]
    report = Report(_described(findings))
    report.lines += list(plan.notes)
    if plan.preset:
        report.lines.append(f"Pipeline: {plan.preset}")
    report.lines += [f"  set {path} = {value}" for path, value in plan.overrides.items()]
    report.lines += [f"  assumed: {sentence}" for sentence in plan.assumptions]
    if plan.labels:
        report.lines.append(f"Labels ({plan.labels.how}): {', '.join(manifest.labels or ())}")
        report.lines += [f"  beside them: {key} = {str(value)[:80]}" for key, value in plan.labels.others.items()]
    report.lines += hints
    report.lines += [f"Parity: {one.sentence()}" for one in measured]
    report.lines.append(f"Published {manifest.name} version {manifest.version} in {folder}")
    report.document = {
        "published": {"name": manifest.name, "version": manifest.version, "folder": str(folder)},
        "findings": findings.document(),
        "pipeline": manifest.pipeline.model_dump(mode="json"),
        "preset": plan.preset,
        "overrides": plan.overrides,
        "assumptions": list(plan.assumptions),
        "notes": [*plan.notes, *hints],
        "labels": list(manifest.labels or ()),
        "activation": manifest.output.activation,
        "parity": [_measured_document(one) for one in measured],
    }
    return report


def inspection(findings: Findings, command: Command | Literal["torch"], flags: tuple[str, ...] = ()) -> Report:
    """What a file is, which presets fit, and the command that converts it; flags: further ones that it needs."""
    use = " ".join((usage(command, findings), *flags))
    report = Report(_described(findings), findings.document() | {"command": use})
    for match in findings.matches[:2]:
        report.lines.append(f"Likely preset: {match.preset.name}: {match.reason}")
        report.lines += [f"  assumed: {sentence}" for sentence in match.preset.assumptions]
    if not findings.matches:
        report.lines.append(
            "No preset fits; give --layout or --pipeline FILE.json, or it is stored without a pipeline."
        )
    if findings.labels:
        report.lines.append(f"Labels in the file: {', '.join(findings.labels)}")
    report.lines.append(f"Convert it: {use}")
    return report


def usage(command: Command | Literal["torch"], findings: Findings) -> str:
    """The command line that converts the file; what only its author knows is in capitals."""
    preset = findings.matches[0].preset if findings.matches else None
    parts = ["python -m convert", command, findings.file, "--name NAME"]
    if preset is not None and isinstance(preset.pipeline, SeriesSection):
        parts.append("--requires MODEL")
    if findings.labels is None and (preset is None or preset.task == "sign" or (findings.width or 1) > 1):
        parts.append("--labels FILE")
    if preset is not None:
        parts.append(f"--pipeline {preset.name}")
        parts += ["--channel LABEL"] if preset.task == "highlight" and (findings.width or 1) > 1 else []
    return " ".join(parts)


def _described(findings: Findings) -> list[str]:
    layers = ", ".join(f"{kind} × {count}" if count > 1 else kind for kind, count in findings.layers.items())
    return [
        f"{findings.file}: {findings.framework}, {findings.parameters} weights",
        *[f"  in  {one.name}: {shown_shape(one.shape)}" for one in findings.inputs],
        *[f"  out {one.name}: {shown_shape(one.shape)}" for one in findings.outputs],
        f"  ends in {findings.ending or 'something that does not tell logits from probabilities'}",
        f"  made of {layers}",
        *[f"  note: {warning}" for warning in findings.warnings],
    ]


def _verified(what: str, measured: Measured, manifest: Manifest | None) -> Report:
    report = Report([f"{what}: {measured.sentence()}"], {"verified": what, "parity": [_measured_document(measured)]})
    if manifest is not None and manifest.parity is not None:
        figure = manifest.parity
        report.lines.append(
            f"  when it was published: {figure.max_abs_diff:.2g} from the {figure.reference} reference "
            f"on {figure.samples} samples"
        )
    return report


def _measured_document(measured: Measured) -> dict[str, Any]:
    return {
        "reference": measured.reference,
        "samples": measured.samples,
        "skipped": measured.skipped,
        "max_abs_diff": measured.max_abs_diff,
        "tolerance": measured.tolerance,
    }


@contextmanager
def _spoken(what: str) -> Iterator[None]:
    """A line that moves while long work is done, on a terminal only."""
    from rich.console import Console  # noqa: PLC0415 - needed here only

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(f"{what} …"):
        yield
