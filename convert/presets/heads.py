"""Presets of heads: models that read what another model gives over time, and how a preset is brought to a graph."""

from dataclasses import replace

from convert.presets.preset import Match, Preset, Shape, Times
from service.pipelines.length import Length
from service.pipelines.series import SeriesSection

AFFECT_WIDTH = 10
"""Numbers of an affect network: eight emotions, valence and arousal."""
FEATURES_WIDTH = 1280
"""Numbers of a face that EfficientNet-B0 has before its classifier."""
STEPS_ASSUMED = 20
SAMPLES_A_SECOND = 2.0

_TIMES = Times(window_s=10.0, stride_s=0.5, min_duration_s=1.0, merge_gap_s=1.0)
_TIMES_ASSUMED = "time: windows of 10 s, every 0.5 s; highlights last 1 s or more, gaps up to 1 s are closed"
_EMOTIONS_ASSUMED = "emotions: as the network gives them, before softmax (HSEmotion's default)"
_STATISTICS_ASSUMED = ("statistics: samples without a face are left out; std is the population's",)

HEAD_PRESETS: tuple[Preset, ...] = (
    Preset(
        "highlight-stats",
        "mean, std, max and min of each of an affect model's outputs: 40 numbers of 10; needs --requires",
        SeriesSection(statistics=("mean", "std", "max", "min")),
        _TIMES,
        (*_STATISTICS_ASSUMED, _EMOTIONS_ASSUMED, _TIMES_ASSUMED),
        task="highlight",
    ),
    Preset(
        "highlight-features",
        "mean and std of each of a features model's outputs: 2560 numbers of 1280; needs --requires",
        SeriesSection(statistics=("mean", "std")),
        _TIMES,
        (*_STATISTICS_ASSUMED, _TIMES_ASSUMED),
        task="highlight",
    ),
    Preset(
        "highlight-sequence",
        "an affect model's outputs sample after sample; needs --requires",
        SeriesSection(length=Length(length=STEPS_ASSUMED, pad="post", value=0.0, truncate="post")),
        _TIMES,
        (
            "length: zeros behind what is shorter, and what is longer is cut at its end",
            "missing: a sample without a face has the values of the last one with a face",
            _EMOTIONS_ASSUMED,
            _TIMES_ASSUMED,
        ),
        task="highlight",
    ),
)

_SEQUENCE = HEAD_PRESETS[-1]
_WIDTHS = {"highlight-stats": 4 * AFFECT_WIDTH, "highlight-features": 2 * FEATURES_WIDTH}


def match_heads(shape: Shape, *, of_any_width: bool = False) -> list[Match]:
    """The presets that fit a head over an affect network of the usual width, or over its features."""
    if len(shape) == 2 and (of_any_width or shape[1] in (AFFECT_WIDTH, FEATURES_WIDTH)):
        preset = fit_to_steps(_SEQUENCE, shape)
        return [Match(preset, f"the input is {_steps(shape)} of {shape[1]}: {preset.about}")]
    return [
        Match(preset, f"the input is one row of {shape[0]}: {preset.about}")
        for preset in HEAD_PRESETS
        if shape == (_WIDTHS.get(preset.name),)
    ]


def fit_to_steps(preset: Preset, shape: Shape, rate: float = SAMPLES_A_SECOND) -> Preset:
    """The preset with the graph's own number of steps, in windows that hold just as many at `rate` a second."""
    section = preset.pipeline
    if not isinstance(section, SeriesSection) or section.length is None or len(shape) != 2:
        return preset
    steps = shape[0] or section.length.length
    seconds = round(steps / rate, 3)
    if steps == section.length.length and seconds == preset.times.window_s:
        return preset if shape[0] else replace(preset, assumptions=(*preset.assumptions, _free(steps)))
    length = section.length.model_copy(update={"length": steps})
    stride = min(preset.times.stride_s, seconds)
    said = f"time: windows of {seconds:g} s ({steps} steps at {rate:g} a second), every {stride:g} s"
    assumptions = [sentence for sentence in preset.assumptions if not sentence.startswith("time:")]
    return replace(
        preset,
        pipeline=section.model_copy(update={"length": length}),
        times=replace(preset.times, window_s=seconds, stride_s=stride),
        assumptions=(*assumptions, *(() if shape[0] else (_free(steps),)), said),
    )


def _free(steps: int) -> str:
    return f"length: {steps} steps: the graph takes any number"


def _steps(shape: Shape) -> str:
    return "steps" if shape[0] is None else f"{shape[0]} steps"
