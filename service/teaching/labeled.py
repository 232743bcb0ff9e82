"""Landmarks that somebody has already, as labeled clips: each is asked as a .pose file of it would be."""

from pathlib import Path

import numpy as np

from service.evaluation.data import DataError, LabeledClip, LabeledData
from service.features.gathering import Features
from service.features.points import point_names
from service.features.pose import features_to_pose
from service.media.sampling import Rate
from service.teaching.body import landmark_section
from service.teaching.examples import PARTS, Example, ExampleError
from service.teaching.landmark_files import read_landmarks
from service.track import Track


def read_labeled(path: Path, fps: float | None = None, teacher: str | None = None) -> LabeledData:
    """The clips of a file of landmarks, of one teacher where one is named. DataError where there are none; OSError."""
    try:
        found = read_landmarks(path, fps)
        examples = found.examples if teacher is None else of_teacher(found.examples, teacher)
    except ExampleError as error:
        raise DataError(str(error)) from None
    clips = tuple(LabeledClip(one.origin, one.label, pose=track_to_pose(one.track)) for one in examples)
    return LabeledData(path.name, clips, found.left_out)


def of_teacher(examples: tuple[Example, ...], teacher: str) -> tuple[Example, ...]:
    """The examples that this person shows. ExampleError where there are none."""
    own = tuple(one for one in examples if one.teacher == teacher)
    if not own:
        names = ", ".join(sorted({one.teacher for one in examples if one.teacher})) or "nobody"
        raise ExampleError(f"Nothing in it is shown by {teacher}; it names {names}.")
    return own


def track_to_pose(track: Track) -> bytes:
    """Landmarks as a .pose file, a frame for each of theirs."""
    steps = np.diff(track.times_s)
    rate = 1 / float(np.median(steps)) if len(steps) else 1.0
    section = landmark_section().model_copy(update={"sampling": Rate(rate=rate)})
    return features_to_pose(Features(track, section, points=point_names(PARTS)))
