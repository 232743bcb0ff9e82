"""The commands' work, each readable from top to bottom: read, resolve, prove, publish, report."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convert.conversion import convert_model, show_progress
from convert.draft import PublishOptions
from convert.files import COMMANDS, sniff
from convert.golden import measure_golden
from convert.keras.convert import open_keras
from convert.model_info import format_shape
from convert.onnx.convert import OnnxModel, open_onnx
from convert.parity import Measured, require
from convert.presets.table import PRESETS
from convert.recalibration import publish_recalibrated
from convert.report import Report, report_inspection, report_verified
from convert.sklearn.convert import open_sklearn
from convert.store_lookup import look_up_model
from convert.tflite.convert import unpack_tflite
from convert.torch.inspect import inspect_checkpoint, is_checkpoint
from convert.xgboost.convert import open_xgboost
from service.confinement.confine import describe_confinement
from service.errors import InvalidModelError
from service.pipelines.layouts import LAYOUTS
from service.registry.store import Store


@dataclass(frozen=True, slots=True)
class ArchitectureSource:
    """What stands in for the architecture of a Keras file with weights only: a file of it, or a known one's name."""

    architecture: Path | None = None
    arch: str | None = None

    @property
    def flags(self) -> tuple[str, ...]:
        """As they are typed."""
        given = (("--architecture", self.architecture), ("--arch", self.arch))
        return tuple(f"{flag} {shlex.quote(str(value))}" for flag, value in given if value is not None)


def convert_keras(file: Path, options: PublishOptions, source: ArchitectureSource) -> Report:
    """Read a Keras file and publish it, proven against the NumPy reference of its layers."""
    features = options.task == "features"
    with show_progress("Reading"), open_keras(file, source.architecture, source.arch, features=features) as model:
        return convert_model(model, options)


def convert_onnx(file: Path, options: PublishOptions) -> Report:
    """Check an ONNX file and publish it, proven against its own answers to single rows."""
    with show_progress("Reading"), open_onnx(file) as model:
        return convert_model(model, options)


def convert_tflite(file: Path, options: PublishOptions) -> Report:
    """Read a TensorFlow Lite file and publish it as ONNX, proven against its own answers to single rows."""
    with show_progress("Reading"), _open_tflite(file) as model:
        return convert_model(model, options)


@contextmanager
def _open_tflite(file: Path) -> Iterator[OnnxModel]:
    """The network of a .tflite file as a ready graph, checked as every other."""
    with unpack_tflite(file) as unpacked, open_onnx(unpacked.graph) as ready:
        yield replace(ready, info=unpacked.describe(ready.info))


def convert_xgboost(file: Path, options: PublishOptions) -> Report:
    """Read an XGBoost file and publish it, proven against a walk of its trees."""
    with show_progress("Reading"), open_xgboost(file) as model:
        return convert_model(model, options)


def convert_sklearn(file: Path, options: PublishOptions) -> Report:
    """Read a scikit-learn classifier and publish it, proven against the NumPy reference of its parts."""
    with show_progress("Reading"), open_sklearn(file) as model:
        return convert_model(model, options)


def inspect_file(file: Path, source: ArchitectureSource) -> Report:
    """What a file is; nothing is written."""
    if is_checkpoint(file):
        return inspect_checkpoint(file)
    command = COMMANDS[sniff(file)]
    if command == "onnx":
        with open_onnx(file) as ready:
            return report_inspection(ready.info, command, typed=file)
    if command == "tflite":
        with _open_tflite(file) as network:
            return report_inspection(network.info, command, typed=file)
    if command == "xgboost":
        with open_xgboost(file) as forest:
            return report_inspection(forest.info, command, typed=file)
    if command == "sklearn":
        with open_sklearn(file) as classifier:
            return report_inspection(classifier.info, command, typed=file)
    with open_keras(file, source.architecture, source.arch) as model:
        return report_inspection(model.info, command, source.flags, file)


def report_confinement(report: Report) -> Report:
    """What is found of a file, and how far the processes that read it were confined."""
    missing = describe_confinement()
    kept = "no network, no other program, no file but those named" if not missing else "not all that could be"
    report.lines += [f"Read in confined processes: {kept}", *(f"  {sentence}" for sentence in missing)]
    report.document["confinement"] = {"complete": not missing, "missing": list(missing)}
    return report


def verify_model(wanted: str, store: Path, golden: Path | None) -> Report:
    """Check a published version's files, or an ONNX file, and measure it again."""
    if wanted.endswith(".onnx"):
        with open_onnx(Path(wanted)) as ready:
            return report_verified(wanted, require(_measure_again(ready, golden)), None)
    stored = look_up_model(wanted, store)
    with open_onnx(stored.graph) as ready:
        measured = _measure_again(ready, golden, stored.manifest.output.activation)
    return report_verified(
        f"{stored.manifest.name} version {stored.manifest.version}", require(measured), stored.manifest
    )


def _measure_again(model: OnnxModel, golden: Path | None, activation: str = "none") -> Measured:
    """A ready graph against golden outputs, the answer first, or else against itself."""
    if golden is None:
        return model.measured
    outputs = [one.name for one in model.info.outputs]
    return measure_golden(model.content, golden, outputs, activation=activation)


def calibrate_model(wanted: str, store: Path, report_file: Path) -> Report:
    """Publish a version's next one with the temperature, threshold and figures of its evaluation's report."""
    stored = look_up_model(wanted, store)
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
    from convert.presets.networks import NETWORKS  # noqa: PLC0415
    from convert.sklearn.estimators import KNOWN  # noqa: PLC0415
    from convert.torch.heads.parts import HEAD_KINDS  # noqa: PLC0415
    from convert.xgboost.objectives import OBJECTIVES  # noqa: PLC0415

    models = _models(store)
    report = Report()
    report.lines = ["Presets:"]
    for preset in PRESETS.values():
        shape = format_shape((None, *preset.pipeline.input_shape))
        report.lines.append(f"  {preset.name:22} {shape:18} {preset.about}")
    report.lines.append("Layouts:")
    report.lines += [f"  {name:22} {layout.width} values" for name, layout in LAYOUTS.items()]
    layers = sorted(set(LAYERS) - {"FoldTime", "UnfoldTime"} | {"TimeDistributed", "InputLayer"})
    report.lines += ["Keras layers:", f"  {', '.join(layers)}"]
    report.lines += ["PyTorch networks:", f"  {', '.join(NETWORKS)}; heads of {', '.join(HEAD_KINDS)}"]
    report.lines += ["scikit-learn estimators:", f"  {', '.join(KNOWN)}"]
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
        "estimators": [*KNOWN],
        "objectives": [*OBJECTIVES],
        "models": models,
    }
    return report


def _models(store: Path) -> list[dict[str, Any]]:
    published = Store(store)
    found = []
    for one in published.versions() if store.is_dir() else []:
        try:
            manifest = published.read(one.name, one.version).manifest
            says = f"{manifest.task}, {manifest.pipeline.kind}, {len(manifest.labels or ())} labels"
        except InvalidModelError as error:
            says = f"refused: {error}"
        found.append({"name": one.name, "version": one.version, "says": says})
    return found
