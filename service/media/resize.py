"""To which size a picture is brought, and by whose arithmetic: OpenCV, Pillow and PyTorch all differ."""

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
