"""From findings and the caller's wishes to a manifest, and into the store."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from convert.errors import CallError, RefusalError
from convert.findings import Findings, Port
from convert.labels import Labels, check_against_graph, read_labels
from convert.overrides import changed_pipeline, checked_pipeline, parse_overrides
from convert.parity import Measured
from convert.plain import Json
from convert.preset import Preset, Times
from convert.presets import PRESETS, fitted, from_layout, still_assumed
from service.errors import RefusedError
from service.pipelines import Pipeline
from service.pipelines.layouts import LAYOUTS
from service.pipelines.series import SeriesSection
from service.pipelines.tensor_only import TensorSection
from service.registry.manifest import MODEL_FILE, Manifest
from service.registry.store import Store

DETAILS = {
    "title", "description", "unit", "time", "language", "evaluation", "attribution", "license", "label_text",
    "idle_labels", "temperature", "threshold",
}  # fmt: skip
"""Manifest fields that --details may give."""

_ENDINGS = {"softmax": "probabilities", "sigmoid": "probabilities", "log_softmax": "softmax"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the caller asked for, as it stands on the command line."""

    name: str
    store: Path = Path("model_store")
    pipeline: str | None = None
    layout: str | None = None
    labels: str | None = None
    encoding: str = "utf-8"
    settings: tuple[str, ...] = ()
    task: str = "sign"
    requires: str | None = None
    activation: str | None = None
    window_s: float | None = None
    stride_s: float | None = None
    threshold: float | None = None
    idle: tuple[str, ...] = ()
    title: str | None = None
    license: str | None = None
    attribution: tuple[str, ...] = ()
    language: str | None = None
    unit: str | None = None
    details: Path | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """A manifest in the making: the pipeline and all that was found, wished and assumed."""

    pipeline: Pipeline
    preset: str | None
    times: Times | None
    assumptions: tuple[str, ...]
    overrides: dict[str, Any]
    labels: Labels | None
    details: dict[str, Any]
    notes: tuple[str, ...]


def plan_of(findings: Findings, wishes: Wishes) -> Plan:
    """Settle pipeline, labels and details, before anything costly is done. Raises ConversionError."""
    details = _details(wishes.details)
    overrides = parse_overrides(list(wishes.settings))
    preset, pipeline, notes = _pipeline(findings, wishes)
    pipeline = changed_pipeline(pipeline, overrides)
    _check_fits(findings, pipeline)
    return Plan(
        pipeline=pipeline,
        preset=preset.name if preset else None,
        times=_times(pipeline, preset, wishes),
        assumptions=still_assumed(preset.assumptions, _settled(overrides, wishes)) if preset else (),
        overrides=overrides,
        labels=_labels(findings, wishes),
        details=details,
        notes=tuple(notes),
    )


def _settled(overrides: dict[str, Any], wishes: Wishes) -> set[str]:
    """Parts of a preset that the caller chose; several values of one part may still be the preset's."""
    timed = wishes.window_s is not None and wishes.stride_s is not None
    return {path.partition(".")[0] for path in overrides} | ({"time"} if timed else set())


def publish(findings: Findings, plan: Plan, wishes: Wishes, model: bytes, measured: Measured) -> Manifest:
    """Write the next version of the model into the store. Raises RefusalError where the store would not serve it."""
    draft = _draft(findings, plan, wishes, measured)
    try:
        return Store(wishes.store).publish(draft, {MODEL_FILE: model})
    except RefusedError as error:
        raise RefusalError(f"{error}.", "Change what it names; nothing was published.") from None


def required_version(store: Path, wanted: str) -> dict[str, Any]:
    """`NAME[:V]` → the pinned requirement; the highest version in the store if none is given. CallError."""
    name, _, number = wanted.partition(":")
    found = [one.version for one in Store(store).versions() if one.name == name] if store.is_dir() else []
    if number and not number.isdigit():
        raise CallError(f"{wanted!r} is not NAME or NAME:VERSION.")
    if not found or (number and int(number) not in found):
        raise CallError(f"{store} holds no {wanted}.", "Publish the required model first.")
    return {"name": name, "version": int(number) if number else max(found)}


def _pipeline(findings: Findings, wishes: Wishes) -> tuple[Preset | None, Pipeline, list[str]]:
    shape = findings.inputs[0].shape[1:]
    if wishes.pipeline and wishes.layout:
        raise CallError("--pipeline and --layout exclude each other.")
    if wishes.layout:
        if wishes.layout not in LAYOUTS:
            raise CallError(f"There is no layout {wishes.layout!r}.", f"Known: {', '.join(LAYOUTS)}.")
        try:
            preset = from_layout(wishes.layout, shape)
        except ValueError as error:
            raise CallError(f"{error}.") from None
        return preset, preset.pipeline, []
    if wishes.pipeline and (wishes.pipeline in PRESETS or not wishes.pipeline.endswith(".json")):
        if wishes.pipeline not in PRESETS:
            raise CallError(f"There is no preset {wishes.pipeline!r}.", f"Known: {', '.join(PRESETS)}; or FILE.json.")
        preset = PRESETS[wishes.pipeline]
        preset = fitted(preset, shape) if not wishes.settings else preset
        return preset, preset.pipeline, []
    if wishes.pipeline:
        return None, checked_pipeline(_json_file(Path(wishes.pipeline)), wishes.pipeline), []
    if findings.matches:
        match = findings.matches[0]
        found = f"No pipeline was given. Found {match.preset.name}: {match.reason}"
        if not isinstance(match.preset.pipeline, SeriesSection) or wishes.requires:
            return match.preset, match.preset.pipeline, [f"{found}."]
        hint = f"{found}: published as kind `tensor` until --requires names the model whose outputs it reads."
        return None, TensorSection(), [hint]
    note = (
        f"No pipeline was given and no preset fits an input of {shape}: published as kind `tensor`, which /predict "
        "refuses until the model is published again with --pipeline."
    )
    return None, TensorSection(), [note]


def _check_fits(findings: Findings, pipeline: Pipeline) -> None:
    if isinstance(pipeline, TensorSection):
        return
    track = _track_input(findings, pipeline)
    shape = track.shape[1:]
    wanted = pipeline.input_shape
    if len(shape) != len(wanted) or any(None not in (a, b) and a != b for a, b in zip(shape, wanted, strict=True)):
        raise CallError(
            f"The pipeline makes {wanted}; the model's input {track.name} takes {shape}.",
            "Choose another --pipeline or --layout, or change it with --set (`convert inspect` names what fits).",
        )


def _track_input(findings: Findings, pipeline: Pipeline) -> Port:
    """The input that takes the observations; the other, if there is one, must be shaped as a mask of their steps."""
    if len(findings.inputs) == 1 or isinstance(pipeline, TensorSection):
        return findings.inputs[0]
    track = max(findings.inputs, key=lambda one: len(one.shape))
    masks = [one for one in findings.inputs if one is not track]
    if len(masks) == 1 and len(masks[0].shape) == 2 and masks[0].shape[1] == track.shape[1]:
        return track
    raise CallError(
        f"The model has {len(findings.inputs)} inputs; a pipeline feeds one, and a mask of its steps.",
        "Leave out --pipeline: the model is then stored without one.",
    )


def _times(pipeline: Pipeline, preset: Preset | None, wishes: Wishes) -> Times | None:
    times = preset.times if preset else None
    if times is None and (isinstance(pipeline, TensorSection) or wishes.window_s is None):
        return None
    times = times or Times(window_s=float(wishes.window_s or 1.0), stride_s=float(wishes.window_s or 1.0) / 4)
    if wishes.window_s is not None:
        times = replace(times, window_s=wishes.window_s, stride_s=min(times.stride_s, wishes.window_s))
    return times if wishes.stride_s is None else replace(times, stride_s=wishes.stride_s)


def _labels(findings: Findings, wishes: Wishes) -> Labels | None:
    if wishes.labels is None:
        if findings.labels:
            return Labels(findings.labels, "stored in the file")
        if wishes.task == "sign":
            raise CallError(
                f"The model names one of {findings.width} things, and the file does not say which.",
                "Give their names in the order of its outputs: --labels FILE.",
            )
        return None
    labels = read_labels(wishes.labels, wishes.encoding)
    check_against_graph(labels.others, findings.inputs[0].shape, findings.width)
    width = findings.width
    allowed = {1, 2} if width == 1 else {width}
    if width is not None and len(labels.names) not in allowed:
        raise RefusalError(
            f"There are {len(labels.names)} labels; the model has {width} outputs.",
            f"Read as: {labels.how}. Give one label for each output, in their order.",
        )
    return labels


def _details(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    details = _json_file(path)
    if not isinstance(details, dict) or set(details) - DETAILS:
        wrong = sorted(set(details) - DETAILS) if isinstance(details, dict) else "no JSON object"
        raise CallError(f"{path.name}: {wrong} cannot be given.", f"Known: {', '.join(sorted(DETAILS))}.")
    return details


def _json_file(path: Path) -> Json:
    if not path.is_file():
        raise CallError(f"There is no file {path}.")
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise CallError(f"{path.name} is no JSON: {error}.") from None


def _draft(findings: Findings, plan: Plan, wishes: Wishes, measured: Measured) -> dict[str, Any]:
    details = dict(plan.details)
    output = {
        "name": findings.outputs[0].name,
        "shape": _dimensions(findings.outputs[0].shape),
        "activation": wishes.activation or activation_for(findings, wishes.task),
        "temperature": details.pop("temperature", 1.0),
        "threshold": details.pop("threshold", 0.0) if wishes.threshold is None else wishes.threshold,
    }
    draft: dict[str, Any] = {
        "schema": 1,
        "name": wishes.name,
        "title": wishes.name,
        "license": "unknown",
        "task": wishes.task,
        "labels": plan.labels.names if plan.labels else None,
        "pipeline": plan.pipeline,
        "requires": required_version(wishes.store, wishes.requires) if wishes.requires else None,
        "time": asdict(plan.times) if plan.times else None,
        "inputs": _inputs(findings, plan.pipeline),
        "parity": _parity(measured),
        "source": {
            "framework": findings.framework,
            "file": findings.file,
            "sha256": findings.sha256,
            "converter": converter_version(),
            "preset": plan.preset,
            "overrides": plan.overrides,
            "assumptions": plan.assumptions,
        },
        "created": datetime.now(UTC).replace(microsecond=0),
        **details,
        "output": output,
    }
    given = {
        "title": wishes.title,
        "license": wishes.license,
        "language": wishes.language,
        "unit": wishes.unit,
        "attribution": wishes.attribution or None,
        "idle_labels": wishes.idle or None,
    }
    return draft | {key: value for key, value in given.items() if value is not None}


def _parity(measured: Measured) -> dict[str, Any] | None:
    """The manifest's figure; a graph that was compared with nothing but itself has none."""
    if measured.reference == "itself":
        return None
    return {
        "reference": measured.reference,
        "samples": measured.samples,
        "max_abs_diff": measured.max_abs_diff,
        "tolerance": measured.tolerance,
    }


def activation_for(findings: Findings, task: str) -> str:
    """What the service has yet to apply to the first output. CallError where the graph does not tell."""
    if task in ("features", "affect"):
        return "none"
    if findings.ending in _ENDINGS:
        return _ENDINGS[findings.ending]
    if findings.ending == "linear":
        return "sigmoid" if findings.width == 1 else "softmax"
    raise CallError(
        f"The model ends in {findings.ending or 'an unclear operation'}: are its outputs logits or probabilities?",
        "Say it with --activation softmax|sigmoid|none|probabilities.",
    )


def _inputs(findings: Findings, pipeline: Pipeline) -> list[dict[str, Any]]:
    track = _track_input(findings, pipeline)
    entries = []
    for one in findings.inputs:
        shape = _dimensions(one.shape)
        if not isinstance(pipeline, TensorSection):
            wanted = pipeline.input_shape if one is track else pipeline.input_shape[:1]
            known = zip(wanted, shape[1:], strict=True)
            shape = ["batch", *(there if made is None else made for made, there in known)]
        entries.append(
            {"name": one.name, "dtype": one.dtype, "shape": shape, "from": "track" if one is track else "mask"}
        )
    return entries


def _dimensions(shape: tuple[int | None, ...]) -> list[int | str]:
    names = {0: "batch", 1: "time"}
    return [names.get(axis, f"size{axis}") if size is None else size for axis, size in enumerate(shape)]


def converter_version() -> str:
    """The version of this converter."""
    try:
        return version("sign-service")
    except PackageNotFoundError:
        return "0.1.0"
