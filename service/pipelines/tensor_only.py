"""Kind `tensor`: a converted graph whose preprocessing nobody has described yet.

Its graph, labels and parity are kept; /predict refuses it until it is published again with a pipeline.
"""

from typing import Literal

from service.section import Section


class TensorSection(Section):
    """The manifest's `pipeline` of a model that is stored but cannot be asked."""

    kind: Literal["tensor"] = "tensor"

    @property
    def observing(self) -> None:
        """It looks at no medium."""
        return

    @property
    def head(self) -> None:
        """It reads no other model's outputs."""
        return

    @property
    def input_shape(self) -> None:
        """What the graph takes has nobody described."""
        return
