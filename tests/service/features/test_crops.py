"""Crops are the pictures that a model is given, as people see them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from service.features.crops import Crops
from service.media.resize import Resize
from service.observe.request import PictureRequest
from service.track import MediaInfo, Track

MEDIA = MediaInfo("video", "mp4", 64, 48, 1.0, 30.0)
RED = np.array([255, 0, 0], np.uint8)


def shown(color: str, values: np.ndarray, faces: list[int] | None = None) -> dict[str, np.ndarray]:
    request = PictureRequest(Resize(w=2, h=2), color=color)  # type: ignore[arg-type]
    present = np.array([False, True])
    counts = None if faces is None else np.array(faces, np.int64)
    track = Track(np.array([0.0, 1.5]), values, present, MEDIA, faces=counts)
    pictures = Crops(Path("out"), "clip", request).pictures(track)
    return {path.as_posix(): np.asarray(Image.open(io.BytesIO(content))) for path, content in pictures}


def test_only_what_shows_a_hand_is_written_in_true_colors() -> None:
    values = np.zeros((2, 2, 2, 3), np.uint8)
    values[1] = RED[::-1]
    (picture,) = shown("bgr", values).values()
    assert (picture == RED).all()
    assert list(shown("rgb", values)) == ["out/clip_00001500.png"]


def test_grey_pictures_and_fractions_of_levels_are_pictures_too() -> None:
    values = np.full((2, 2, 2, 1), 99.6, np.float32)
    (picture,) = shown("grey", values).values()
    assert picture.shape == (2, 2)
    assert (picture == 100).all()


def test_each_face_of_a_sample_has_its_number() -> None:
    values = np.zeros((2, 4, 2, 2, 3), np.uint8)
    assert list(shown("rgb", values, faces=[0, 2])) == ["out/clip_00001500_1.png", "out/clip_00001500_2.png"]
