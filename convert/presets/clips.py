"""Presets of models that look at clips: how PyTorchVideo prepares them, for each network of its table."""

from dataclasses import replace
from typing import Literal

from convert.presets.networks import CLIP_MEAN, CLIP_STD, NETWORKS, Network
from convert.presets.preset import YUV_ASSUMED, Match, Preset, Shape, Times
from service.media.sampling import Uniform
from service.pipelines.clip import ClipSection

Taken = Literal["pixels", "uint8", "normalised"]
"""What a graph takes: levels 0–255, whole levels, or what PyTorchVideo's Normalize makes of them."""

CLIP_RATE = 30
"""Frames a second in which PyTorchVideo's sampling rates are meant."""

_GENERAL = "video-clip"
_ASSUMED = (
    YUV_ASSUMED,
    "orientation: upright, though PyTorchVideo's reader does not turn what a phone stored lying",
    "stride: a window begins every quarter of its length",
)
_NUMBERS = "mean: / 255, 0.45 and 0.225, as PyTorchVideo's networks were trained"


def make_clip_preset(
    name: str, about: str, section: ClipSection, window_s: float, assumptions: tuple[str, ...] = ()
) -> Preset:
    """A preset whose windows last window_s."""
    times = Times(window_s=window_s, stride_s=round(window_s / 4, 3), min_duration_s=0.3, merge_gap_s=0.2)
    return Preset(name, about, section, times, (*assumptions, *_ASSUMED))


def make_clip_section(frames: int, side: int, crop: int, taken: Taken) -> ClipSection:
    """Clips of so many frames, with the numbers that a graph takes which was trained by PyTorchVideo's."""
    section = ClipSection(sampling=Uniform(uniform=frames), side=side, crop=crop, yuv="bt601")
    return set_numbers(section, taken)


def set_numbers(section: ClipSection, taken: Taken) -> ClipSection:
    """The section with the part of the arithmetic that such a graph leaves to the service."""
    if taken == "normalised":
        changes: dict[str, object] = {"scale": 1 / 255, "mean": CLIP_MEAN, "std": CLIP_STD, "dtype": "float32"}
    else:
        changes = {"scale": 1.0, "mean": None, "std": None, "dtype": "uint8" if taken == "uint8" else "float32"}
    return section.model_copy(update=changes)


def window_s(frames: int, sampling: int) -> float:
    """How long a clip lasts: frames × sampling / 30 s; not rounded, or a window would hold one frame more."""
    return frames * sampling / CLIP_RATE


def _of_network(network: Network) -> Preset:
    size = f"{network.frames} frames of {network.crop} × {network.crop}"
    seconds = window_s(network.frames, network.sampling)
    return make_clip_preset(
        network.name.replace("_", "-"),
        f"{size} spread over {seconds:.2f} s, the short side at {network.side} ({network.name} of PyTorchVideo)",
        make_clip_section(network.frames, network.side, network.crop, "normalised"),
        seconds,
        (_NUMBERS, f"time: windows of {network.frames} × {network.sampling} / {CLIP_RATE} s"),
    )


CLIP_PRESETS: tuple[Preset, ...] = (
    *(_of_network(network) for network in NETWORKS.values() if network.is_clip),
    make_clip_preset(
        _GENERAL,
        "16 frames of 224 × 224 spread over 2.13 s, channels first (any network trained on PyTorchVideo's clips)",
        make_clip_section(16, 256, 224, "normalised"),
        window_s(16, 4),
        (_NUMBERS, "side: a seventh more than the crop", f"time: windows of frames × 4 / {CLIP_RATE} s"),
    ),
)


def match_clips(shape: Shape) -> list[Match]:
    """The presets of clips whose input has this shape, the best first; the general one is brought to other sizes."""
    matches = []
    for preset in CLIP_PRESETS:
        made = fit_to_clips(preset, shape) if preset.name == _GENERAL else preset
        if made.pipeline.input_shape == shape:
            size = " × ".join(str(length) for length in shape)
            matches.append(Match(made, f"the input is {size}: {preset.about}"))
    return matches


def fit_to_clips(preset: Preset, shape: Shape) -> Preset:
    """The preset with the graph's own number of frames and crop, where that is all they differ in."""
    section = preset.pipeline
    if not isinstance(section, ClipSection) or len(shape) != 4 or shape[0] != section.channels:
        return preset
    frames, height, width = shape[1:]
    if frames is None or height is None or height != width or not (1 <= frames <= 1024 and 8 <= height <= 1024):
        return preset
    if shape == section.input_shape:
        return preset
    side = round(section.side * height / section.crop)
    made = section.model_copy(update={"sampling": Uniform(uniform=frames), "crop": height, "side": side})
    seconds = preset.times.window_s * frames / section.frames
    times = replace(preset.times, window_s=seconds, stride_s=round(seconds / 4, 3))
    said = f"size: {frames} frames of {height} × {height} over {seconds:.2f} s, the short side at {side}"
    return replace(preset, pipeline=made, times=times, assumptions=(*preset.assumptions, said))
