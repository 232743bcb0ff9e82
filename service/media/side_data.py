"""What lies beside a frame's pixels: of it, only the display matrix is read."""

from collections.abc import Iterable
from typing import Any, cast

from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame

from service.media.upright import AS_STORED, Turn, read_turn


def _unknown_type(cls: type[SideDataType], value: Any) -> SideDataType:  # noqa: ANN401 - as Enum has it
    """A member for a type that FFmpeg knows and PyAV does not: without one, none of a frame's side data can be read."""
    member = object.__new__(cls)
    member._name_, member._value_ = f"UNKNOWN_{value}", value
    return member


SideDataType._missing_ = classmethod(_unknown_type)  # type: ignore[assignment]


def turn_of(frame: VideoFrame) -> Turn:
    """How the frame's display matrix turns it."""
    for data in cast(Iterable[SideData], frame.side_data.keys()):  # PyAV: this mapping's keys are its values
        if data.type is SideDataType.DISPLAYMATRIX:
            return read_turn(bytes(data))
    return AS_STORED
