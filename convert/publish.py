"""From a model and the caller's options to a manifest, and into the store."""

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from convert.draft import ManifestDraft, PublishOptions
from convert.errors import CallError, MismatchError
from convert.facts import list_facts, record_parity
from convert.heads import check_head, choose_tension_channel, compute_output_rate, note_requirement
from convert.labels import Labels, check_against_graph, place_labels, read_labels
from convert.model_info import ModelInfo, TensorSpec
from convert.overrides import apply_overrides, parse_overrides, validate_pipeline
from convert.parity import Measured
from convert.plain import Json
from convert.presets.heads import SAMPLES_A_SECOND, fit_to_steps, match_heads
from convert.presets.preset import Match, Preset, Times
from convert.presets.table import PRESETS, drop_settled_assumptions, fit_preset, make_layout_preset, name_others
from convert.publication import publish_version
from convert.store_lookup import look_up_model
from convert.version import find_version
from service.errors import InvalidModelError
from service.pipelines import Pipeline
from service.pipelines.layouts import LAYOUTS
from service.pipelines.pixels import PixelSection
from service.pipelines.series import SeriesSection
from service.pipelines.tensor_only import TensorSection
from service.registry.manifest import LEAST_STRIDE_S, LEAST_WINDOW_S, MEASURES, Activation, Manifest, Task
from service.registry.memory import UNEXPECTED_BYTES
from service.text import read_text

DETAILS = {
    "title", "description", "unit", "time", "language", "evaluation", "attribution", "license", "label_text",
    "idle_labels", "temperature", "threshold",
}  # fmt: skip
"""Manifest fields that --details may give."""

ENDINGS: dict[str, Activation] = {
    "softmax": "probabilities",
    "sigmoid": "probabilities",
    "probabilities": "probabilities",
    "log_softmax": "softmax",
    "regression": "none",
}


def draft_manifest(info: ModelInfo, options: PublishOptions) -> ManifestDraft:
    """Settle pipeline, labels and details, before anything costly is done. Raises ConversionError."""
    details = _read_details(options.details)
    overrides = parse_overrides(list(options.settings))
    required = look_up_model(options.requires, options.store).manifest if options.requires else None
    preset, pipeline, notes = _choose_pipeline(info, options)
    if preset is not None and not isinstance(pipeline, TensorSection):
        preset = _fit(preset, info, overrides, required)
        pipeline = preset.pipeline
    pipeline = apply_overrides(pipeline, overrides)
    _check_fits(info, pipeline)
    check_head(info, pipeline, required)
    task = options.task or _choose_task(preset, pipeline, info, required)
    labels = _choose_labels(info, options, task, preset)
    labels, channels = _split_emotions(labels) if task == "affect" else (labels, None)
    activation, assumed = _choose_activation(info, options, task)
    assumptions = (*preset.assumptions, *assumed) if preset else assumed
    return ManifestDraft(
        task=task,
        pipeline=pipeline,
        preset=preset.name if preset else None,
        times=_choose_times(pipeline, preset, options),
        assumptions=drop_settled_assumptions(assumptions, _list_settled_parts(overrides, options)),
        overrides=overrides,
        labels=labels,
        details=details,
        notes=(*notes, *note_requirement(required)),
        required=None if isinstance(pipeline, TensorSection) else required,
        activation=activation,
        channels=channels,
        channel=choose_tension_channel(task, options.channel, labels.names if labels else (), info.width),
    )


def _choose_task(preset: Preset | None, pipeline: Pipeline, info: ModelInfo, required: Manifest | None) -> Task:
    """What the model is for, where nobody says: a head over an affect model finds highlights."""
    if preset is not None:
        return preset.task
    if required is not None:
        return "highlight" if required.task == "affect" else "sign"
    likely = info.matches if isinstance(pipeline, TensorSection) and info.width in (1, None) else []
    return likely[0].preset.task if likely else "sign"


def _fit(preset: Preset, info: ModelInfo, overrides: dict[str, Any], required: Manifest | None) -> Preset:
    """The preset brought to the graph's number of steps, or the asked one, in windows that hold just as many."""
    shape = (info.track or info.inputs[0]).shape[1:]
    if not isinstance(preset.pipeline, SeriesSection):
        return fit_preset(preset, shape, overrides)
    asked = overrides.get("length.length")
    if isinstance(asked, int) and len(shape) == 2:
        shape = (asked, shape[1])
    return fit_to_steps(preset, shape, compute_output_rate(required) or SAMPLES_A_SECOND)


def _list_settled_parts(overrides: dict[str, Any], options: PublishOptions) -> set[str]:
    """Parts of a preset that the caller chose; several values of one part may still be the preset's."""
    timed = options.window_s is not None and options.stride_s is not None
    others = {"time": timed, "steps": "length.length" in overrides}
    return {path.partition(".")[0] for path in overrides} | {part for part, settled in others.items() if settled}


def publish(
    info: ModelInfo, draft: ManifestDraft, options: PublishOptions, model: bytes, measured: Measured
) -> Manifest:
    """Write the next version of the model into the store. Raises RefusalError where the store would not serve it."""
    fields = _list_fields(info, draft, options, measured)
    if info.trial_bytes > 2 * len(model) + UNEXPECTED_BYTES:
        fields["memory_bytes"] = info.trial_bytes
    try:
        return publish_version(options.store, fields, model)
    except InvalidModelError as error:
        raise MismatchError(f"{error}.", "Change what it names; nothing was published.") from None


def _choose_pipeline(info: ModelInfo, options: PublishOptions) -> tuple[Preset | None, Pipeline, list[str]]:
    shape = (info.track or info.inputs[0]).shape[1:]
    if options.pipeline and options.layout:
        raise CallError("--pipeline and --layout exclude each other.")
    if options.layout:
        if options.layout not in LAYOUTS:
            raise CallError(f"There is no layout {options.layout!r}.", f"Known: {', '.join(LAYOUTS)}.")
        try:
            preset = make_layout_preset(options.layout, shape)
        except ValueError as error:
            raise CallError(f"{error}.") from None
        return preset, preset.pipeline, []
    if options.pipeline and (options.pipeline in PRESETS or not options.pipeline.endswith(".json")):
        if options.pipeline not in PRESETS:
            raise CallError(f"There is no preset {options.pipeline!r}.", f"Known: {', '.join(PRESETS)}; or FILE.json.")
        return PRESETS[options.pipeline], PRESETS[options.pipeline].pipeline, []
    if options.pipeline:
        return None, validate_pipeline(_read_json(Path(options.pipeline)), options.pipeline), []
    matches = _match_required_heads(info) if options.requires else info.matches
    if matches:
        match, others = matches[0], name_others(matches)
        found = f"No pipeline was given. Found {match.preset.name}: {match.reason}{others}"
        if not isinstance(match.preset.pipeline, SeriesSection) or options.requires:
            return match.preset, match.preset.pipeline, [f"{found}."]
        hint = f"{found}: published as kind `tensor` until --requires names the model whose outputs it reads."
        return None, TensorSection(), [hint]
    note = (
        f"No pipeline was given and no preset fits an input of {shape}: published as kind `tensor`, which /predict "
        "refuses until the model is published again with --pipeline."
    )
    return None, TensorSection(), [note]


def _match_required_heads(info: ModelInfo) -> list[Match]:
    """Presets of heads that fit the graph; a sequence of any width may be one of an affect model's outputs."""
    found = [match for match in info.matches if isinstance(match.preset.pipeline, SeriesSection)]
    if found or info.track is None:
        return found
    return match_heads(info.track.shape[1:], of_any_width=True)


def _check_fits(info: ModelInfo, pipeline: Pipeline) -> None:
    if isinstance(pipeline, TensorSection):
        return
    track = _find_track_input(info, pipeline)
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
            "A graph of uint8 normalizes itself: --set dtype=uint8, without scale, mean and std.",
        )


def _find_track_input(info: ModelInfo, pipeline: Pipeline) -> TensorSpec:
    """The input that takes the observations; the other, if there is one, must be shaped as a mask of their steps."""
    if isinstance(pipeline, TensorSection):
        return info.track or info.inputs[0]
    if info.track is not None:
        return info.track
    raise CallError(
        f"The model has {len(info.inputs)} inputs; a pipeline feeds one, and a mask of its steps.",
        "Leave out --pipeline: the model is then stored without one.",
    )


def _choose_times(pipeline: Pipeline, preset: Preset | None, options: PublishOptions) -> Times | None:
    times = preset.times if preset else None
    if times is None and (isinstance(pipeline, TensorSection) or options.window_s is None):
        return None
    times = times or Times(window_s=float(options.window_s or 1.0), stride_s=float(options.window_s or 1.0) / 4)
    times = replace(times, window_s=max(times.window_s, LEAST_WINDOW_S), stride_s=max(times.stride_s, LEAST_STRIDE_S))
    if options.window_s is not None:
        times = replace(times, window_s=options.window_s, stride_s=min(times.stride_s, options.window_s))
    return times if options.stride_s is None else replace(times, stride_s=options.stride_s)


def _split_emotions(named: Labels | None) -> tuple[Labels | None, tuple[str, ...] | None]:
    """(the emotions among the names, all of them where valence or arousal is one)."""
    if named is None:
        return None, None
    channels = tuple(name.lower() if name.lower() in MEASURES else name for name in named.names)
    emotions = tuple(name for name in channels if name not in MEASURES)
    return replace(named, names=emotions), None if emotions == channels else channels


def _choose_labels(info: ModelInfo, options: PublishOptions, task: Task, preset: Preset | None) -> Labels | None:
    if options.labels is None:
        if info.labels:
            return Labels(info.labels, "stored in the file")
        known = [names for names in (preset.outputs if preset else ()) if len(names) == info.width]
        if known and preset and task != "features":
            return Labels(known[0], f"assumed: those of {preset.name}")
        if task in ("sign", "affect"):
            raise CallError(
                f"The model names one of {info.width} things, and the file does not say which.",
                "Give their names in the order of its outputs: --labels FILE.",
            )
        return None
    labels = read_labels(options.labels, options.encoding)
    check_against_graph(labels.others, (info.track or info.inputs[0]).shape, info.width)
    width = info.width
    allowed = {1, 2} if width == 1 else {width}
    if width is not None and len(labels.names) not in allowed:
        raise MismatchError(
            f"There are {len(labels.names)} labels; the model has {width} outputs.",
            f"Read as: {labels.how}. Give one label for each output, in their order.",
        )
    return place_labels(labels, info.label_places)


def _read_details(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    details = _read_json(path)
    if not isinstance(details, dict) or set(details) - DETAILS:
        wrong = sorted(set(details) - DETAILS) if isinstance(details, dict) else "no JSON object"
        raise CallError(f"{path.name}: {wrong} cannot be given.", f"Known: {', '.join(sorted(DETAILS))}.")
    return details


def _read_json(path: Path) -> Json:
    if not path.is_file():
        raise CallError(f"There is no file {path}.")
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise CallError(f"{path.name} is no JSON: {error}.") from None


def _list_fields(info: ModelInfo, draft: ManifestDraft, options: PublishOptions, measured: Measured) -> dict[str, Any]:
    details = dict(draft.details)
    output = {
        "name": info.outputs[0].name,
        "shape": _name_dimensions(info.outputs[0].shape),
        "activation": draft.activation,
        "temperature": details.pop("temperature", 1.0),
        "threshold": details.pop("threshold", 0.0) if options.threshold is None else options.threshold,
        "channel": draft.channel,
        "channels": draft.channels,
    }
    fields: dict[str, Any] = {
        "schema": 1,
        "name": options.name,
        "title": options.name,
        "license": "unknown",
        "task": draft.task,
        "labels": draft.labels.names if draft.labels else None,
        "pipeline": draft.pipeline,
        "requires": {"name": draft.required.name, "version": draft.required.version} if draft.required else None,
        "time": asdict(draft.times) if draft.times else None,
        "inputs": _list_inputs(info, draft.pipeline),
        "parity": record_parity(measured, proven=measured.reference == "golden" or info.unproven is None),
        "source": {
            "framework": info.framework,
            "file": info.file,
            "sha256": info.sha256,
            "converter": find_version(),
            "preset": draft.preset,
            "overrides": draft.overrides,
            "assumptions": draft.assumptions,
            "facts": list_facts(info, draft, options),
        },
        "created": datetime.now(UTC).replace(microsecond=0),
        **details,
        "output": output,
    }
    given = {
        "title": options.title,
        "license": options.license,
        "language": options.language,
        "unit": options.unit,
        "attribution": options.attribution or None,
        "idle_labels": options.idle or None,
    }
    return fields | {key: value for key, value in given.items() if value is not None}


def _choose_activation(info: ModelInfo, options: PublishOptions, task: Task) -> tuple[Activation, tuple[str, ...]]:
    """What the service has yet to apply, and what that assumes. CallError where the graph does not tell."""
    if options.activation is not None:
        return options.activation, ()
    if task == "features":
        return "none", ()
    if info.output_activation in ENDINGS:
        return ENDINGS[info.output_activation], ()
    of_logits: Activation = "sigmoid" if info.width == 1 else "softmax"
    if info.output_activation == "logits" or (info.output_activation == "linear" and task != "highlight"):
        return of_logits, ()
    if info.output_activation != "linear":
        raise CallError(
            f"The model ends in {info.output_activation or 'an unclear operation'}: "
            "are its outputs logits or probabilities?",
            "Say it with --activation softmax|sigmoid|none|probabilities.",
        )
    if info.width == 1:
        return "none", ("output: the value of a regression (--activation sigmoid if it is a logit)",)
    return of_logits, ("output: logits of classes that exclude each other (--activation none if they are values)",)


def _list_inputs(info: ModelInfo, pipeline: Pipeline) -> list[dict[str, Any]]:
    track = _find_track_input(info, pipeline)
    entries = []
    for one in info.inputs:
        shape = _name_dimensions(one.shape)
        if not isinstance(pipeline, TensorSection):
            wanted = pipeline.input_shape if one is track else pipeline.input_shape[:1]
            known = zip(wanted, shape[1:], strict=True)
            shape = ["batch", *(there if made is None else made for made, there in known)]
        entries.append(
            {"name": one.name, "dtype": one.dtype, "shape": shape, "from": "track" if one is track else "mask"}
        )
    return entries


def _name_dimensions(shape: tuple[int | None, ...]) -> list[int | str]:
    names = {0: "batch", 1: "time"}
    return [names.get(axis, f"size{axis}") if size is None else size for axis, size in enumerate(shape)]
