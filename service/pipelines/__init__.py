"""The kinds of pipelines: from a Track to a model's input, one file a kind.

A kind is its section, `observer` (what a worker looks for) and `tensor` (one window's input); kinds whose windows share
rows add `steps` and `rows`. A head (`series`) observes nothing: it reads another model's outputs.
"""

from functools import partial, singledispatch
from typing import Annotated

from pydantic import Field

from service.observe.request import ObserverRequest
from service.pipelines import chunks, clip, face_affect, face_geometry, hand_crop, image, keypoints
from service.pipelines.chunks import ChunksSection
from service.pipelines.clip import ClipSection
from service.pipelines.face_affect import FaceAffectSection
from service.pipelines.face_geometry import FaceGeometrySection
from service.pipelines.hand_crop import HandCropSection
from service.pipelines.image import ImageSection
from service.pipelines.keypoints import KeypointsSection
from service.pipelines.reading import Reading, reading_of_steps, reading_of_windows
from service.pipelines.series import SeriesSection
from service.pipelines.tensor_only import TensorSection
from service.track import Track, Window

Observing = (
    KeypointsSection
    | ImageSection
    | HandCropSection
    | ChunksSection
    | ClipSection
    | FaceGeometrySection
    | FaceAffectSection
)
"""Sections of models that look at a medium themselves."""

Pipeline = Annotated[Observing | SeriesSection | TensorSection, Field(discriminator="kind")]


@singledispatch
def observer(section: Observing) -> ObserverRequest:
    """What a worker runs on each sampled frame."""
    raise TypeError(f"nothing is observed for {type(section).__name__}")


for _observe in (
    keypoints.observer,
    image.observer,
    hand_crop.observer,
    chunks.observer,
    clip.observer,
    face_geometry.observer,
    face_affect.observer,
):
    observer.register(_observe)


@singledispatch
def read(section: Observing, track: Track, windows: list[Window]) -> Reading:
    """All rows that the windows need, each once."""
    raise TypeError(f"{type(section).__name__} makes no rows of {len(windows)} windows of {track.media.format}")


@read.register
def _(section: KeypointsSection, track: Track, windows: list[Window]) -> Reading:
    return reading_of_windows([keypoints.tensor(track, window, section) for window in windows])


@read.register
def _(section: ImageSection, track: Track, windows: list[Window]) -> Reading:
    steps = [image.steps(track, window, section) for window in windows]
    return reading_of_steps(steps, partial(image.rows, track, section=section))


@read.register
def _(section: HandCropSection, track: Track, windows: list[Window]) -> Reading:
    steps = [hand_crop.steps(track, window, section) for window in windows]
    return reading_of_steps(steps, partial(hand_crop.rows, track, section=section))


@read.register
def _(section: FaceGeometrySection, track: Track, windows: list[Window]) -> Reading:
    measures = face_geometry.measured(track)
    steps = [face_geometry.steps(measures, window, section) for window in windows]
    return reading_of_steps(steps, partial(face_geometry.rows, face_geometry.channels(measures, section.median_s)))


@read.register
def _(section: FaceAffectSection, track: Track, windows: list[Window]) -> Reading:
    return reading_of_steps(
        [face_affect.steps(track, window, section) for window in windows],
        partial(face_affect.rows, track, section=section),
        face_affect.UNITS_AT_ONCE,
        partial(face_affect.faces_of, track),
    )


@read.register
def _(section: ChunksSection, track: Track, windows: list[Window]) -> Reading:
    steps = [chunks.steps(track, window, section) for window in windows]
    return reading_of_steps(steps, partial(chunks.rows, track, section=section), chunks.ROWS_AT_ONCE)


@read.register
def _(section: ClipSection, track: Track, windows: list[Window]) -> Reading:
    steps = [clip.steps(track, window, section) for window in windows]
    return reading_of_steps(steps, partial(clip.rows, track, section=section))
