"""What tests of highlights share: films with known faces and peaks, and a head that answers to one channel of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import av
import numpy as np
from onnx import TensorProto, helper, numpy_helper

from service.media.upright import Pixels
from service.pipelines.face_geometry import CHANNELS
from service.registry.manifest import Manifest
from service.registry.store import Store
from tests.media_made import drawn_face, film
from tests.pixel_models import AFFECT
from tests.service.registry.graphs import draft, linear, serialized

RATE = 12
WIDTH, HEIGHT = 854, 480
STEPS = 4
"""Samples that the head looks at: 2 s of them."""

Tint = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Stretch:
    """So many seconds of a clip from from_s on, again and again, tinted; shows_face: whether each frame has one."""

    clip: str
    seconds: float
    shows_face: bool = True
    from_s: float = 0.0
    tint: Tint = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Plan:
    """Stretches one after the other; peaks: the places of those that stand out."""

    stretches: tuple[Stretch, ...]
    peaks: tuple[int, ...]

    @property
    def starts_s(self) -> list[float]:
        return [0.0, *np.cumsum([stretch.seconds for stretch in self.stretches]).tolist()]

    def spans_s(self) -> list[tuple[float, float]]:
        """When the peaks are."""
        starts = self.starts_s
        return [(starts[place], starts[place + 1]) for place in self.peaks]

    def face_at(self, time_s: float) -> bool:
        place = int(np.searchsorted(self.starts_s, time_s, side="right")) - 1
        return 0 <= place < len(self.stretches) and self.stretches[place].shows_face

    def unknown_at(self, times_s: Sequence[float], end_s: float, min_faces: int = 3) -> list[bool]:
        """Where a curve of windows of STEPS samples, 2 a second, must be null: worked out from the plan alone."""
        unknown = []
        for time_s in times_s:
            around = [time_s + step / 2 for step in range(-STEPS // 2, STEPS // 2)]
            held = [sample for sample in around if 0 <= sample < end_s]
            faces = sum(self.face_at(sample) for sample in held)
            unknown.append(faces < max(1, min(min_faces, len(held))))
        return unknown


def iou(one: tuple[float, float], two: tuple[float, float]) -> float:
    """Shared time over all time of two spans."""
    shared = max(0.0, min(one[1], two[1]) - max(one[0], two[0]))
    return shared / (max(one[1], two[1]) - min(one[0], two[0]))


def spliced(path: Path, plan: Plan, videos: Path) -> Path:
    """The plan as one video, from the clips in a folder."""
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=RATE, options={"preset": "ultrafast", "crf": "16"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for stretch in plan.stretches:
            frames = _frames(videos / stretch.clip, stretch.from_s)
            for _ in range(round(stretch.seconds * RATE)):
                tinted = np.clip(next(frames).astype(np.int16) + np.array(stretch.tint, np.int16), 0, 255)
                target.mux(stream.encode(av.VideoFrame.from_ndarray(tinted.astype(np.uint8), "rgb24")))
        target.mux(stream.encode())
    return path


def _frames(clip: Path, from_s: float) -> Iterator[Pixels]:
    with av.open(str(clip)) as source:
        frames = [frame for frame in source.decode(video=0) if frame.time >= from_s]
        pictures = [np.asarray(frame.reformat(WIDTH, HEIGHT, "rgb24").to_ndarray(), np.uint8) for frame in frames]
    return cycle(pictures)


def talking(path: Path, plan: Plan) -> Path:
    """The plan with a drawn face; it opens and closes its mouth, a second each, where it stands out."""
    empty = np.full((240, 320, 3), (90, 110, 100), np.uint8)
    speaks = {place for place in range(len(plan.stretches)) if place in plan.peaks}
    shut, wide = drawn_face(), drawn_face(mouth=16)

    def paint(index: int) -> Pixels:
        time_s = index / 8
        place = int(np.searchsorted(plan.starts_s, time_s, side="right")) - 1
        if not plan.stretches[place].shows_face:
            return empty
        return wide if place in speaks and int(time_s) % 2 else shut

    return film(path, paint, frames=round(8 * plan.starts_s[-1]), rate=8)


def answers_to(channel: str) -> bytes:
    """y = the mean of one channel of x over the steps that are there: x is batch × STEPS × AFFECT, with a mask."""
    nodes = [
        helper.make_node("Gather", ["x", "place"], ["chosen"], axis=2),
        helper.make_node("Mul", ["chosen", "mask"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "time"], ["sum"], keepdims=1),
        helper.make_node("ReduceSum", ["mask", "time"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes,
        "planted",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", STEPS, len(AFFECT)]),
            helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["batch", STEPS]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 1])],
        [
            numpy_helper.from_array(np.array(AFFECT.index(channel), np.int64), "place"),
            numpy_helper.from_array(np.array([1], np.int64), "time"),
        ],
    )
    return serialized(graph)


def publish_statistics_head(
    root: Path, below: str, channels: Sequence[str], channel: str, threshold: float
) -> Manifest:
    """`spread-BELOW`: a head over another model's channels, whose tension is the standard deviation of one of them."""
    weights = np.zeros((2 * len(channels), 1), np.float32)
    weights[len(channels) + channels.index(channel)] = 1.0  # the means come first
    fields = draft(
        f"spread-{below}",
        task="highlight",
        labels=None,
        pipeline={"kind": "series", "statistics": ["mean", "std"]},
        requires={"name": below, "version": 1},
        time={"window_s": STEPS / 2, "stride_s": 0.5, "min_duration_s": 1.0, "merge_gap_s": 1.0},
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", len(weights)], "from": "track"}],
        output={"name": "y", "shape": ["batch", 1], "activation": "none", "threshold": threshold},
    )
    return Store(root).publish(fields, {"model.onnx": linear(weights)})


def publish_measures(root: Path) -> Manifest:
    """`measures`: features that are the channels of face geometry themselves."""
    width = len(CHANNELS)
    fields = draft(
        "measures",
        task="features",
        labels=None,
        pipeline={"kind": "face_geometry"},
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", width], "from": "track"}],
        output={"name": "y", "shape": ["batch", width], "activation": "none", "channels": list(CHANNELS)},
    )
    return Store(root).publish(fields, {"model.onnx": linear(np.eye(width, dtype=np.float32))})


def publish_planted_head(root: Path, channel: str, threshold: float) -> Manifest:
    """`planted`: a head over the model `emotions`, whose tension is one of its channels."""
    fields = draft(
        "planted",
        title={"en": "Planted", "ko": "심은 머리"},
        task="highlight",
        labels=None,
        pipeline={"kind": "series", "length": {"length": STEPS}},
        requires={"name": "emotions", "version": 1},
        time={"window_s": STEPS / 2, "stride_s": 0.5, "min_duration_s": 1.0, "merge_gap_s": 0.5},
        inputs=[
            {"name": "x", "dtype": "float32", "shape": ["batch", STEPS, len(AFFECT)], "from": "track"},
            {"name": "mask", "dtype": "float32", "shape": ["batch", STEPS], "from": "mask"},
        ],
        output={"name": "y", "shape": ["batch", 1], "activation": "none", "threshold": threshold},
    )
    return Store(root).publish(fields, {"model.onnx": answers_to(channel)})
