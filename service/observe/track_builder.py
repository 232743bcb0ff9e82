"""LandmarkTrackBuilder: collects the observations of one medium for its Track."""

import numpy as np

from service.observe.followed_hand import FollowedHand
from service.observe.landmarker import DetectedHand, LandmarkFrame
from service.observe.request import LandmarkRequest
from service.track import PART_POINTS, BoolArray, FloatArray, MediaInfo, PartName, Track

MORE_HANDS = "More than one hand is seen; the first is followed."


class LandmarkTrackBuilder:
    """Collects frame after frame; `track` gives what was asked for."""

    def __init__(self, request: LandmarkRequest, aspect: float) -> None:
        self._request = request
        self._points = sum(PART_POINTS[part] for part in request.parts)
        self._times_s: list[float] = []
        self._rows: list[FloatArray] = []
        self._handedness: list[float] = []
        self._followed = FollowedHand(aspect) if "hand" in request.parts else None
        self._more_hands = False
        self._most_faces = 0

    def __len__(self) -> int:
        return len(self._times_s)

    def add(self, time_s: float, frame: LandmarkFrame) -> None:
        """One more observation."""
        hand = self._follow(frame, time_s)
        self._most_faces = max(self._most_faces, len(frame.faces))
        row = np.full((self._points, 4), np.nan, np.float32)
        start = 0
        faces = iter(frame.faces)
        for part in self._request.parts:
            stop = start + PART_POINTS[part]
            if part == "face":
                found = next(faces, None)
            else:
                found = hand.landmarks if part == "hand" and hand is not None else _part(frame, part)
            if found is not None:
                row[start:stop] = found
            start = stop
        self._times_s.append(time_s)
        self._rows.append(row)

    def repeat(self, time_s: float) -> None:
        """The last observation once more, at a later time."""
        self._times_s.append(time_s)
        self._rows.append(self._rows[-1])
        if self._handedness:
            self._handedness.append(self._handedness[-1])

    def track(self, media: MediaInfo, warnings: tuple[str, ...] = ()) -> Track:
        """All that was collected."""
        values = np.stack(self._rows) if self._rows else np.zeros((0, self._points, 4), np.float32)
        return landmark_track(
            times_s=np.array(self._times_s, np.float64),
            values=values,
            parts=self._request.parts,
            handedness=None if self._followed is None else np.array(self._handedness, np.float32),
            media=media,
            warnings=(*warnings, *((MORE_HANDS,) if self._more_hands else ()), *self._more_faces),
        )

    def forget(self) -> None:
        """Drop what was collected; the hand that is followed stays followed."""
        self._times_s.clear()
        self._rows.clear()
        self._handedness.clear()

    @property
    def _more_faces(self) -> tuple[str, ...]:
        taken = self._request.parts.count("face")
        return more_faces(self._most_faces, taken) if taken else ()

    def _follow(self, frame: LandmarkFrame, time_s: float) -> DetectedHand | None:
        if self._followed is None:
            return None
        self._more_hands |= len(frame.hands) > 1
        hand = self._followed.choose(frame.hands, time_s)
        self._handedness.append(signed_side(hand))
        return hand


def landmark_track(
    times_s: np.ndarray[tuple[int], np.dtype[np.float64]],
    values: FloatArray,
    parts: tuple[PartName, ...],
    handedness: FloatArray | None,
    media: MediaInfo,
    warnings: tuple[str, ...],
) -> Track:
    """A Track of landmarks; an observation is present where a hand is, or any part where no hand was asked for."""
    hands = tuple(part for part in parts if part not in ("pose", "face"))
    return Track(
        times_s=times_s,
        values=values,
        present=_any_of(values, parts, hands or parts),
        media=media,
        parts=parts,
        handedness=handedness,
        warnings=warnings,
    )


def _any_of(values: FloatArray, parts: tuple[PartName, ...], wanted: tuple[PartName, ...]) -> BoolArray:
    seen = np.zeros(len(values), dtype=bool)
    start = 0
    for part in parts:
        if part in wanted:
            seen |= ~np.isnan(values[:, start, 0])
        start += PART_POINTS[part]
    return seen


def _part(frame: LandmarkFrame, part: PartName) -> FloatArray | None:
    if part == "pose":
        return frame.pose
    if part == "hand":
        return None
    hand = assign_sides(frame.hands).get(part)
    return None if hand is None else hand.landmarks


def more_faces(seen: int, taken: int) -> tuple[str, ...]:
    """The warning where one frame showed more faces than are looked at."""
    if seen <= taken:
        return ()
    if taken == 1:
        return ("More than one face is seen; the largest is looked at.",)
    return (f"More than {taken} faces are seen; the {taken} largest are looked at.",)


def assign_sides(hands: tuple[DetectedHand, ...]) -> dict[PartName, DetectedHand]:
    """Hands, most confident first, as left and right; a second hand of the same name is taken for the other."""
    placed: dict[PartName, DetectedHand] = {}
    for hand in hands:
        own: PartName = "left_hand" if hand.side == "left" else "right_hand"
        other: PartName = "right_hand" if hand.side == "left" else "left_hand"
        placed.setdefault(own if own not in placed else other, hand)
    return placed


def signed_side(hand: DetectedHand | None) -> float:
    """Confidence of the side, positive for the person's own right; 0 without a hand."""
    if hand is None:
        return 0.0
    return hand.confidence if hand.side == "right" else -hand.confidence
