from pathlib import Path

import numpy as np
import pytest

from service.features.gathering import Features
from service.features.points import point_names
from service.features.tables import Gathered, features_to_npz
from service.teaching.body import landmark_section
from service.teaching.examples import NOTHING, PARTS, ExampleError
from service.teaching.landmark_files import read_landmarks

from .takes_made import FPS, make_track


def _packed(path: Path) -> Path:
    """Two clips: one of `up` by Anna, and one of idle by Ben, in which there is no hand."""
    track = make_track("up", 1)
    frames = len(track)
    values = np.concatenate([track.values, track.values])
    hands = np.stack([values[:, :21, :3], values[:, 21:42, :3]], axis=1)
    hands[frames:] = np.nan
    np.savez(
        path, hands=hands, pose=values[:, 42:], offsets=np.array([0, frames, 2 * frames]), label=np.array([1, 0]),
        labels=np.array(["idle", "up"]), person=np.array([0, 1]), persons=np.array(["Anna", "Ben"]),
        aspect=np.array([1.0, 1.0]),
    )  # fmt: skip
    return path


def test_packed_frames_are_examples_by_person(tmp_path: Path) -> None:
    found = read_landmarks(_packed(tmp_path / "words.npz"))
    assert [(one.label, one.teacher) for one in found.examples] == [("up", "Anna"), (NOTHING, "Ben")]
    expected = make_track("up", 1)
    np.testing.assert_array_equal(found.examples[0].track.values[:, 21:42, :3], expected.values[:, 21:42, :3])
    assert found.examples[0].track.times_s[1] == pytest.approx(1 / FPS)
    assert found.examples[0].track.media.aspect == 1.0


def test_the_rate_of_packed_frames_is_what_the_caller_says(tmp_path: Path) -> None:
    found = read_landmarks(_packed(tmp_path / "words.npz"), fps=30)
    assert found.examples[0].track.times_s[3] == pytest.approx(0.1)


def test_a_clip_of_a_sign_without_hands_is_left_out_and_said(tmp_path: Path) -> None:
    path = _packed(tmp_path / "words.npz")
    with np.load(path) as file:
        arrays = dict(file)
    arrays["labels"] = np.array(["up", "up"])
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    found = read_landmarks(path)
    assert len(found.examples) == 1
    assert found.left_out == {"clip 1": "no hand was found in any of its frames."}


def test_what_features_writes_is_read(tmp_path: Path) -> None:
    track = make_track("side", 2)
    features = Features(track, landmark_section(), points=point_names(PARTS))
    path = tmp_path / "landmarks.npz"
    path.write_bytes(features_to_npz([Gathered("side/1.mp4", "side", features)], "pipeline:body"))
    (example,) = read_landmarks(path).examples
    assert (example.label, example.origin) == ("side", "side/1.mp4")
    np.testing.assert_array_equal(example.track.values, track.values)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text"])
def test_what_is_no_file_of_landmarks_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "landmarks.npz"
    path.write_bytes(content)
    with pytest.raises(ExampleError):
        read_landmarks(path)


def test_other_arrays_are_named(tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(ExampleError, match="holds x"):
        read_landmarks(tmp_path / "other.npz")
