"""Presets of landmarks: a layout with its author's sampling, length and times."""

from dataclasses import replace

from convert.presets.preset import FRAME_VOTE, FRAME_VOTE_ASSUMED, YUV_ASSUMED, Preset, Times
from service.media.sampling import EveryNth, Rate, Sampling
from service.pipelines.keypoints import KeypointsSection
from service.pipelines.layouts import LAYOUTS
from service.pipelines.length import Length
from service.pipelines.missing import Missing

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


def make_last_frames(name: str, about: str, layout: str, length: int, missing: Missing, *assumed: str) -> Preset:
    """A sequence of every frame of a camera, its last ones where there are more."""
    window_s = round(length / 30, 3)
    return Preset(
        name,
        about,
        _sequence(layout, length, missing),
        Times(window_s=window_s, stride_s=round(window_s / 4, 3), min_duration_s=0.3, merge_gap_s=0.2),
        (*LAYOUTS[layout].assumptions, *_LAST_FRAMES_ASSUMED, f"time: windows of {window_s:g} s", *assumed),
    )


def _make_min_origin() -> Preset:
    preset = make_single_frames(
        "hand-min-origin", "one hand's x and y minus the least of each (the model.p tutorial), frame by frame",
        "hand_min_42", "picture: as it is, not mirrored", "detection: from a confidence of 0.3, as that tutorial asks",
        "hands: one; the tutorial's script writes a second hand behind it",
    )  # fmt: skip
    section = preset.pipeline.model_copy(update={"min_detection_confidence": 0.3})
    return replace(preset, pipeline=section)


def make_single_frames(name: str, about: str, layout: str, *assumed: str) -> Preset:
    """Frame by frame: five looks a second, which vote."""
    return Preset(
        name, about, _frames(layout), FRAME_VOTE, (*LAYOUTS[layout].assumptions, *FRAME_VOTE_ASSUMED, *assumed)
    )


def _at_rate(name: str, about: str, layout: str, rate: int) -> Preset:
    """30 steps at another rate than a camera's: of loops that keep so many frames a second."""
    seconds = 30 / rate
    section = _section(
        layout, sampling=Rate(rate=rate), missing="zero", length=Length(length=30, pad="pre", truncate="pre")
    )
    return Preset(
        f"{name}-{rate}fps",
        f"{about} at {rate} frames a second",
        section,
        Times(window_s=seconds, stride_s=seconds / 4, min_duration_s=0.3, merge_gap_s=0.2),
        (
            *LAYOUTS[layout].assumptions,
            f"sampling: {rate} frames a second",
            *_LAST_FRAMES_ASSUMED[1:],
            f"time: windows of {seconds:g} s",
        ),
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

LANDMARK_PRESETS: tuple[Preset, ...] = (
    _KSL_WORDS,
    make_last_frames(
        "action-holistic", "the common action.h5: 30 frames of pose, face and both hands", "holistic_1662", 30,
        "zero",
    ),
    make_last_frames("body-hands", "30 frames of pose and both hands, without the face", "holistic_258", 30, "zero"),
    make_last_frames("two-hands", "30 frames of both hands with x, y, z", "hands_126", 30, "zero"),
    make_last_frames("one-hand", "30 frames of one hand with x, y, z", "hand_63", 30, "zero"),
    make_last_frames(
        "gesture-angles", "30 frames of one hand with visibility and 15 joint angles (Korean gesture tutorials)",
        "hand_99", 30, "drop", "missing: frames without a hand are left out",
    ),
    make_single_frames(
        "hand-keypoints", "one hand's pixels minus the wrist, over their largest magnitude, by frame", "hand_42"
    ),
    _make_min_origin(),
    make_single_frames("hand-landmarks", "one hand's x, y, z as MediaPipe gives them, frame by frame", "hand_63"),
    make_single_frames("two-hands-landmarks", "both hands' x, y, z, frame by frame", "hands_126"),
    make_single_frames(
        "hand-distance", "one hand's x and y minus the wrist, over the largest distance from it, frame by frame",
        "hand_distance_42",
    ),
    make_single_frames(
        "hand-base", "one hand's x and y minus the wrist, over the largest distance of a finger's base, frame by frame",
        "hand_base_42",
    ),
    make_single_frames("hand-box", "one hand's x and y in its box, 0 to 1 on each axis, frame by frame", "hand_box_42"),
    make_single_frames(
        "hand-zscore", "one hand's x and y minus their mean, over their deviation on each axis, frame by frame",
        "hand_zscore_42",
    ),
    make_single_frames("hand-xy", "one hand's x and y as MediaPipe gives them, frame by frame", "hand_xy_42"),
    make_single_frames(
        "hand-pixels", "one hand's whole pixels of the mirrored picture with its sides exchanged, frame by frame",
        "hand_pixels_42",
    ),
    make_single_frames("hand-wrist-xyz", "one hand's x, y, z minus the wrist, frame by frame", "hand_wrist_63"),
    make_single_frames(
        "hand-distance-xyz", "one hand's x, y, z minus the wrist, over the largest distance from it, frame by frame",
        "hand_distance_63",
    ),
    make_single_frames("hand-cvzone", "one hand's x, y, z in whole pixels, as cvzone gives them", "hand_pixels_63"),
    make_single_frames("two-hands-xy", "both hands' x and y, frame by frame", "hands_84"),
    make_single_frames(
        "two-hands-min-origin", "both hands' x and y, each minus its own least of each, frame by frame", "hands_min_84"
    ),
    make_last_frames("one-hand-xy-30", "30 frames of one hand's x and y", "hand_xy_42", 30, "zero"),
    make_last_frames("two-hands-xy-30", "30 frames of both hands' x and y", "hands_84", 30, "zero"),
    *(
        _at_rate(name, about, layout, rate)
        for name, about, layout in (
            ("one-hand", "30 steps of one hand with x, y, z", "hand_63"),
            ("two-hands", "30 steps of both hands with x, y, z", "hands_126"),
            ("body-hands", "30 steps of pose and both hands, without the face,", "holistic_258"),
        )
        for rate in (10, 6)
    ),
)  # fmt: skip
