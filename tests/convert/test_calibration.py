"""Folders of pictures and arrays become clips of the graph's shape; what cannot be read is named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from convert.calibration import ClipShape, read_folder
from convert.errors import CallError

CLIP = ClipShape(frames=4, side=40, crop=32, duration_s=2.0)
PICTURE = ClipShape(frames=0, side=32, crop=32, duration_s=0.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    values = np.zeros((60, 80, 3), np.uint8)
    values[..., 0] = 200
    (tmp_path / "class_a").mkdir()
    Image.fromarray(values).save(tmp_path / "class_a" / "red.png")
    np.save(tmp_path / "clips.npy", np.ones((2, 3, 4, 32, 32), np.float32))
    (tmp_path / "notes.txt").write_text("no clip")
    return tmp_path


def test_arrays_and_pictures_become_clips_and_the_rest_is_named(folder: Path) -> None:
    found = read_folder(folder, CLIP)
    assert [clip.shape for clip in found.clips] == [(1, 3, 4, 32, 32)] * 3
    assert found.clips[0][0, :, 0, 16, 16].tolist() == [200, 0, 0]
    assert list(found.left_out) == ["notes.txt"]


def test_a_picture_network_gets_pictures(folder: Path) -> None:
    found = read_folder(folder, PICTURE)
    assert [clip.shape for clip in found.clips] == [(1, 3, 32, 32)]
    assert "the graph takes" in found.left_out["clips.npy"]


def test_a_videos_frames_are_spread_over_its_window(testdata: Path) -> None:
    found = read_folder(testdata / "videos" / "noface", CLIP)
    assert [clip.shape for clip in found.clips] == [(1, 3, 4, 32, 32)] * len(found.clips)
    assert np.abs(np.diff(found.clips[0], axis=2)).max() > 0


def test_a_folder_without_clips_is_a_wrong_call(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no clip")
    with pytest.raises(CallError, match="holds no clip"):
        read_folder(tmp_path, CLIP)
    with pytest.raises(CallError, match="no folder"):
        read_folder(tmp_path / "none", CLIP)
