"""`.pose` files (pose-format): landmarks as other tools of the field read them, and our own reader."""

import io
from typing import Final

import numpy as np

from service.features.gathering import Features
from service.features.points import POINTS, POSE_BONES
from service.media.sampling import Rate, Uniform, resolve_sampling
from service.observe.pose_file import COMPONENTS, MIRRORED_POSE, OTHER_SIDE
from service.observe.request import LandmarkRequest
from service.track import HAND_BONES, FloatArray, PartName, TimeArray, Track

VERSION: Final = 0.2
STILL_FPS: Final = 1.0
_LEAST_CONFIDENCE: Final = 1e-6
"""A point with confidence 0 is missing, so one that is there has at least this."""

_COLORS: Final[dict[PartName, tuple[int, int, int]]] = {
    "pose": (60, 60, 60),
    "left_hand": (31, 119, 180),
    "right_hand": (214, 39, 40),
    "face": (127, 127, 127),
}
_BONES: Final[dict[PartName, tuple[tuple[int, int], ...]]] = {
    "pose": POSE_BONES,
    "left_hand": HAND_BONES,
    "right_hand": HAND_BONES,
    "face": (),
}


def features_to_pose(features: Features) -> bytes:
    """The landmarks as a .pose file of one person; ValueError where there are none.

    A frame for each point of the sampling's grid, from the medium's start; what was not seen has confidence 0. Points
    are those of the picture as it was sent, unflipped, and sides are the person's own, so that a model reads the same
    from this file as from the medium (to float32).
    """
    from pose_format import Pose  # noqa: PLC0415 - only where a .pose file is written
    from pose_format.numpy import NumPyPoseBody  # noqa: PLC0415
    from pose_format.pose_header import (  # noqa: PLC0415
        PoseHeader,
        PoseHeaderComponent,
        PoseHeaderDimensions,
    )

    track, request = features.landmark_track, features.request
    if track is None or not isinstance(request, LandmarkRequest):
        raise ValueError("only landmarks are written as .pose")
    fps = _frames_per_second(features, track)
    places, frames = _places(track, fps)
    parts = _own_parts(track, request)
    media = track.media
    scale = np.array([media.width, media.height, media.width], np.float32)
    components, blocks, sure = [], [], []
    for part, landmarks, confidence in parts:
        points, bones = POINTS[part], _BONES[part]
        colors = [_COLORS[part]] * max(len(bones), 1)
        components.append(PoseHeaderComponent(COMPONENTS[part], list(points), list(bones), colors, "XYZC"))
        block = np.zeros((frames, len(points), 3), np.float32)
        block[places] = np.nan_to_num(landmarks[..., :3] * scale, nan=0.0)
        blocks.append(block)
        known = np.zeros((frames, len(points)), np.float32)
        known[places] = np.where(np.isnan(landmarks[..., 0]), 0.0, np.maximum(confidence, _LEAST_CONFIDENCE))
        sure.append(known)
    header = PoseHeader(VERSION, PoseHeaderDimensions(media.width, media.height), components)
    body = NumPyPoseBody(fps, np.concatenate(blocks, axis=1)[:, None], np.concatenate(sure, axis=1)[:, None])
    out = io.BytesIO()
    Pose(header, body).write(out)
    return out.getvalue()


def _frames_per_second(features: Features, track: Track) -> float:
    if track.media.duration is None:
        return STILL_FPS
    asked = features.preprocessing.sampling
    if isinstance(asked, Uniform):
        raise TypeError("frames that are spread over a window have no rate")
    sampling, _ = resolve_sampling(asked, track.media.frame_rate)
    if isinstance(sampling, Rate):
        return sampling.rate
    return (track.media.frame_rate or sampling.fps) / sampling.every


def _places(track: Track, fps: float) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], int]:
    """In which frame each observation stands, and how many frames there are."""
    places = _on_grid(track.times_s, fps)
    if len(places) > 1 and np.any(np.diff(places) < 1):  # a rate that varies: one after the other
        places = np.arange(len(track))
    lasts = 0 if track.media.duration is None else int(track.media.duration * fps + 1e-6)
    return places, max(int(places[-1]) + 1, lasts)


def _on_grid(times_s: TimeArray, fps: float) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.rint(times_s * fps).astype(np.intp)


def _own_parts(track: Track, request: LandmarkRequest) -> list[tuple[PartName, FloatArray, FloatArray]]:
    """Each component: T × P × 4 landmarks of the unflipped picture and T × P confidences, under its own side's name."""
    mirrored_body = request.selfie and request.source == "holistic"
    found: list[tuple[PartName, FloatArray, FloatArray]] = []
    for part in dict.fromkeys(track.parts):
        landmarks = track.part(part).copy()
        if request.selfie:
            landmarks[..., 0] = 1 - landmarks[..., 0]
        if part == "hand":
            found += _by_side(landmarks, track)
            continue
        if part == "pose" and mirrored_body:
            landmarks = landmarks[:, MIRRORED_POSE]
        confidence = landmarks[..., 3] if part == "pose" else np.ones(landmarks.shape[:2], np.float32)
        found.append((OTHER_SIDE.get(part, part) if mirrored_body else part, landmarks, confidence))
    return found


def _by_side(hand: FloatArray, track: Track) -> list[tuple[PartName, FloatArray, FloatArray]]:
    """The followed hand, in each frame under the side that it was seen with."""
    scores = np.zeros(len(track), np.float32) if track.handedness is None else track.handedness
    confidence = np.repeat(np.abs(scores)[:, None], hand.shape[1], axis=1)
    sides: tuple[tuple[PartName, np.ndarray[tuple[int], np.dtype[np.bool_]]], ...] = (
        ("left_hand", scores < 0),
        ("right_hand", scores >= 0),
    )
    return [(part, np.where(here[:, None, None], hand, np.float32(np.nan)), confidence) for part, here in sides]
