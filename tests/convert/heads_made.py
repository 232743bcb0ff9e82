"""What heads need in tests: a small model that gives ten numbers, and a served head asked with a series of them."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from onnx import TensorProto, helper, numpy_helper

from service.metrics import Metrics
from service.pipelines import series
from service.pipelines.series import SeriesSection
from service.registry.manifest import Manifest
from service.registry.registry import Registry
from service.registry.store import Store
from service.settings import Settings
from service.track import MediaInfo, Track, Window
from tests.service.registry.graphs import draft, serialized

CHANNELS = (
    "anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise", "valence", "arousal",
)  # fmt: skip
SIDE = 8
MEDIUM = MediaInfo("video", "mp4", 64, 48, 60.0, 30.0)
EVERYTHING = Window(-np.inf, np.inf)


def ten_numbers() -> bytes:
    """Ten numbers that are linear in the mean color of a picture."""
    colors = np.linspace(-2, 2, 30, dtype=np.float32).reshape(3, 10)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2], keepdims=0),
            helper.make_node("MatMul", ["mean", "w"], ["y"]),
        ],
        "ten",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(colors, "w")],
    )
    return serialized(graph)


def publish_affect(store: Path, name: str = "affect", rate: float = 2.0, **changes: object) -> Manifest:
    """A model of the task `affect` that looks at whole pictures, `rate` times a second."""
    fields = draft(
        name,
        task="affect",
        labels=None,
        pipeline={
            "kind": "image", "resize": {"w": SIDE, "h": SIDE, "method": "area", "library": "opencv"},
            "scale": 1 / 255, "sampling": {"rate": rate},
        },
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", SIDE, SIDE, 3], "from": "track"}],
        output={"name": "y", "shape": ["batch", 10], "activation": "none", "channels": list(CHANNELS)},
    )  # fmt: skip
    return Store(store).publish({**fields, **changes}, {"model.onnx": ten_numbers()})


def outputs_track(values: npt.NDArray[np.float32], present: list[bool] | None = None, rate: float = 2.0) -> Track:
    """What the required model gave, `rate` times a second."""
    seen = np.ones(len(values), bool) if present is None else np.array(present)
    return Track(np.arange(len(values)) / rate, values, seen, MEDIUM)


async def served_answers(store: Path, name: str, tracks: list[Track]) -> npt.NDArray[np.float32]:
    """What the service's registry makes of each track of outputs, through the head's own section."""
    settings = Settings.model_validate({"model_store": store, "default_model": name})
    registry = Registry(settings, Metrics())
    await registry.start()
    try:
        await registry.wait_until_loaded()
        model = await registry.get(name)
        section = model.manifest.pipeline
        if not isinstance(section, SeriesSection):
            raise TypeError(f"{name} is of kind {section.kind}")
        answers: npt.NDArray[np.float32] = await model.score(
            [series.tensor(track, EVERYTHING, section) for track in tracks]
        )
        return answers
    finally:
        await registry.close()
