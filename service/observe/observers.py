"""Observers: what observes frame after frame of one medium and builds its Track. Only workers import this."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from service.media.resizing import Picture
from service.media.upright import Pixels
from service.observe.crop import crop_picture, is_taken_whole
from service.observe.face_crop import crop_faces, is_a_face
from service.observe.followed_hand import FollowedHand
from service.observe.frame_sink import FrameSink
from service.observe.landmarker import DetectedHand, FaceBox, Landmarker, PartLandmarks
from service.observe.landmarkers import Landmarkers
from service.observe.request import FaceRequest, LandmarkRequest, ObserverRequest, PictureRequest, PixelRequest
from service.observe.smallest import look_for_hands, warn_of_size
from service.observe.track_builder import MORE_HANDS, LandmarkTrackBuilder, more_faces, signed_side
from service.observe.unseen_hands import UnseenHands
from service.track import HAND_PARTS, MediaInfo, PartName, Track

_NOWHERE = (float("nan"),) * 4
FrameSinkFactory = Callable[[PixelRequest], FrameSink]


class Observer(Protocol):
    """Makes one observation a frame, in order of time."""

    def __len__(self) -> int: ...

    def observe(self, time_s: float, rgb: Pixels) -> None:
        """Observe the next frame."""

    def repeat(self, time_s: float) -> None:
        """The last observation once more, at a later time."""

    def track(self, media: MediaInfo, warnings: tuple[str, ...] = ()) -> Track:
        """All that was observed."""


@contextmanager
def open_observer(
    request: ObserverRequest, aspect: float, landmarkers: Landmarkers, make_sink: FrameSinkFactory
) -> Iterator[Observer]:
    """An observer of a medium of this aspect (width over height), with the graphs that the request needs."""
    if isinstance(request, LandmarkRequest):
        with landmarkers.borrow(request) as landmarker:
            yield LandmarkObserver(request, aspect, landmarker)
    elif isinstance(request, FaceRequest):
        with landmarkers.borrow(request.detector) as landmarker:
            yield FaceObserver(request, landmarker, make_sink(request))
    elif request.detector is not None:
        with landmarkers.borrow(request.detector) as landmarker:
            yield PictureObserver(request, aspect, landmarker, make_sink)
    else:
        yield PictureObserver(request, aspect, None, make_sink)


class LandmarkObserver:
    """Landmarks of the asked parts. hands: all of the last frame."""

    def __init__(self, request: LandmarkRequest, aspect: float, landmarker: Landmarker) -> None:
        self._builder = LandmarkTrackBuilder(request, aspect)
        self._landmarker = landmarker
        self._unseen = UnseenHands() if set(request.parts) & set(HAND_PARTS) else None
        self.hands: tuple[DetectedHand, ...] = ()

    def __len__(self) -> int:
        return len(self._builder)

    def observe(self, time_s: float, rgb: Pixels) -> None:
        frame = look_for_hands(self._landmarker, rgb)
        self.hands = frame.hands
        if self._unseen is not None:
            self._unseen.note(rgb, frame.hands)
        self._builder.add(time_s, frame)

    def repeat(self, time_s: float) -> None:
        self._builder.repeat(time_s)

    def track(self, media: MediaInfo, warnings: tuple[str, ...] = ()) -> Track:
        hints = () if self._unseen is None else self._unseen.hints
        return self._builder.track(media, (*warnings, *warn_of_size(media), *hints))

    def forget(self) -> None:
        """Drop what was observed; what is followed stays followed."""
        self._builder.forget()
        if self._unseen is not None:
            self._unseen = UnseenHands()


class PictureObserver:
    """Pictures as models take them; `present` says whether the hand or face that the crop needs was there.

    hands: all of the last frame, where the crop needs one.
    """

    def __init__(
        self, request: PictureRequest, aspect: float, landmarker: Landmarker | None, make_sink: FrameSinkFactory
    ) -> None:
        self._request = request
        self._landmarker = landmarker
        self._followed = FollowedHand(aspect)
        self._make_sink = make_sink
        self._sink = make_sink(request)
        self.hands: tuple[DetectedHand, ...] = ()
        self._last: Picture | None = None
        self._times_s: list[float] = []
        self._present: list[bool] = []
        self._handedness: list[float] = []
        self._more_hands = False
        self._unseen = UnseenHands()

    def __len__(self) -> int:
        return len(self._times_s)

    def observe(self, time_s: float, rgb: Pixels) -> None:
        points, side = self._found(time_s, rgb)
        self._last = crop_picture(rgb, points, self._request)
        self._keep(time_s, side)

    def repeat(self, time_s: float) -> None:
        self._keep(time_s, self._handedness[-1])

    def track(self, media: MediaInfo, warnings: tuple[str, ...] = ()) -> Track:
        return Track(
            times_s=np.array(self._times_s, np.float64),
            values=self._sink.values(),
            present=np.array(self._present, bool),
            media=media,
            handedness=np.array(self._handedness, np.float32) if self._part == "hand" else None,
            warnings=(*warnings, *((MORE_HANDS,) if self._more_hands else ()), *self._unseen.hints),
            shows=self._part,
        )

    def forget(self) -> None:
        """Drop what was observed; what is followed stays followed."""
        self._sink = self._make_sink(self._request)
        self._times_s.clear()
        self._present.clear()
        self._handedness.clear()
        self._unseen = UnseenHands()

    @property
    def _part(self) -> PartName | None:
        return None if self._request.detector is None else self._request.detector.parts[0]

    def _keep(self, time_s: float, side: float) -> None:
        self._sink.add(self._last)
        self._times_s.append(time_s)
        self._present.append(self._last is not None)
        self._handedness.append(side)

    def _found(self, time_s: float, rgb: Pixels) -> tuple[PartLandmarks | None, float]:
        """The landmarks that the crop needs, and a hand's signed side; nothing where none are needed or there."""
        if self._landmarker is None or is_taken_whole(rgb, self._request.crop):
            return None, 0.0
        frame = look_for_hands(self._landmarker, rgb)
        self.hands = hands = frame.hands
        if self._part == "face":
            return frame.face, 0.0
        self._unseen.note(rgb, hands)
        self._more_hands |= len(hands) > 1
        hand = self._followed.choose(hands, time_s)
        return (None, 0.0) if hand is None else (hand.landmarks, signed_side(hand))


class FaceObserver:
    """Pictures of the largest faces, and where the largest is; `present` says whether there is any."""

    def __init__(self, request: FaceRequest, landmarker: Landmarker, sink: FrameSink) -> None:
        self._request = request
        self._landmarker = landmarker
        self._sink = sink
        self._last: list[tuple[FaceBox, Picture]] = []
        self._times_s: list[float] = []
        self._faces: list[int] = []
        self._boxes: list[tuple[float, ...]] = []
        self._most_faces = 0

    def __len__(self) -> int:
        return len(self._times_s)

    def observe(self, time_s: float, rgb: Pixels) -> None:
        boxes = () if is_a_face(rgb, self._request) else self._landmarker.detect(rgb).face_boxes
        self._most_faces = max(self._most_faces, len(boxes))
        self._last = crop_faces(rgb, boxes, self._request)
        self._keep(time_s)

    def repeat(self, time_s: float) -> None:
        self._keep(time_s)

    def track(self, media: MediaInfo, warnings: tuple[str, ...] = ()) -> Track:
        return Track(
            times_s=np.array(self._times_s, np.float64),
            values=self._sink.values(),
            present=np.array(self._faces, np.int64) > 0,
            media=media,
            warnings=(*warnings, *more_faces(self._most_faces, self._request.count)),
            shows="face",
            boxes=np.array(self._boxes, np.float32).reshape(len(self), 4),
            faces=np.array(self._faces, np.int64),
        )

    def _keep(self, time_s: float) -> None:
        self._sink.add(np.stack([picture for _, picture in self._last]) if self._last else None)
        self._times_s.append(time_s)
        self._faces.append(len(self._last))
        self._boxes.append(self._last[0][0].box if self._last else _NOWHERE)
