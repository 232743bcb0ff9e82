"""A kind in one file, and its line in the union: `python -m tests.toy_kind` is the service that knows it.

Each sampled frame is one row, its mean red, green and blue between 0 and 1, and the rows of a window vote.
`python -m tests.toy_kind publish STORE` publishes a model of it, whose answer is the strongest color.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field

import service.pipelines
from service.media.resize import Resize
from service.media.sampling import Rate, Sampling
from service.observe.request import PictureRequest
from service.pipelines.frame_indices import FrameIndices, pictures_of, single_frames
from service.pipelines.kind import Streams
from service.pipelines.over_time import SampledOverTime
from service.pipelines.row_plan import RowPlan, plan_shared_rows
from service.pipelines.tensor_only import TensorSection
from service.section import Section
from service.track import FloatArray, Track, Window

COLORS = ("red", "green", "blue")
SHARPNESS = 20.0


class MeanColorSection(Section, SampledOverTime):
    """The manifest's `pipeline` of a model that looks at the mean color of frames."""

    streams: ClassVar[Streams | None] = "frames"

    kind: Literal["mean_color"] = "mean_color"
    sampling: Sampling = Rate(rate=5)

    @property
    def votes(self) -> bool:
        """Each frame is an answer of its own."""
        return True

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One input's shape without the batch."""
        return (len(COLORS),)

    @property
    def request(self) -> PictureRequest:
        """A small picture of each frame."""
        return PictureRequest(resize=Resize(w=4, h=4, method="area"))

    def plan_rows(self, track: Track, windows: list[Window]) -> RowPlan:
        """All rows that the windows need, each once."""
        return plan_shared_rows([single_frames(track, window) for window in windows], partial(_rows, track))


def _rows(track: Track, frames: tuple[FrameIndices, ...]) -> FloatArray:
    return np.asarray(pictures_of(track, frames).mean(axis=(1, 2, 3), dtype=np.float32) / np.float32(255))


def join_the_union() -> None:
    """The kind's line in `service.pipelines`, before the manifest's classes are made of it."""
    if "service.registry.manifest" in sys.modules:
        raise RuntimeError("the manifest's classes are made already")
    service.pipelines.Pipeline = Annotated[  # type: ignore[assignment]
        service.pipelines.Described | MeanColorSection | TensorSection, Field(discriminator="kind")
    ]


def publish(store: Path) -> None:
    """A model of this kind, `colors`, into a store."""
    from service.registry.store import Store  # noqa: PLC0415 - the union comes first
    from tests.service.registry.graphs import draft, linear  # noqa: PLC0415

    fields = draft(
        "colors",
        labels=list(COLORS),
        pipeline={"kind": "mean_color"},
        time={"window_s": 1.0, "stride_s": 0.5, "min_duration_s": 0.2, "merge_gap_s": 0.1},
        inputs=[{"name": "x", "dtype": "float32", "shape": ["batch", len(COLORS)], "from": "track"}],
        output={"name": "y", "shape": ["batch", len(COLORS)], "activation": "softmax"},
    )
    weights = SHARPNESS * np.eye(len(COLORS), dtype=np.float32)
    Store(store).publish(fields, {"model.onnx": linear(weights)})


def main() -> None:
    join_the_union()
    if sys.argv[1] == "publish":
        publish(Path(sys.argv[2]))
        return
    from service.__main__ import cli  # noqa: PLC0415 - the union comes first

    cli()


if __name__ == "__main__":
    main()
