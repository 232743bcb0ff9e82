"""The kinds of pipelines: from a Track to a model's input, one file a kind."""

from typing import Annotated

from pydantic import Field

from service.pipelines.keypoints import KeypointsSection
from service.pipelines.tensor_only import TensorSection

Pipeline = Annotated[KeypointsSection | TensorSection, Field(discriminator="kind")]
