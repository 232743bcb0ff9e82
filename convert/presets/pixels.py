"""Presets of models that look at pixels, and how such a preset is brought to a graph's own size."""

from collections import Counter
from dataclasses import replace

from convert.presets.faces import FER_PRESETS
from convert.presets.preset import FRAME_VOTE, FRAME_VOTE_ASSUMED, YUV_ASSUMED, Match, Preset, Shape, Times
from service.media.resize import Resize
from service.media.sampling import EveryNth
from service.pipelines.chunks import ChunksSection
from service.pipelines.face_affect import FaceAffectSection
from service.pipelines.hand_crop import HandCropSection
from service.pipelines.image import ImageSection
from service.pipelines.length import Length
from service.pipelines.series import SeriesSection

_LETTERS_24 = "labels: 24 letters without J and Z, in alphabetical order, if the network has 24 outputs"
_CLIP_TIMES = "time: windows of 128 frames at 30 a second, every 32 frames"
_CLIP = Times(window_s=4.267, stride_s=1.067, min_duration_s=0.5, merge_gap_s=0.3, whole_clip=True)


def _hand_on_white(name: str, about: str, draw: bool, *assumed: str) -> Preset:
    return Preset(
        name,
        about,
        HandCropSection(
            draw="cvzone" if draw else "none", edge="cut", color="bgr", resize=Resize(w=224, h=224, library="opencv"),
            scale=1 / 127, offset=-1.0, yuv="bt601",
        ),
        FRAME_VOTE,
        (
            *assumed,
            "color: as OpenCV gives it (bgr); rgb for an author whose frames were RGB (Streamlit)",
            "edge: beyond the right and the bottom nothing is added, as in the author's slices (--set edge=white)",
            "edge: white beyond the left and the top, where the author's program ended",
            *FRAME_VOTE_ASSUMED,
        ),
    )  # fmt: skip


PIXEL_PRESETS: tuple[Preset, ...] = (
    Preset(
        "sign-mnist",
        "a gray hand of 28 × 28, from 0 to 1",
        ImageSection(
            crop="hand", margin=1.4, whole_up_to=64, color="grey", landmarks="robust",
            resize=Resize(w=28, h=28, method="area", library="opencv"), scale=1 / 255, yuv="bt601",
        ),
        FRAME_VOTE,
        (
            "crop: a square around the hand's box × 1.4, clipped at the border; without a hand, declined",
            "whole_up_to: pictures up to 64 px are taken whole",
            "resize: OpenCV's area",
            "scale: × 1/255, as trained (its author evaluated without it)",
            _LETTERS_24,
            *FRAME_VOTE_ASSUMED,
        ),
    ),
    Preset(
        "ksl-numbers",
        "the whole picture in 300 × 300, levels 0 to 255 as they are (Keras' directory generator)",
        ImageSection(resize=Resize(w=300, h=300, method="nearest", library="pillow"), yuv="bt601"),
        FRAME_VOTE,
        (
            "scale: the network normalizes itself (EfficientNet does)",
            "orientation: upright, though Keras' directory generator did not turn what it was fed",
            "labels: in the order of the folder names as strings (1, 10, 2, …), where they are folder names",
            *FRAME_VOTE_ASSUMED,
        ),
    ),
    Preset(
        "teachable-machine",
        "the picture's center square in 224 × 224, from −1 to 1 (Teachable Machine's own code)",
        ImageSection(
            crop="center_square", resize=Resize(w=224, h=224, method="lanczos", library="pillow"),
            scale=1 / 127.5, offset=-1.0, yuv="bt601",
        ),
        FRAME_VOTE,
        (
            "scale: /127.5 − 1 (some authors divide by 127)",
            "color: rgb, as Teachable Machine trains (loops over OpenCV's frames feed bgr)",
            *FRAME_VOTE_ASSUMED,
        ),
    ),
    _hand_on_white("cvzone", "a hand on a white square with cvzone's drawing, in 224 × 224, /127 − 1", True),
    _hand_on_white("hand-crop", "a hand on a white square without drawing, in 224 × 224, /127 − 1", False),
    *FER_PRESETS,
    Preset(
        "hand-outline",
        "the whole picture as white outlines in 128 × 128, levels 0 and 255 (tutorials of ASL letters from webcams)",
        ImageSection(color="grey", filter="outline", resize=Resize(w=128, h=128, library="opencv"), yuv="bt601"),
        FRAME_VOTE,
        (
            "crop: the whole picture (the author's region of interest is a fixed part of their window)",
            "filter: Gaussian blur 5 × 5, adaptive threshold 11/2, Otsu",
            "scale: 0 and 255 as the author's program feeds them (they trained on /255)",
            *FRAME_VOTE_ASSUMED,
        ),
    ),
    Preset(
        "picture",
        "the whole picture, rgb, from 0 to 1",
        ImageSection(resize=Resize(w=224, h=224, library="opencv"), scale=1 / 255, yuv="bt601"),
        FRAME_VOTE,
        (
            "crop: the whole picture",
            "scale: × 1/255",
            "color: rgb",
            "resize: OpenCV, bilinear",
            *FRAME_VOTE_ASSUMED,
        ),
    ),
    Preset(
        "c3d",
        "chunks of 16 frames of 112 × 112, bgr, from 0 to 1: features of a C3D network (--task features)",
        ChunksSection(
            resize=Resize(w=112, h=112, method="area", library="opencv"), color="bgr", scale=1 / 255,
            sampling=EveryNth(every=1, fps=30), yuv="bt601",
        ),
        _CLIP,
        (
            "sampling: every frame of a camera with 30 frames per second",
            YUV_ASSUMED,
            "truncate: clips over 128 frames keep their middle (the author's code fails on them)",
            _CLIP_TIMES,
        ),
    ),
    Preset(
        "c3d-bilstm",
        "8 steps of 4096 C3D features; needs --requires",
        SeriesSection(length=Length(length=8, pad="post", value=0.0, truncate="center")),
        _CLIP,
        (_CLIP_TIMES,),
    ),
)  # fmt: skip

Sized = ImageSection | HandCropSection | ChunksSection | FaceAffectSection
"""Sections that can be brought to a graph's own size and order of axes."""
_C3D_STEPS = (8, 4096)
_LARGEST = 2048
_ADAPTABLE = ("sign-mnist", "picture")


def match_pixels(shape: Shape) -> list[Match]:
    """The presets of pixels whose input has this shape, the best first; two of them are brought to other sizes."""
    exact, adapted = [], []
    for preset in PIXEL_PRESETS:
        made = fit_to_pixels(preset, shape)
        if not _takes(made, shape):
            continue
        if made.pipeline == preset.pipeline:
            exact.append(Match(made, f"the input is {shown(shape)}: {preset.about}"))
        elif preset.name in _ADAPTABLE or _same_size(made, preset):
            adapted.append(Match(made, f"the input is {shown(shape)}; nearest is: {preset.about}"))
    return exact + adapted


def fit_to_pixels(preset: Preset, shape: Shape) -> Preset:
    """The preset with the graph's own size and order of axes, where that is all they differ in."""
    section = preset.pipeline
    if not isinstance(section, Sized):
        return preset
    if None in shape or len(shape) != len(section.input_shape):
        return preset
    layouts = ("nthwc", "ncthw") if isinstance(section, ChunksSection) else ("nhwc", "nchw")
    for layout in layouts:
        height, width = (shape[-3], shape[-2]) if layout.endswith("c") else (shape[-2], shape[-1])
        if not all(1 <= (side or 0) <= _LARGEST for side in (height, width)):
            continue
        resize = section.resize.model_copy(update={"w": width, "h": height})
        made = section.model_copy(update={"resize": resize, "layout": layout})
        if made.input_shape == shape and made != section:
            return replace(preset, pipeline=made, assumptions=(*preset.assumptions, _changed(section, made)))
    return preset


def _takes(preset: Preset, shape: Shape) -> bool:
    if isinstance(preset.pipeline, SeriesSection):
        return shape == _C3D_STEPS
    return preset.pipeline.input_shape == shape


def _same_size(made: Preset, preset: Preset) -> bool:
    """Whether both look at pictures of one size, whatever the order of their axes."""
    return Counter(made.pipeline.input_shape) == Counter(preset.pipeline.input_shape)


def _changed(section: Sized, made: object) -> str:
    if isinstance(made, Sized) and made.resize != section.resize:
        return f"size: {made.resize.w} × {made.resize.h} instead of {section.resize.w} × {section.resize.h}"
    return "layout: channels first"


def shown(shape: Shape) -> str:
    """28 × 28 × 1."""
    return " × ".join("any" if size is None else str(size) for size in shape)
