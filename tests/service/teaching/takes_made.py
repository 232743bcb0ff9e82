"""Takes of made-up signs: a right hand on a way of its own, before a body that stands still."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from service.features.gathering import Features
from service.features.points import point_names
from service.features.tables import Gathered, features_to_npz
from service.teaching.body import landmark_section
from service.teaching.examples import PARTS, POINTS, Example, make_example, track_of
from service.track import Track

FRAMES, FPS = 24, 15.0

WAYS = {
    "up": lambda share: (0 * share, -1.4 * share),
    "side": lambda share: (1.4 * share, 0 * share),
    "circle": lambda share: (0.6 * np.sin(2 * np.pi * share), 0.6 * np.cos(2 * np.pi * share)),
    "still": lambda share: (0.2 + 0.0 * share, -0.2 + 0.0 * share),
}


def make_track(way: str, seed: int, *, frames: int = FRAMES, width: float = 0.3) -> Track:
    """Landmarks of one take; width: of the shoulders, in heights of the picture."""
    rng = np.random.default_rng(seed)
    values = np.full((frames, POINTS, 4), np.nan, np.float32)
    share = np.linspace(0, 1, frames)
    across, down = WAYS[way](share)
    hand = np.stack([np.linspace(0, 0.3, 21), np.linspace(0, -0.5, 21)], axis=-1) * width
    wrist = np.stack([0.4 + across * width, 0.5 + down * width], axis=-1)
    values[:, 21:42, :2] = wrist[:, None] + hand
    values[:, 21:42, 2:] = (0.0, 1.0)
    values[:, 42:, :2] = rng.uniform(0.3, 0.7, (33, 2))
    values[:, 42 + 11, :2], values[:, 42 + 12, :2] = (0.5 + width / 2, 0.4), (0.5 - width / 2, 0.4)
    values[:, 42:, 2:] = (0.0, 1.0)
    values[..., :2] += rng.normal(0, 0.004, (frames, POINTS, 2))
    return track_of(values, np.arange(frames) / FPS, 480, 480)


def make_takes(ways: tuple[str, ...], each: int, teacher: str = "Anna", first_seed: int = 0) -> list[Example]:
    """So many takes of each sign, at different distances and speeds."""
    return [
        make_example(
            way,
            make_track(way, first_seed + number, frames=FRAMES + 3 * number, width=0.3 + 0.02 * number),
            teacher=teacher,
        )
        for way in ways
        for number in range(each)
    ]


def write_landmarks(path: Path, takes: Sequence[Example]) -> None:
    """Takes as `features --out FILE.npz` writes landmarks."""
    section, points = landmark_section(), point_names(PARTS)
    gathered = [Gathered(one.id, one.label, Features(one.track, section, points=points)) for one in takes]
    path.write_bytes(features_to_npz(gathered, "pipeline:taught"))
