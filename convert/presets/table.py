"""Presets: what an author did before his network, as a manifest section, and every value that he did not write down."""

from dataclasses import replace

from convert.errors import CallError
from convert.overrides import Overrides, apply_overrides
from convert.presets.clips import CLIP_PRESETS, fit_to_clips, match_clips
from convert.presets.faces import HSEMOTION_PRESETS
from convert.presets.heads import HEAD_PRESETS, match_heads
from convert.presets.pixels import PIXEL_PRESETS, fit_to_pixels, match_pixels
from convert.presets.preset import FRAME_VOTE, FRAME_VOTE_ASSUMED, YUV_ASSUMED, Match, Preset, Shape, Times
from service.media.sampling import EveryNth, Sampling
from service.pipelines.clip import ClipSection
from service.pipelines.keypoints import KeypointsSection
from service.pipelines.layouts import LAYOUTS
from service.pipelines.length import Length
from service.pipelines.missing import Missing
from service.pipelines.tensor_only import TensorSection

_STEPS = "steps"
"""Begins the assumption of how many steps a sequence has: it falls when the caller sets them."""
_ROUNDED_S = 0.01
"""By how much a window may be shorter than its steps and still be said to hold them all."""

_LAST_FRAMES_ASSUMED = (
    "sampling: every frame of a camera with 30 frames per second",
    "length: the last frames of what is too long; what is too short gets zeros before it",
    YUV_ASSUMED,
)


def _section(layout: str, **settings: Sampling | Length | Missing) -> KeypointsSection:
    known = LAYOUTS[layout]
    source = "hands" if not layout.startswith("holistic") else "holistic"
    return KeypointsSection(
        source=source, layout=known.parts, derive=known.derive, selfie=known.selfie, yuv="bt601", **settings
    )


def _frames(layout: str) -> KeypointsSection:
    return _section(layout, sampling=EveryNth(every=6, fps=30))


def _sequence(layout: str, length: int, missing: Missing = "zero") -> KeypointsSection:
    return _section(
        layout,
        sampling=EveryNth(every=1, fps=30),
        missing=missing,
        length=Length(length=length, pad="pre", value=0.0, truncate="pre"),
    )


def _last_frames(name: str, about: str, layout: str, length: int, missing: Missing, *assumed: str) -> Preset:
    window_s = round(length / 30, 3)
    return Preset(
        name,
        about,
        _sequence(layout, length, missing),
        Times(window_s=window_s, stride_s=round(window_s / 4, 3), min_duration_s=0.3, merge_gap_s=0.2),
        (*LAYOUTS[layout].assumptions, *_LAST_FRAMES_ASSUMED, f"time: windows of {window_s:g} s", *assumed),
    )


def _make_min_origin() -> Preset:
    preset = _single_frames(
        "hand-min-origin", "one hand's x and y minus the least of each (the model.p tutorial), frame by frame",
        "hand_min_42", "picture: as it is, not mirrored", "detection: from a confidence of 0.3, as that tutorial asks",
        "hands: one; the tutorial's script writes a second hand behind it",
    )  # fmt: skip
    section = preset.pipeline.model_copy(update={"min_detection_confidence": 0.3})
    return replace(preset, pipeline=section)


def _single_frames(name: str, about: str, layout: str, *assumed: str) -> Preset:
    return Preset(
        name, about, _frames(layout), FRAME_VOTE, (*LAYOUTS[layout].assumptions, *FRAME_VOTE_ASSUMED, *assumed)
    )


_KSL_WORDS = Preset(
    "ksl-words",
    "Korean words: 208 steps of both hands and the upper body, every second frame",
    _section(
        "holistic_114",
        sampling=EveryNth(every=2, fps=30),
        missing="zero",
        length=Length(length=208, pad="post", value=0.0, truncate="post"),
    ),
    Times(window_s=4.0, stride_s=1.0, min_duration_s=0.5, merge_gap_s=0.3, whole_clip=True),
    (
        *LAYOUTS["holistic_114"].assumptions,
        "sampling: every second frame at 30 frames per second",
        "length: zeros behind what is shorter than 208 steps, and what is longer is cut at its end",
        YUV_ASSUMED,
        "no mask: the network saw the zeros when it was trained",
        "time: windows of 4 s, every 1 s (the author's test clip lasts 4.1 s)",
    ),
)

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        _KSL_WORDS,
        _last_frames(
            "action-holistic", "the common action.h5: 30 frames of pose, face and both hands", "holistic_1662", 30,
            "zero",
        ),
        _last_frames("body-hands", "30 frames of pose and both hands, without the face", "holistic_258", 30, "zero"),
        _last_frames("two-hands", "30 frames of both hands with x, y, z", "hands_126", 30, "zero"),
        _last_frames("one-hand", "30 frames of one hand with x, y, z", "hand_63", 30, "zero"),
        _last_frames(
            "gesture-angles", "30 frames of one hand with visibility and 15 joint angles (Korean gesture tutorials)",
            "hand_99", 30, "drop", "missing: frames without a hand are left out",
        ),
        _single_frames(
            "hand-keypoints", "one hand's pixels minus the wrist, over their largest magnitude, by frame", "hand_42"
        ),
        _make_min_origin(),
        _single_frames("hand-landmarks", "one hand's x, y, z as MediaPipe gives them, frame by frame", "hand_63"),
        _single_frames("two-hands-landmarks", "both hands' x, y, z, frame by frame", "hands_126"),
        *PIXEL_PRESETS,
        *HSEMOTION_PRESETS,
        *CLIP_PRESETS,
        *HEAD_PRESETS,
    )
}  # fmt: skip

_NOTES = {
    42: "other authors divide by the palm's length or use a scaler of their own: set derive if yours does",
    63: "some authors subtract the wrist first: set derive if yours does",
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
        wanted = preset.pipeline.input_shape
        if len(wanted) != len(shape) or wanted[-1] != shape[-1]:
            continue
        if wanted == shape:
            exact.append(Match(preset, _reason(shape, preset)))
        elif len(shape) == 2:
            adapted.append(Match(fit_preset(preset, shape), _reason(shape, preset)))
    return exact + adapted + match_pixels(shape) + match_clips(shape) + match_heads(shape)


def fit_preset(preset: Preset, shape: Shape, overrides: Overrides | None = None) -> Preset:
    """The preset with the caller's values, and the graph's own number of steps or size of pictures in all others.

    What differs from the preset then is one more assumption. CallError where the values make no valid section.
    """
    chosen = overrides or {}
    changed = _apply(preset, chosen)
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
    kept = [one for one in preset.assumptions if not one.startswith("time:")]
    said = [] if steps == before else [f"{_STEPS}: {steps} steps instead of {before}"]
    assumptions = (*kept, *said, f"time: windows of {seconds:g} s, as {steps} steps last")
    return replace(changed, pipeline=section, times=times, assumptions=assumptions)


def make_layout_preset(name: str, shape: Shape) -> Preset:
    """A preset of a layout alone: a sequence if the graph takes one, single frames otherwise. KeyError, ValueError."""
    layout = LAYOUTS[name]
    if len(shape) == 2:
        steps = shape[0] or 30
        preset = _last_frames(f"layout {name}", f"the layout {name} in {steps} steps", name, steps, "zero")
        return (
            preset
            if shape[0]
            else replace(preset, assumptions=(*preset.assumptions, f"{_STEPS}: 30: the graph takes any"))
        )
    if shape != (layout.width,):
        raise ValueError(f"the layout {name} is {layout.width} wide; the graph takes {shape}")
    return _single_frames(f"layout {name}", f"the layout {name}, frame by frame", name)


def _count_seconds(section: KeypointsSection, steps: int) -> float:
    sampling = section.sampling
    rate = sampling.fps / sampling.every if isinstance(sampling, EveryNth) else sampling.rate
    return round(steps / rate, 3)


def _reason(shape: Shape, preset: Preset) -> str:
    width = shape[-1]
    what = f"{width} values are {preset.about}"
    note = _NOTES.get(width) if width else None
    steps = (
        f"the input is {shape[0] or 'any number of'} steps of {width}: "
        if len(shape) == 2
        else "the input is one row: "
    )
    return steps + what + (f"; {note}" if note else "")
