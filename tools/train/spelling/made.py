"""What a stored version reads of a hand that is made, not filmed: letters made twice, and letters that are held.

    python -m tools.train.spelling.made model_store/asl-spelling/3

Prints JSON: of each way of the hand, what is read of each letter.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from tools.train.data import FRAME_S
from tools.train.hand import Array, projected
from tools.train.letters import LETTERS
from tools.train.poses import made_shelf
from tools.train.spelling.measure import Reader

HOLD_S = 0.6
PLAIN = "ABCFILOUVWY"
"""Letters that this hand shows as everybody does."""
WAYS = {
    "slid": [(0.2 * step, 0.0) for step in range(1, 5)],
    "bounced": [(0.0, -0.25), (0.0, -0.5), (0.0, -0.25), (0.0, 0.0)],
    "held": [(0.0, 0.0)] * 8,
    "drifting": [(0.008 * step, 0.0) for step in range(1, 31)],
}
"""Where the hand is, frame by frame, in palm lengths, between two holds; the first two make a letter twice."""


def shown(pose: Array, way: list[tuple[float, float]]) -> Array:
    """A pose that is held, carried along the way, and held again."""
    held = round(HOLD_S / FRAME_S)
    places = np.array([(0.0, 0.0)] * held + way + [way[-1]] * held)
    noise = np.random.default_rng(3).normal(0, 0.008, (len(places), 21, 2))
    return np.asarray(pose + places[:, None] + noise)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.train.spelling.made", description=__doc__)
    parser.add_argument("model", type=Path, help="folder of a version")
    reader = Reader(parser.parse_args().model)
    shelf = made_shelf(LETTERS, 1, np.random.default_rng(7))
    poses = {name: projected(points, np.array([8.0]))[0] for name, points in shelf.hands.items()}
    read = {
        name: {letter: "".join(one.label for one in reader.segments(shown(poses[letter], way))) for letter in PLAIN}
        for name, way in WAYS.items()
    }
    print(json.dumps(read))


if __name__ == "__main__":
    main()
