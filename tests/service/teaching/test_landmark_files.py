from pathlib import Path

import numpy as np
import pytest

from service.features.gathering import Features
from service.features.points import point_names
from service.features.tables import Gathered, features_to_npz
from service.teaching.body import landmark_section
from service.teaching.examples import NOTHING, PARTS, ExampleError
from service.teaching.landmark_files import LandmarkFile, read_landmarks

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


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(_packed(path)) as file:
        return dict(file)


def _read(path: Path, arrays: dict[str, np.ndarray]) -> LandmarkFile:
    with path.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return read_landmarks(path)


def test_zeros_where_an_author_found_no_hand_are_no_hand(tmp_path: Path) -> None:
    path = tmp_path / "words.npz"
    arrays = _arrays(path)
    arrays["hands"] = np.nan_to_num(arrays["hands"])
    (one, _) = _read(path, arrays).examples
    assert np.isnan(one.track.part("left_hand")).all()
    assert not np.isnan(one.track.part("right_hand")).any()


def test_labels_and_persons_may_be_texts(tmp_path: Path) -> None:
    path = tmp_path / "words.npz"
    arrays = _arrays(path)
    arrays["label"], arrays["person"] = np.array(["up", "idle"]), np.array(["Anna", "Ben"])
    del arrays["labels"], arrays["persons"]
    found = _read(path, arrays).examples
    assert [(one.label, one.teacher) for one in found] == [("up", "Anna"), (NOTHING, "Ben")]


@pytest.mark.parametrize("name", ["hands", "x"])
def test_one_hand_alone_stands_on_its_side_without_a_body(tmp_path: Path, name: str) -> None:
    path = tmp_path / "letters.npz"
    arrays = _arrays(path)
    hand = arrays.pop("hands")[:, 1]
    frames = len(hand) // 2
    hand[frames:] = hand[:frames]
    del arrays["pose"]
    found = _read(path, {**arrays, name: hand, "labels": np.array(["A", "B"]), "flip": np.array([0, 1])}).examples
    sides = [[bool(np.isfinite(one.track.part(part)).all()) for part in ("left_hand", "right_hand")] for one in found]
    assert sides == [[False, True], [True, False]]
    assert all(np.isnan(one.track.part("pose")).all() for one in found)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"label": np.array([1, 2])}, "label goes from 1 to 2, and labels has 2"),
        ({"label": np.array([1, -1])}, "label goes from -1 to 1"),
        ({"offsets": np.array([0, 24])}, "2 clips need 3"),
        ({"offsets": np.array([0, 24, 999])}, "offsets do not rise"),
        ({"pose": np.zeros((3, 33, 4))}, "pose is 3 × 33 × 4"),
        ({"hands": np.zeros((48, 2, 20, 3))}, "hands are 48 × 2 × 20 × 3"),
    ],
)
def test_arrays_that_contradict_each_other_are_said(tmp_path: Path, change: dict[str, np.ndarray], said: str) -> None:
    path = tmp_path / "words.npz"
    arrays = _arrays(path)
    with pytest.raises(ExampleError, match=said):
        _read(path, {**arrays, **change})
