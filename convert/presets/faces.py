"""Presets of networks that read emotions from faces: HSEmotion's, and Keras networks trained on FER-2013."""

from dataclasses import replace

from convert.presets.networks import IMAGENET_MEAN, IMAGENET_STD
from convert.presets.preset import YUV_ASSUMED, Match, Preset, Shape, Times
from service.media.resize import Resize
from service.pipelines.face_affect import FaceAffectSection
from service.registry.manifest import MEASURES

_EIGHT = ("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise")
_SEVEN = tuple(name for name in _EIGHT if name != "Contempt")
_TIMES = Times(window_s=2.0, stride_s=0.5, min_duration_s=1.0, merge_gap_s=1.0, whole_clip=True)
_ASSUMED = (
    "sampling: two looks a second",
    "faces: the largest one (--set faces=mean averages up to four)",
    "align: the face as it lies in the picture (--set align=eyes turns it until the eyes lie level)",
    YUV_ASSUMED,
    "time: the mean of all samples; windows of 2 s where moments are asked for",
)


def _fer(side: int) -> Preset:
    return Preset(
        f"fer-{side}",
        f"a grey face of {side} × {side}, from −1 to 1 (FER-2013 networks)",
        FaceAffectSection(
            margin=0.1, whole_up_to=64, color="grey", resize=Resize(w=side, h=side, library="opencv"),
            scale=2 / 255, offset=-1.0, layout="nhwc", yuv="bt601",
        ),
        _TIMES,
        (
            "margin: a tenth of the face's box on each side (the author's detector was another)",
            "whole_up_to: pictures up to 64 px are faces themselves",
            "scale: /255, − 0.5, × 2 (others feed /255 alone)",
            "resize: OpenCV, bilinear",
            *_ASSUMED,
        ),
        task="affect",
    )  # fmt: skip


def _hsemotion(variant: str, side: int) -> Preset:
    return Preset(
        f"hsemotion-{variant}",
        f"a face of {side} × {side} as ImageNet's networks take it (HSEmotion, {variant.upper()})",
        FaceAffectSection(
            resize=Resize(w=side, h=side, method="bilinear", library="pillow"),
            scale=1 / 255, mean=IMAGENET_MEAN, std=IMAGENET_STD, yuv="bt601",
        ),
        _TIMES,
        ("margin: the face's box without any", "resize: Pillow, bilinear (torchvision's for pictures)", *_ASSUMED),
        task="affect",
        outputs=(_EIGHT, _SEVEN, (*_EIGHT, *MEASURES), (*_SEVEN, *MEASURES)),
    )  # fmt: skip


FER_PRESETS = (_fer(48), _fer(64))
HSEMOTION_PRESETS = (_hsemotion("b0", 224), _hsemotion("b2", 260))


def match_emotions(shape: Shape, width: int | None) -> list[Match]:
    """HSEmotion's presets for a graph of another format with their size of pictures and number of outputs."""
    return [
        Match(preset, f"{width} outputs may be emotions: {preset.about}")
        for preset in HSEMOTION_PRESETS
        if preset.pipeline.input_shape == shape and width in {len(names) for names in preset.outputs}
    ]


def match_hsemotion(variant: str, classes: int, side: int, *, normalizes: bool, whole: bool) -> Match | None:
    """HSEmotion's preset for an EfficientNet with as many outputs as one of its networks; None for another number.

    normalizes: the graph takes levels 0 to 255; whole: they are whole numbers (uint8).
    """
    preset = next(one for one in HSEMOTION_PRESETS if one.name.endswith(variant))
    if classes not in {len(names) for names in preset.outputs}:
        return None
    section = preset.pipeline
    if not isinstance(section, FaceAffectSection):
        raise TypeError(f"{preset.name} is of kind {section.kind}")
    changed: dict[str, object] = {"resize": section.resize.model_copy(update={"w": side, "h": side})}
    if normalizes:
        changed |= {"scale": 1.0, "mean": None, "std": None, "dtype": "uint8" if whole else "float32"}
    reason = f"an EfficientNet-{variant.upper()} with {classes} outputs is likely one of HSEmotion's: {preset.about}"
    return Match(replace(preset, pipeline=section.model_copy(update=changed)), reason)
