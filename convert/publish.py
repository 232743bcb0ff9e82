"""From findings and the caller's wishes to a manifest, and into the store."""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from convert.errors import CallError, RefusalError
from convert.findings import Findings, Port
from convert.heads import check_head, notes_on, steps_a_second, tension_channel
from convert.labels import Labels, check_against_graph, read_labels
from convert.overrides import changed_pipeline, checked_pipeline, parse_overrides
from convert.parity import Measured
from convert.plain import Json
from convert.presets.heads import SAMPLES_A_SECOND, fitted_to_steps, likely_heads
from convert.presets.preset import Match, Preset, Times
from convert.presets.table import PRESETS, fitted, from_layout, still_assumed
from convert.shelf import stored_model
from convert.version import converter_version
from service.errors import RefusedError
from service.pipelines import Pipeline
from service.pipelines.layouts import LAYOUTS
from service.pipelines.pixels import PixelSection
from service.pipelines.series import SeriesSection
from service.pipelines.tensor_only import TensorSection
from service.registry.manifest import MEASURES, MODEL_FILE, Activation, Manifest, Task
from service.registry.store import Store

DETAILS = {
    "title", "description", "unit", "time", "language", "evaluation", "attribution", "license", "label_text",
    "idle_labels", "temperature", "threshold",
}  # fmt: skip
"""Manifest fields that --details may give."""

_ENDINGS: dict[str, Activation] = {
    "softmax": "probabilities",
    "sigmoid": "probabilities",
    "probabilities": "probabilities",
    "log_softmax": "softmax",
    "regression": "none",
}


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
    task: Task | None = None
    requires: str | None = None
    activation: Activation | None = None
    channel: str | None = None
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
    """A manifest in the making: the pipeline and all that was found, wished and assumed.

    activation: what the service has yet to apply; channel: the name of the number that is a highlight's tension;
    channels: the names of all numbers where some are no labels.
    """

    task: Task
    pipeline: Pipeline
    preset: str | None
    times: Times | None
    assumptions: tuple[str, ...]
    overrides: dict[str, Any]
    labels: Labels | None
    details: dict[str, Any]
    notes: tuple[str, ...]
    required: Manifest | None
    activation: Activation
    channel: str | None
    channels: tuple[str, ...] | None = None


def plan_of(findings: Findings, wishes: Wishes) -> Plan:
    """Settle pipeline, labels and details, before anything costly is done. Raises ConversionError."""
    details = _details(wishes.details)
    overrides = parse_overrides(list(wishes.settings))
    required = stored_model(wishes.requires, wishes.store).manifest if wishes.requires else None
    preset, pipeline, notes = _pipeline(findings, wishes)
    if preset is not None and isinstance(pipeline, SeriesSection):
        preset = _in_steps(preset, findings, overrides, required)
        pipeline = preset.pipeline
    pipeline = changed_pipeline(pipeline, overrides)
    _check_fits(findings, pipeline)
    check_head(findings, pipeline, required)
    task = wishes.task or _task(preset, pipeline, findings, required)
    labels = _labels(findings, wishes, task, preset)
    labels, channels = _emotions(labels) if task == "affect" else (labels, None)
    activation, assumed = _activation(findings, wishes, task)
    assumptions = (*preset.assumptions, *assumed) if preset else assumed
    return Plan(
        task=task,
        pipeline=pipeline,
        preset=preset.name if preset else None,
        times=_times(pipeline, preset, wishes),
        assumptions=still_assumed(assumptions, _settled(overrides, wishes)),
        overrides=overrides,
        labels=labels,
        details=details,
        notes=(*notes, *notes_on(required)),
        required=None if isinstance(pipeline, TensorSection) else required,
        activation=activation,
        channels=channels,
        channel=tension_channel(task, wishes.channel, labels.names if labels else (), findings.width),
    )


def _task(preset: Preset | None, pipeline: Pipeline, findings: Findings, required: Manifest | None) -> Task:
    """What the model is for, where nobody says: a head over an affect model finds highlights."""
    if preset is not None:
        return preset.task
    if required is not None:
        return "highlight" if required.task == "affect" else "sign"
    likely = findings.matches if isinstance(pipeline, TensorSection) else []
    return likely[0].preset.task if likely else "sign"


def _in_steps(preset: Preset, findings: Findings, overrides: dict[str, Any], required: Manifest | None) -> Preset:
    """A head's preset with the graph's number of steps, or the asked one, in windows that hold just as many."""
    shape = findings.track.shape[1:] if findings.track else ()
    asked = overrides.get("length.length")
    if isinstance(asked, int) and len(shape) == 2:
        shape = (asked, shape[1])
    return fitted_to_steps(preset, shape, steps_a_second(required) or SAMPLES_A_SECOND)


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


def _pipeline(findings: Findings, wishes: Wishes) -> tuple[Preset | None, Pipeline, list[str]]:
    shape = (findings.track or findings.inputs[0]).shape[1:]
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
    matches = _heads(findings) if wishes.requires else findings.matches
    if matches:
        match = matches[0]
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


def _heads(findings: Findings) -> list[Match]:
    """Presets of heads that fit the graph; a sequence of any width may be one of an affect model's outputs."""
    found = [match for match in findings.matches if isinstance(match.preset.pipeline, SeriesSection)]
    if found or findings.track is None:
        return found
    return likely_heads(findings.track.shape[1:], of_any_width=True)


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
    if isinstance(pipeline, PixelSection) and (pipeline.dtype == "uint8") != (track.dtype == "uint8"):
        raise CallError(
            f"The pipeline makes {pipeline.dtype}; the model's input {track.name} takes {track.dtype}.",
            "A graph of uint8 normalises itself: --set dtype=uint8, without scale, mean and std.",
        )


def _track_input(findings: Findings, pipeline: Pipeline) -> Port:
    """The input that takes the observations; the other, if there is one, must be shaped as a mask of their steps."""
    if isinstance(pipeline, TensorSection):
        return findings.track or findings.inputs[0]
    if findings.track is not None:
        return findings.track
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


def _emotions(named: Labels | None) -> tuple[Labels | None, tuple[str, ...] | None]:
    """(the emotions among the names, all of them where valence or arousal is one)."""
    if named is None:
        return None, None
    channels = tuple(name.lower() if name.lower() in MEASURES else name for name in named.names)
    emotions = tuple(name for name in channels if name not in MEASURES)
    return replace(named, names=emotions), None if emotions == channels else channels


def _labels(findings: Findings, wishes: Wishes, task: Task, preset: Preset | None) -> Labels | None:
    if wishes.labels is None:
        if findings.labels:
            return Labels(findings.labels, "stored in the file")
        known = [names for names in (preset.outputs if preset else ()) if len(names) == findings.width]
        if known and preset and task != "features":
            return Labels(known[0], f"assumed: those of {preset.name}")
        if task in ("sign", "affect"):
            raise CallError(
                f"The model names one of {findings.width} things, and the file does not say which.",
                "Give their names in the order of its outputs: --labels FILE.",
            )
        return None
    labels = read_labels(wishes.labels, wishes.encoding)
    check_against_graph(labels.others, (findings.track or findings.inputs[0]).shape, findings.width)
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
        "activation": plan.activation,
        "temperature": details.pop("temperature", 1.0),
        "threshold": details.pop("threshold", 0.0) if wishes.threshold is None else wishes.threshold,
        "channel": plan.channel,
        "channels": plan.channels,
    }
    draft: dict[str, Any] = {
        "schema": 1,
        "name": wishes.name,
        "title": wishes.name,
        "license": "unknown",
        "task": plan.task,
        "labels": plan.labels.names if plan.labels else None,
        "pipeline": plan.pipeline,
        "requires": {"name": plan.required.name, "version": plan.required.version} if plan.required else None,
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


def _activation(findings: Findings, wishes: Wishes, task: Task) -> tuple[Activation, tuple[str, ...]]:
    """What the service has yet to apply, and what that assumes. CallError where the graph does not tell."""
    if wishes.activation is not None:
        return wishes.activation, ()
    if task == "features":
        return "none", ()
    if findings.ending in _ENDINGS:
        return _ENDINGS[findings.ending], ()
    of_logits: Activation = "sigmoid" if findings.width == 1 else "softmax"
    if findings.ending == "logits" or (findings.ending == "linear" and task != "highlight"):
        return of_logits, ()
    if findings.ending != "linear":
        raise CallError(
            f"The model ends in {findings.ending or 'an unclear operation'}: are its outputs logits or probabilities?",
            "Say it with --activation softmax|sigmoid|none|probabilities.",
        )
    if findings.width == 1:
        return "none", ("output: the value of a regression (--activation sigmoid if it is a logit)",)
    return of_logits, ("output: logits of classes that exclude each other (--activation none if they are values)",)


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
