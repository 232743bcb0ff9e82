"""Small models fitted on single clips within a test: from a few videos to a version in a store.

Letters are read from one hand's movement over a window; the hand on its way up or down is an idle label. Words are read
posture by posture from both hands and the body, and a window's postures vote.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from service.media.medium import MediaLimits, Medium
from service.observe.call import ObserveCall
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.pipelines.keypoints import KeypointsSection, tensor
from service.registry.manifest import Manifest
from service.registry.store import Store
from service.track import BoolArray, FloatArray, Track, Window
from tests.service.registry.graphs import draft, serialized

WINDOW_S = 0.8
RATE = 15.0
REST = "rest"
HELD_FROM = 2 / 3
"""From this share of a letter's clip on the handshape is held; before it, the open hand rises."""

_LIMITS = MediaLimits(frame_pixels=33_000_000, seconds=600, frames=20_000)
_SPEEDS = (0.8, 1.0, 1.25)
_LOST_SHARE = 0.25
_NOISE = 0.3
_ROUNDS = 300
_BODY_POINTS = 17
_LEFT_SHOULDER, _RIGHT_SHOULDER = 42 + 11, 42 + 12

LETTERS = KeypointsSection.model_validate(
    {
        "source": "hands",
        "mirror_left": True,
        "layout": [{"part": "hand", "axes": ["x", "y"]}],
        "derive": [
            {"step": "aspect"},
            {"step": "trajectory"},
            {"step": "wrist_origin"},
            {"step": "scale", "by": "max"},
        ],
        "sampling": {"rate": RATE},
        "missing": "drop",
        "length": {"length": 16, "resample": True},
    }
)
WORDS = KeypointsSection.model_validate(
    {
        "source": "holistic",
        "layout": [
            {"part": "left_hand", "axes": ["x", "y"]},
            {"part": "right_hand", "axes": ["x", "y"]},
            {"part": "pose", "points": list(range(_BODY_POINTS)), "axes": ["x", "y"]},
        ],
        "derive": [{"step": "aspect"}],
        "sampling": {"rate": RATE},
    }
)


@dataclass(frozen=True, slots=True)
class Examples:
    """N rows of F numbers, and the class of each."""

    rows: FloatArray
    classes: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Fitted:
    """Softmax regression over standardised numbers: logits = (row − mean) / std · weights + bias."""

    mean: FloatArray
    std: FloatArray
    weights: FloatArray
    bias: FloatArray


def seen_in(path: Path, section: KeypointsSection, landmarkers: Landmarkers) -> Track:
    """What the section's observer sees in a whole clip."""
    call = ObserveCall(
        medium=Medium(str(path), path.stat().st_size),
        request=section.request,
        sampling=section.sampling,
        start_s=0.0,
        duration_s=None,
        mirrored=False,
        limits=_LIMITS,
    )
    return observe(call, lambda: None, landmarkers).track


def publish_letters(root: Path, name: str, clips: Mapping[str, Track]) -> Manifest:
    """A model of the letters that the clips show, from their tracks."""
    examples = [_letter_examples(track, number, len(clips)) for number, track in enumerate(clips.values())]
    fitted = _fit(_together(examples), len(clips) + 1)
    return _publish(root, name, LETTERS, [*clips, REST], [], fitted, idle_labels=[REST], unit="letter")


def publish_words(root: Path, name: str, clips: Mapping[str, Track]) -> Manifest:
    """A model of the words that the clips show, from their tracks."""
    examples = []
    for number, track in enumerate(clips.values()):
        rows = tensor(track, Window(0.0, np.inf), WORDS).values
        examples.append(Examples(body_relative(rows), np.full(len(rows), number)))
    return _publish(root, name, WORDS, list(clips), _BODY_NODES, _fit(_together(examples), len(clips)), unit="word")


def body_relative(rows: FloatArray) -> FloatArray:
    """Points from between the shoulders, in widths of the shoulders; unseen hands stay 0. As _BODY_NODES."""
    points = rows.reshape(len(rows), -1, 2)
    left, right = points[:, _LEFT_SHOULDER], points[:, _RIGHT_SHOULDER]
    width = np.sqrt(((left - right) ** 2).sum(axis=-1))[:, None, None]
    moved = (points - ((left + right) / 2)[:, None]) / width
    return np.where(points == 0, 0, moved).reshape(len(rows), -1).astype(np.float32)


def _letter_examples(track: Track, letter: int, rest: int) -> Examples:
    """Windows of the letter made at several speeds, with the way back or without, whole or with lost frames.

    A window shows the letter where at least half of what is seen in it is the letter held, else the hand's way.
    """
    random = np.random.default_rng(letter)
    rows, classes = [], []
    for speed in _SPEEDS:
        for goes_back in (False, True):
            for lost in (0.0, _LOST_SHARE):
                shown, held = _performance(track, speed, goes_back)
                shown = _with_losses(shown, random.random(len(shown)) < lost)
                for first in range(len(shown) - round(WINDOW_S * RATE)):
                    window = Window(first / RATE - 1e-6, first / RATE - 1e-6 + WINDOW_S)
                    part = shown.cut(window)
                    if not part.present.any():
                        continue
                    start, stop = shown.indices(window)
                    share = (held[start:stop] & part.present).sum() / part.present.sum()
                    rows.append(tensor(shown, window, LETTERS).values.reshape(1, -1))
                    classes.append(letter if share >= 0.5 else rest)
    return Examples(np.concatenate(rows), np.array(classes))


def _performance(track: Track, speed: float, goes_back: bool) -> tuple[Track, BoolArray]:
    """The clip at another speed with nothing before and after it, and when the letter is held in it."""
    times_s = track.times_s / speed
    grid = np.arange(int(times_s[-1] * RATE) + 1) / RATE
    places = np.searchsorted(times_s, grid + 1e-6, side="right") - 1
    held = track.times_s[places] >= HELD_FROM * track.times_s[-1]
    if goes_back:  # twice as fast
        back = places[::-2]
        places, held = np.concatenate([places, back]), np.concatenate([held, np.zeros(len(back), bool)])
    nothing = np.full(round(WINDOW_S * RATE), -1)
    places = np.concatenate([nothing, places, nothing])
    held = np.concatenate([nothing > 0, held, nothing > 0])
    there = places >= 0
    shown = track.only(np.maximum(places, 0))  # places choose as booleans do
    shown = replace(shown, times_s=np.arange(len(places)) / RATE)
    return _with_losses(shown, ~there), held


def _with_losses(track: Track, lost: BoolArray) -> Track:
    """The track without what was seen in some of its frames."""
    values, handedness = track.values.astype(np.float32), track.handedness
    values[lost] = np.nan
    sides = None if handedness is None else np.where(lost, 0, handedness).astype(np.float32)
    return replace(track, values=values, present=track.present & ~lost, handedness=sides)


def _together(examples: list[Examples]) -> Examples:
    return Examples(np.concatenate([one.rows for one in examples]), np.concatenate([one.classes for one in examples]))


def _fit(examples: Examples, classes: int) -> Fitted:
    """Softmax regression by Adam, classes alike in weight, on the examples as they are and once more with noise."""
    random = np.random.default_rng(0)
    mean, std = examples.rows.mean(axis=0), examples.rows.std(axis=0) + 0.05
    rows = (examples.rows - mean) / std
    rows = np.concatenate([rows, rows + random.normal(0, _NOISE, rows.shape)])
    rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1).astype(np.float32)
    truth = np.eye(classes, dtype=np.float32)[np.concatenate([examples.classes, examples.classes])]
    weight = (truth / truth.sum(axis=0)).sum(axis=1, keepdims=True)
    weight = (weight / weight.sum()).astype(np.float32)
    weights = first = second = np.zeros((rows.shape[1], classes), np.float32)
    for step in range(1, _ROUNDS + 1):
        logits = rows @ weights
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        slope = rows.T @ ((chances - truth) * weight) + 1e-3 * weights
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        weights = weights - 0.02 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    return Fitted(mean, std, weights[:-1], weights[-1])


_BODY_NODES = [
    helper.make_node("Reshape", ["x", "as_points"], ["points"]),
    helper.make_node("Gather", ["points", "left"], ["left_shoulder"], axis=1),
    helper.make_node("Gather", ["points", "right"], ["right_shoulder"], axis=1),
    helper.make_node("Mean", ["left_shoulder", "right_shoulder"], ["middle"]),
    helper.make_node("Sub", ["left_shoulder", "right_shoulder"], ["across"]),
    helper.make_node("ReduceL2", ["across"], ["width"], axes=[2]),
    helper.make_node("Sub", ["points", "middle"], ["moved"]),
    helper.make_node("Div", ["moved", "width"], ["scaled"]),
    helper.make_node("Equal", ["points", "zero"], ["unseen"]),
    helper.make_node("Where", ["unseen", "zero", "scaled"], ["body"]),
    helper.make_node("Flatten", ["body"], ["flat"]),
]


def _publish(
    root: Path,
    name: str,
    section: KeypointsSection,
    labels: list[str],
    nodes: list[onnx.NodeProto],
    fitted: Fitted,
    **more: Any,
) -> Manifest:
    shape = section.input_shape
    fields = draft(
        name,
        labels=labels,
        pipeline=section.model_dump(mode="json"),
        time={"window_s": WINDOW_S, "stride_s": 0.1, "min_duration_s": 0.3, "merge_gap_s": 0.2},
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", *shape], "from": "track"}],
        output={"name": "y", "shape": ["batch", len(labels)], "activation": "softmax"},
        **more,
    )
    stored: dict[str, npt.NDArray[Any]] = {
        "mean": fitted.mean,
        "std": fitted.std,
        "weights": fitted.weights,
        "bias": fitted.bias,
        "as_points": np.array([-1, shape[-1] // 2, 2], np.int64),
        "left": np.array([_LEFT_SHOULDER], np.int64),
        "right": np.array([_RIGHT_SHOULDER], np.int64),
        "zero": np.zeros(1, np.float32),
    }
    graph = helper.make_graph(
        [
            *(nodes or [helper.make_node("Flatten", ["x"], ["flat"])]),
            helper.make_node("Sub", ["flat", "mean"], ["centered"]),
            helper.make_node("Div", ["centered", "std"], ["row"]),
            helper.make_node("MatMul", ["row", "weights"], ["raw"]),
            helper.make_node("Add", ["raw", "bias"], ["y"]),
        ],
        name,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", len(labels)])],
        [numpy_helper.from_array(values, key) for key, values in stored.items() if nodes or key in _LINEAR],
    )
    return Store(root).publish(fields, {"model.onnx": serialized(graph)})


_LINEAR = ("mean", "std", "weights", "bias")
