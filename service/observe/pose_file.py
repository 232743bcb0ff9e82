"""`.pose` files (pose-format): landmarks that somebody else has found, as a Track."""

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from service.errors import SignError
from service.media.medium import SHORTER_PART, too_long, too_many_frames
from service.media.sampling import Sampling, resolve_sampling, sample
from service.observe.call import ObserveCall, ObserveResult, Stopwatch, nothing_in
from service.observe.followed_hand import FollowedHand
from service.observe.landmarker import DetectedHand
from service.observe.request import LandmarkRequest
from service.observe.track_builder import MORE_HANDS, landmark_track
from service.track import PART_POINTS, BoolArray, FloatArray, MediaInfo, PartName, Side, TimeArray

COMPONENTS: dict[PartName, str] = {
    "pose": "POSE_LANDMARKS",
    "face": "FACE_LANDMARKS",
    "left_hand": "LEFT_HAND_LANDMARKS",
    "right_hand": "RIGHT_HAND_LANDMARKS",
}
OTHER_SIDE: dict[PartName, PartName] = {"left_hand": "right_hand", "right_hand": "left_hand"}
# The pose's points by the names of the mirrored body: eyes, ears, mouth, then arms and legs in pairs.
MIRRORED_POSE = (0, 4, 5, 6, 1, 2, 3, 8, 7, 10, 9, *(at + 1 if at % 2 else at - 1 for at in range(11, 33)))
_BROKEN = (ValueError, TypeError, IndexError, OverflowError, ZeroDivisionError, NotImplementedError, struct.error)


@dataclass(frozen=True, slots=True)
class _PoseFrame:
    """One frame of the file, by its place in it."""

    index: int
    time_s: float
    until_s: float


@dataclass(frozen=True, slots=True)
class _PoseFile:
    """The first person's landmarks by part, T × P × 4 in fractions, NaN where missing; the hands' confidence, T."""

    parts: dict[PartName, FloatArray]
    confidence: dict[PartName, FloatArray]
    width: int
    height: int
    fps: float
    frames: int

    @property
    def media(self) -> MediaInfo:
        """What the file says of itself; a single frame has no duration, like a picture."""
        moving = self.frames > 1
        rate, duration = (self.fps, self.frames / self.fps) if moving else (None, None)
        return MediaInfo("landmarks", "pose", self.width, self.height, duration, rate)


def observe_pose_file(call: ObserveCall, request: LandmarkRequest, asked: Sampling) -> ObserveResult:
    """The sampled frames of the asked part of a `.pose` file.

    Raises SignError: media-corrupt, media-no-frames, media-too-long, too-many-frames, window-empty.
    """
    watch = Stopwatch()
    file = _read(Path(call.medium.path).read_bytes())
    missing = not any(part in file.parts or part == "hand" for part in request.parts)
    if missing or (request.parts == ("hand",) and not OTHER_SIDE.keys() & file.parts.keys()):
        wanted = ", ".join(request.parts)
        raise SignError("media-wrong-kind", f"The model needs {wanted}; the file holds none of it.")
    chosen, times_s, warning = _sampled(file, call, asked)
    if not len(chosen):
        return nothing_in(call, file.media)
    values, handedness, more = _values(file, chosen, times_s, request, call.flipped)
    warnings = tuple(sentence for sentence in (warning, MORE_HANDS if more else None) if sentence)
    track = landmark_track(times_s, values, request.parts, handedness, file.media, warnings)
    at_end = call.end_s >= (file.media.duration or 0.0)
    return ObserveResult(track, decode_s=watch.lap(), decoded=file.frames, observed=len(track), at_end=at_end)


def _read(data: bytes) -> _PoseFile:
    from pose_format import Pose  # noqa: PLC0415 - only where a .pose file comes in
    from pose_format.pose_header import PoseHeaderCache  # noqa: PLC0415

    PoseHeaderCache.clear_cache()
    try:
        pose = Pose.read(data)
        coordinates = np.ma.getdata(pose.body.data).astype(np.float32)
        confidence = np.asarray(pose.body.confidence, np.float32)
        masked: BoolArray = np.all(np.ma.getmaskarray(pose.body.data), axis=-1)
    except _BROKEN as error:
        raise SignError("media-corrupt", "The file begins as .pose landmarks, but is damaged or cut off.") from error
    frames, people = coordinates.shape[:2]
    fps, width, height = float(pose.body.fps), int(pose.header.dimensions.width), int(pose.header.dimensions.height)
    if frames == 0 or people == 0:  # without people no bytes stand behind the count of frames
        raise SignError("media-no-frames", f"The .pose file holds {frames} frames of {people} people.")
    if frames > 1 and not 0 < fps < float("inf"):
        raise SignError("media-corrupt", f"The .pose file says that it has {fps:g} frames per second.")
    parts: dict[PartName, FloatArray] = {}
    sure: dict[PartName, FloatArray] = {}
    start = 0
    for component in pose.header.components:
        stop = start + len(component.points)
        for part in (part for part, name in COMPONENTS.items() if name == component.name):
            points = slice(start, start + PART_POINTS[part])
            _check_points(part, len(component.points))
            known = np.where(masked[:, 0, points], 0.0, confidence[:, 0, points]).astype(np.float32)
            parts[part] = _landmarks(part, coordinates[:, 0, points], known, width, height)
            sure[part] = known.mean(axis=1)
        start = stop
    return _PoseFile(parts, sure, width, height, fps, frames)


def _check_points(part: PartName, count: int) -> None:
    # A refined face mesh has ten points of the irises more, after the others.
    if count != PART_POINTS[part] and not (part == "face" and count > PART_POINTS[part]):
        raise SignError(
            "media-corrupt", f"{COMPONENTS[part]} has {count} points in this file; {PART_POINTS[part]} are needed."
        )


def _landmarks(part: PartName, coordinates: FloatArray, known: FloatArray, width: int, height: int) -> FloatArray:
    """Fractions with visibility; hands and faces have visibility 0, as MediaPipe gives them."""
    found = np.zeros((*coordinates.shape[:2], 4), np.float32)
    found[..., 0] = coordinates[..., 0] / width
    found[..., 1] = coordinates[..., 1] / height
    if coordinates.shape[-1] > 2:
        found[..., 2] = np.nan_to_num(coordinates[..., 2], nan=0.0, posinf=0.0, neginf=0.0) / width
    if part == "pose":
        found[..., 3] = known
    found[(known == 0) | ~np.isfinite(found[..., :2]).all(axis=-1)] = np.nan
    return found


def _sampled(file: _PoseFile, call: ObserveCall, asked: Sampling) -> tuple[npt.NDArray[np.intp], TimeArray, str | None]:
    """Indices and times of the sampled frames of the asked part, and a warning about the sampling."""
    if file.frames == 1:
        return np.zeros(1, np.intp), np.zeros(1), None
    sampling, warning = resolve_sampling(asked, file.fps)
    lasts_s = file.frames / file.fps
    span_s = min(call.end_s, lasts_s) - call.start_s
    if span_s > call.limits.seconds:
        raise too_long(span_s, call.limits.seconds, SHORTER_PART)
    frames = (_PoseFrame(i, i / file.fps, (i + 1) / file.fps) for i in range(file.frames))
    chosen = [(time_s, frame.index) for time_s, frame in sample(frames, sampling, call.end_s) if time_s >= call.start_s]
    if len(chosen) > call.limits.frames:
        raise too_many_frames(len(chosen), call.limits.frames, SHORTER_PART)
    indices = np.array([index for _, index in chosen], np.intp)
    return indices, np.array([time_s for time_s, _ in chosen], np.float64), warning


def _values(
    file: _PoseFile, chosen: npt.NDArray[np.intp], times_s: TimeArray, request: LandmarkRequest, flipped: bool
) -> tuple[FloatArray, FloatArray | None, bool]:
    """T × P × 4 of the asked parts, the followed hand's signed side, and whether there were more hands."""
    mirrored_body = request.selfie and request.source == "holistic"
    blocks = []
    handedness: FloatArray | None = None
    more = False
    for place, part in enumerate(request.parts):
        if part == "hand":
            block, handedness, more = _followed(file, chosen, times_s)
        else:
            another = part in request.parts[:place]  # of another person, and only the first is read
            stored = None if another else file.parts.get(OTHER_SIDE.get(part, part) if mirrored_body else part)
            shape = (len(chosen), PART_POINTS[part], 4)
            block = np.full(shape, np.nan, np.float32) if stored is None else stored[chosen]
            if part == "pose" and mirrored_body:
                block = block[:, MIRRORED_POSE]
        blocks.append(block)
    values = np.concatenate(blocks, axis=1)
    if flipped:
        values[..., 0] = 1 - values[..., 0]
    return values, handedness, more


def _followed(file: _PoseFile, chosen: npt.NDArray[np.intp], times_s: TimeArray) -> tuple[FloatArray, FloatArray, bool]:
    """One hand through all frames: the one that is there, else as FollowedHand decides."""
    followed = FollowedHand(file.media.aspect)
    values = np.full((len(chosen), PART_POINTS["hand"], 4), np.nan, np.float32)
    handedness = np.zeros(len(chosen), np.float32)
    more = False
    sides: tuple[tuple[PartName, Side], ...] = (("left_hand", "left"), ("right_hand", "right"))
    for row, (index, time_s) in enumerate(zip(chosen, times_s, strict=True)):
        seen = [
            DetectedHand(side, float(file.confidence[part][index]), file.parts[part][index])
            for part, side in sides
            if part in file.parts and not np.isnan(file.parts[part][index]).any()
        ]
        more |= len(seen) > 1
        hand = followed.choose(seen, float(time_s))
        if hand is not None:
            values[row] = hand.landmarks
            handedness[row] = hand.confidence if hand.side == "right" else -hand.confidence
    return values, handedness, more
