"""Observe: from a medium to a Track. It brings FFmpeg, Pillow and MediaPipe along, so only workers import this."""

from collections.abc import Callable
from pathlib import Path

import cv2

from service.errors import SignError
from service.media.decoding import decoding
from service.media.picture import is_still
from service.media.sampling import EveryNth, Rate, Sampling
from service.media.sniff import HEAD_BYTES, sniff
from service.observe.call import ObserveCall, ObserveResult
from service.observe.deferred import observe_deferred
from service.observe.frame_sink import LocalFrameSink
from service.observe.landmarkers import Landmarkers
from service.observe.observers import FrameSinkFactory
from service.observe.picture import observe_picture
from service.observe.pose_file import observe_pose_file
from service.observe.request import LandmarkRequest
from service.observe.video import observe_video


def observe(
    call: ObserveCall,
    keep_going: Callable[[], None],
    landmarkers: Landmarkers,
    make_sink: FrameSinkFactory | None = None,
) -> ObserveResult:
    """Recognize the medium, read the asked part and observe its sampled frames.

    keep_going is called between frames and raises where the work is no longer wanted. make_sink: what keeps
    pictures, this process's memory unless given. Raises SignError for whatever is wrong with the medium.
    """
    try:
        return _observe(call, keep_going, landmarkers, make_sink or LocalFrameSink)
    except cv2.error as error:  # it looks at what was decoded, whatever size and shape that has
        raise SignError("media-corrupt", "The medium's pictures cannot be looked at.") from error


def _observe(
    call: ObserveCall, keep_going: Callable[[], None], landmarkers: Landmarkers, sink: FrameSinkFactory
) -> ObserveResult:
    with Path(call.medium.path).open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES))
    if kind.kind == "landmarks":
        asked = _landmarks_asked(call)
        with decoding("The file begins as .pose landmarks"):
            return observe_pose_file(call, *asked)
    if is_still(call.medium, kind):
        return observe_picture(call, kind, keep_going, landmarkers, sink)
    if isinstance(call.sampling, EveryNth | Rate):
        return observe_video(call, call.sampling, kind, keep_going, landmarkers, sink)
    return observe_deferred(call, call.sampling, kind, keep_going, landmarkers, sink)


def _landmarks_asked(call: ObserveCall) -> tuple[LandmarkRequest, Sampling]:
    if isinstance(call.request, LandmarkRequest) and isinstance(call.sampling, EveryNth | Rate):
        return call.request, call.sampling
    raise SignError(
        "media-wrong-kind", "The model looks at pixels; a .pose file holds only landmarks. Send the video itself."
    )
