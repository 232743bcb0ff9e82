"""The kinds of pipelines: from a medium to a model's input, one file a kind.

A kind is its section in a manifest, which says by the methods of `Observing` how its models are asked, and its line in
`Pipeline`. A head (`series`) observes nothing: it reads another model's outputs.
"""

from typing import Annotated

from pydantic import Field

from service.pipelines.chunks import ChunksSection
from service.pipelines.clip import ClipSection
from service.pipelines.face_affect import FaceAffectSection
from service.pipelines.face_geometry import FaceGeometrySection
from service.pipelines.hand_crop import HandCropSection
from service.pipelines.image import ImageSection
from service.pipelines.keypoints import KeypointsSection
from service.pipelines.kind import Observing as Observing
from service.pipelines.series import SeriesSection
from service.pipelines.tensor_only import TensorSection

Described = (
    KeypointsSection
    | ImageSection
    | HandCropSection
    | ChunksSection
    | ClipSection
    | FaceGeometrySection
    | FaceAffectSection
    | SeriesSection
)
"""Sections of models that can be asked: a new kind is named here."""

Pipeline = Annotated[Described | TensorSection, Field(discriminator="kind")]
