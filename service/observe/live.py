"""Live frames: what is observed of them, one by one, with what is followed from frame to frame.

The API process imports the types; only workers observe.
"""

import io
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from service.errors import SignError
from service.media.medium import MediaLimits
from service.media.sniff import HEAD_BYTES, MediaType, sniff
from service.observe.call import Stopwatch
from service.observe.landmarker import DetectedHand
from service.observe.landmarkers import Landmarkers
from service.observe.request import LandmarkRequest, PictureRequest
from service.track import MediaInfo, Track

LIVE_FORMATS = ("jpeg", "png", "webp")


@dataclass(frozen=True, slots=True)
class LiveCall:
    """What is to be observed in the frames of one session.

    mirrored: the sender's frames are mirrored, so they are flipped first. frame_pixels: most pixels of a frame.
    """

    request: LandmarkRequest | PictureRequest
    mirrored: bool
    frame_pixels: int

    @property
    def flipped(self) -> bool:
        """Whether the flipped picture is looked at: mirrored and selfie undo each other."""
        return self.mirrored != self.request.selfie


@dataclass(frozen=True, slots=True)
class LiveFrame:
    """An encoded picture and its time in seconds; times of one session grow.

    discontinuity: nothing before it counts.
    """

    time_s: float
    picture: bytes
    discontinuity: bool = False


@dataclass(frozen=True, slots=True)
class LiveObservation:
    """One frame as it was observed.

    track: its one observation, in the coordinates of the picture that was looked at. hands: all that were detected,
    in those of the picture as it was sent, by the person's own sides. discontinuity: it was the first of its tracking.
    """

    track: Track
    hands: tuple[DetectedHand, ...]
    discontinuity: bool
    decode_s: float
    observe_s: float


class LiveObserver:
    """Observes a session's frames; belongs to one thread of one process. Only workers make one.

    Its tracking begins anew with a frame that says so, and with one of another size: a phone that was turned.
    """

    def __init__(self, call: LiveCall, landmarkers: Landmarkers) -> None:
        # What reads pictures comes along here, and with it what only a worker may load.
        from service.media.picture import decode_picture  # noqa: PLC0415
        from service.observe.frame_sink import LocalFrameSink  # noqa: PLC0415
        from service.observe.observers import LandmarkObserver, PictureObserver, open_observer  # noqa: PLC0415

        self._call = call
        self._landmarkers = landmarkers
        self._limits = MediaLimits(call.frame_pixels, np.inf, 1)
        self._decode, self._watch = decode_picture, Stopwatch
        self._open_observer, self._make_sink = open_observer, LocalFrameSink
        self._streaming = (LandmarkObserver, PictureObserver)
        self._size: tuple[int, int] | None = None
        self._held = ExitStack()
        self._observer: LandmarkObserver | PictureObserver | None = None

    def observe(self, frame: LiveFrame) -> LiveObservation:
        """Decode and observe the next frame.

        Raises SignError (media-corrupt, media-unsupported, picture-too-large), after which the next frame may come,
        and RuntimeError where the graph fails.
        """
        watch = self._watch()
        request = self._call.request
        kind = _kind_of(frame.picture)
        pixels, media = self._decode(io.BytesIO(frame.picture), kind, self._limits, request.orientation)
        if self._call.flipped:
            pixels = np.ascontiguousarray(pixels[:, ::-1])
        decode_s = watch.lap()
        discontinuity = frame.discontinuity or self._observer is None or self._size != (media.width, media.height)
        if discontinuity:
            self._begin(media)
        if (observer := self._observer) is None:
            raise RuntimeError("a frame is looked at without an observer")
        try:
            observer.observe(frame.time_s, pixels)
        except RuntimeError:
            self._observer = None
            with self._held.pop_all():  # whoever lent the graph learns of it, and does not keep it
                raise
        track = observer.track(replace(media, kind="video"))
        observer.forget()
        hands = tuple(self._as_sent(hand) for hand in observer.hands)
        return LiveObservation(track, hands, discontinuity, decode_s, watch.lap())

    def close(self) -> None:
        """Give back what is held."""
        self._observer = None
        self._held.close()

    def _begin(self, media: MediaInfo) -> None:
        self.close()
        entered = self._open_observer(self._call.request, media.aspect, self._landmarkers, self._make_sink)
        observer = self._held.enter_context(entered)
        if not isinstance(observer, self._streaming):
            raise TypeError(f"{type(observer).__name__} observes no live frames")
        self._observer = observer
        self._size = (media.width, media.height)

    def _as_sent(self, hand: DetectedHand) -> DetectedHand:
        """A hand in the picture as it was sent, by the person's own side.

        Holistic names the sides of the body that it sees, which is a mirrored one where the author flipped the frame.
        """
        side, points = hand.side, hand.landmarks
        detector = self._detector
        if detector is not None and detector.source == "holistic" and detector.selfie:
            side = "left" if side == "right" else "right"
        if self._call.flipped:
            points = points * np.array([-1, 1, 1, 1], np.float32) + np.array([1, 0, 0, 0], np.float32)
        return DetectedHand(side, hand.confidence, points)

    @property
    def _detector(self) -> LandmarkRequest | None:
        request = self._call.request
        return request if isinstance(request, LandmarkRequest) else request.detector


def _kind_of(picture: bytes) -> MediaType:
    kind = sniff(picture[:HEAD_BYTES])
    if kind.format not in LIVE_FORMATS:
        raise SignError("media-unsupported", f"A frame is a jpeg, png or webp picture; this one is {kind.format}.")
    return kind
