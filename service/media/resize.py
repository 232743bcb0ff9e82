"""To which size a picture is brought, and by whose arithmetic: OpenCV, Pillow and PyTorch all differ."""

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import Field, model_validator

from service.section import Section

Method = Literal["nearest", "bilinear", "area", "bicubic", "lanczos"]
Library = Literal["pillow", "opencv", "torch"]


class Resize(Section):
    """The `resize` section: w × h pixels by a method of a library.

    area is Pillow's BOX, OpenCV's INTER_AREA and PyTorch's adaptive mean. Pillow's bilinear, bicubic and lanczos
    look at all pixels of a large picture, OpenCV's and PyTorch's (without antialias) at the nearest few.
    """

    w: int = Field(ge=1, le=2048)
    h: int = Field(ge=1, le=2048)
    method: Method = "bilinear"
    library: Library = "opencv"

    @model_validator(mode="after")
    def _check_method(self) -> "Resize":
        if self.library == "torch" and self.method == "lanczos":
            raise ValueError("torch has no lanczos; pillow and opencv have")
        return self


@dataclass(frozen=True, slots=True)
class ShortSide:
    """The shorter side at `side` pixels, bilinear by PyTorch's arithmetic, then a square of `crop` from the middle.

    What PyTorchVideo's short_side_scale and torchvision's CenterCrop do. whole: levels are rounded to whole ones.
    """

    side: int
    crop: int
    whole: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.crop <= self.side:
            raise ValueError(f"no square of {self.crop} pixels can be cut from a short side of {self.side}")

    @property
    def w(self) -> int:
        return self.crop

    @property
    def h(self) -> int:
        return self.crop

    @property
    def library(self) -> Library:
        return "torch"

    def scaled(self, width: int, height: int) -> tuple[int, int]:
        """Width and height before the crop of a picture of this size."""
        if width < height:
            return self.side, math.floor(height / width * self.side)
        return math.floor(width / height * self.side), self.side
