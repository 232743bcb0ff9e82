"""Observe: from a medium to a Track. The API process imports the types; only workers call `observe`."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from service.errors import SignError
from service.media.medium import MediaLimits, Medium
from service.media.sampling import Choice, EveryNth, Rate, Sampling
from service.media.sniff import HEAD_BYTES, sniff
from service.observe.landmarkers import Landmarkers
from service.observe.request import LandmarkRequest, ObserverRequest
from service.track import Track

if TYPE_CHECKING:
    from service.observe.observers import KeeperFor


@dataclass(frozen=True, slots=True)
class ObserveCall:
    """One medium and what is to be observed in it.

    start_s, duration_s: the part that is analysed, from the medium's start; None: up to its end. mirrored: the sender
    says that the picture is mirrored, so it is flipped before anything else, and the Track's coordinates are those
    of the flipped picture. counted: what is sampled by counting frames is counted from the medium's first; else from
    start_s on, which is then the time of a sampled frame. gives_way: when it is stopped, what was observed until
    then is the answer.
    """

    medium: Medium
    request: ObserverRequest
    sampling: Sampling | Choice
    start_s: float
    duration_s: float | None
    mirrored: bool
    limits: MediaLimits
    counted: bool = True
    gives_way: bool = False

    @property
    def end_s(self) -> float:
        """Where the part ends, infinite where it is the medium's end."""
        return float("inf") if self.duration_s is None else self.start_s + self.duration_s

    @property
    def flipped(self) -> bool:
        """Whether the flipped picture is looked at: mirrored and selfie undo each other."""
        return self.mirrored != self.request.selfie


@dataclass(frozen=True, slots=True)
class ObserveResult:
    """A Track, what it cost in seconds, and how many frames were decoded and observed.

    queue_s: the wait for a slot. decode_s counts opening, decoding and converting; observe_s landmarks and crops.
    at_end: nothing of the medium lies behind the part. gave_way: the call was stopped; the Track ends where it was.
    kept_apart: how many pictures lie in shared memory; on its way between processes the Track carries none of them.
    """

    track: Track
    decode_s: float = 0.0
    observe_s: float = 0.0
    queue_s: float = 0.0
    decoded: int = 0
    observed: int = 0
    at_end: bool = True
    gave_way: bool = False
    kept_apart: int = 0


class Stopwatch:
    """Adds up the seconds of stages that take turns."""

    def __init__(self) -> None:
        self._at = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        passed, self._at = now - self._at, now
        return passed


def observe(
    call: ObserveCall,
    keep_going: Callable[[], None],
    landmarkers: Landmarkers,
    keeper_for: "KeeperFor | None" = None,
) -> ObserveResult:
    """Recognise the medium, read the asked part and observe its sampled frames.

    keep_going is called between frames and raises where the work is no longer wanted. keeper_for: what keeps
    pictures, this process's memory unless given. Raises SignError for whatever is wrong with the medium.
    """
    # The readers bring FFmpeg, Pillow and MediaPipe along, which only a worker may load.
    from service.media.picture import is_still  # noqa: PLC0415
    from service.observe.chosen import observe_chosen  # noqa: PLC0415
    from service.observe.kept import KeptHere  # noqa: PLC0415
    from service.observe.moving import observe_video  # noqa: PLC0415
    from service.observe.pose_file import observe_pose_file  # noqa: PLC0415
    from service.observe.still import observe_picture  # noqa: PLC0415

    keeper = keeper_for or KeptHere
    with Path(call.medium.path).open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES))
    if kind.kind == "landmarks":
        return observe_pose_file(call, *_landmarks_asked(call))
    if kind.kind == "picture" or (kind.format == "gif" and is_still(call.medium)):
        return observe_picture(call, kind, keep_going, landmarkers, keeper)
    if isinstance(call.sampling, EveryNth | Rate):
        return observe_video(call, call.sampling, kind, keep_going, landmarkers, keeper)
    return observe_chosen(call, call.sampling, kind, keep_going, landmarkers, keeper)


def _landmarks_asked(call: ObserveCall) -> tuple[LandmarkRequest, Sampling]:
    if isinstance(call.request, LandmarkRequest) and isinstance(call.sampling, EveryNth | Rate):
        return call.request, call.sampling
    raise SignError(
        "media-wrong-kind", "The model looks at pixels; a .pose file holds only landmarks. Send the video itself."
    )
