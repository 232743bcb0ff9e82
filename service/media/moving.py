"""Whatever moves: a video, or an animated picture, read alike. Only workers import this."""

from contextlib import AbstractContextManager

from service.media.animation import Animation, Picture, open_animation
from service.media.frame import Frame
from service.media.medium import ColorMatrix, MediaLimits, Medium, Orientation
from service.media.sniff import MediaType
from service.media.video import Video, open_video

Moving = Video | Animation
MovingFrame = Frame | Picture


def open_moving(
    medium: Medium, kind: MediaType, limits: MediaLimits, color: ColorMatrix, orientation: Orientation
) -> AbstractContextManager[Moving]:
    """Open what is no still picture. Raises SignError as `open_video` and `open_animation`."""
    if kind.demuxer is None:
        return open_animation(medium, kind, limits, orientation)
    return open_video(medium, kind, limits, color, orientation)
