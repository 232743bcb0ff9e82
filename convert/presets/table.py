"""Presets: what authors did before their networks, as manifest sections, and what they did not write down."""

from dataclasses import replace

from convert.errors import CallError
from convert.overrides import Overrides, apply_overrides
from convert.presets.clips import CLIP_PRESETS, fit_to_clips, match_clips
from convert.presets.faces import HSEMOTION_PRESETS
from convert.presets.heads import HEAD_PRESETS, match_heads
from convert.presets.landmarks import LANDMARK_PRESETS, make_last_frames, make_single_frames
from convert.presets.pixels import PIXEL_PRESETS, fit_to_pixels, match_pixels
from convert.presets.preset import Match, Preset, Shape
from service.media.sampling import EveryNth
from service.pipelines.clip import ClipSection
from service.pipelines.keypoints import KeypointsSection
from service.pipelines.layouts import LAYOUTS, points_shape
from service.pipelines.tensor_only import TensorSection

_STEPS = "steps"
"""Begins the assumption of how many steps a sequence has: it falls when the caller sets them."""
_ROUNDED_S = 0.01
"""By how much a window may be shorter than its steps and still be said to hold them all."""

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (*LANDMARK_PRESETS, *PIXEL_PRESETS, *HSEMOTION_PRESETS, *CLIP_PRESETS, *HEAD_PRESETS)
}

_NOTES = {
    126: "some authors put the right hand first",
}


def drop_settled_assumptions(assumptions: tuple[str, ...], settled: set[str]) -> tuple[str, ...]:
    """The assumptions without those about parts that the caller settled ("sampling", "length", "time", …)."""
    return tuple(sentence for sentence in assumptions if sentence.partition(":")[0] not in settled)


def match_presets(shape: Shape) -> list[Match]:
    """The presets whose input has this shape, the best first; sequences of other lengths are brought to it."""
    exact, adapted = [], []
    for preset in PRESETS.values():
        if not isinstance(preset.pipeline, KeypointsSection):
            continue
        formed, flat = as_points(preset, shape)
        wanted = preset.pipeline.input_shape
        if len(wanted) != len(flat) or wanted[-1] != flat[-1]:
            continue
        if wanted == flat:
            exact.append(Match(formed, _reason(shape, preset)))
        elif len(flat) == 2:
            adapted.append(Match(fit_preset(preset, shape), _reason(shape, preset)))
    return exact + adapted + match_pixels(shape) + match_clips(shape) + match_heads(shape)


def name_others(matches: list[Match]) -> str:
    """How to go on after the first of the presets is named; nothing where no other one fits."""
    others = ", ".join(match.preset.name for match in matches[1:])
    return f"; as well fit {others} (`convert inspect` says what tells them apart)" if others else ""


def fit_preset(preset: Preset, shape: Shape, overrides: Overrides | None = None) -> Preset:
    """The preset with the caller's values, and the graph's own number of steps or size of pictures in all others.

    What differs from the preset then is one more assumption. CallError where the values make no valid section.
    """
    chosen = overrides or {}
    changed, shape = as_points(_apply(preset, chosen), shape)
    if isinstance(changed.pipeline, ClipSection):
        fitted = fit_to_clips(changed, shape)
    elif isinstance(changed.pipeline, KeypointsSection):
        fitted = _fit_to_steps(preset, changed, changed.pipeline, shape)
    else:
        fitted = fit_to_pixels(changed, shape)
    return _apply(fitted, chosen)


def _apply(preset: Preset, chosen: Overrides) -> Preset:
    section = apply_overrides(preset.pipeline, chosen)
    if isinstance(section, TensorSection):
        raise CallError(
            "--set changes a preset's values, not its kind.", "Leave out --pipeline for a model without one."
        )
    return replace(preset, pipeline=section)


def _fit_to_steps(preset: Preset, changed: Preset, section: KeypointsSection, shape: Shape) -> Preset:
    """Sequences with the graph's number of steps, in windows that hold just as many at the section's rate."""
    own = preset.pipeline
    if section.length is None or not isinstance(own, KeypointsSection):
        return changed
    steps = (shape[0] if len(shape) == 2 else None) or section.length.length
    section = section.model_copy(update={"length": section.length.model_copy(update={"length": steps})})
    before = own.length.length if own.length else steps
    filled = preset.times.window_s > _count_seconds(own, before) - _ROUNDED_S
    if steps == before and (section.sampling == own.sampling or not filled):
        return replace(changed, pipeline=section)
    seconds = _count_seconds(section, steps)
    times = replace(preset.times, window_s=seconds, stride_s=round(max(seconds / 4, 0.1), 3))
    kept = [one for one in changed.assumptions if not one.startswith("time:")]
    said = [] if steps == before else [f"{_STEPS}: {steps} steps instead of {before}"]
    assumptions = (*kept, *said, f"time: windows of {seconds:g} s, as {steps} steps last")
    return replace(changed, pipeline=section, times=times, assumptions=assumptions)


def as_points(preset: Preset, shape: Shape) -> tuple[Preset, Shape]:
    """The preset with its values as points where the graph takes them so, and the shape as if it took rows."""
    section = preset.pipeline
    if not isinstance(section, KeypointsSection):
        return preset, shape
    points = points_shape(section.layout, section.derive)
    if points is None or shape[-2:] != points or len(shape) != (2 if section.length is None else 3):
        return preset, shape
    as_rows = (*shape[:-2], points[0] * points[1])
    said = f"form: {points[0]} points of {points[1]} each, instead of one row"
    formed = section.model_copy(update={"form": "points"})
    return replace(preset, pipeline=formed, assumptions=(*preset.assumptions, said)), as_rows


def make_layout_preset(name: str, shape: Shape) -> Preset:
    """A preset of a layout alone: a sequence if the graph takes one, single frames otherwise. KeyError, ValueError."""
    layout = LAYOUTS[name]
    points = points_shape(layout.parts, layout.derive)
    if points is not None and len(shape) > 1 and shape[-2:] == points:
        return as_points(make_layout_preset(name, (*shape[:-2], layout.width)), shape)[0]
    if len(shape) == 2:
        steps = shape[0] or 30
        preset = make_last_frames(f"layout {name}", f"the layout {name} in {steps} steps", name, steps, "zero")
        return (
            preset
            if shape[0]
            else replace(preset, assumptions=(*preset.assumptions, f"{_STEPS}: 30: the graph takes any"))
        )
    if shape != (layout.width,):
        raise ValueError(f"the layout {name} is {layout.width} wide; the graph takes {shape}")
    return make_single_frames(f"layout {name}", f"the layout {name}, frame by frame", name)


def _count_seconds(section: KeypointsSection, steps: int) -> float:
    sampling = section.sampling
    rate = sampling.fps / sampling.every if isinstance(sampling, EveryNth) else sampling.rate
    return round(steps / rate, 3)


def _reason(shape: Shape, preset: Preset) -> str:
    section = preset.pipeline
    if not isinstance(section, KeypointsSection):
        raise TypeError(f"{preset.name} takes no rows of landmarks")
    what, note = f"{section.width} values are {preset.about}", _NOTES.get(section.width)
    steps = "the input is one row: "
    if section.length is not None:
        steps = f"the input is {shape[0] or 'any number of'} steps of {shape[-1]}: "
    if len(shape) > len(section.input_shape):
        steps = f"the input is {' × '.join(map(str, shape))}: "
    return steps + what + (f"; {note}" if note else "")
