"""Draw the kinematic hand's ways of showing each sign: `python -m tools.train.draw letters|digits --out FOLDER`.

One picture a sign, one row a way, as a camera in front of the signer sees a right hand (unmirrored). The thumb is red,
then index, middle, ring and little finger in orange, green, blue and violet. Needs the service's environment.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .hand import Array, projected
from .letters import DIGITS, LETTERS, draw_angles, points_of
from .shapes import Way

SIDE = 120
COLORS = ((60, 60, 230), (0, 140, 255), (60, 170, 60), (220, 120, 30), (200, 60, 160))
PALM = (0, 5, 9, 13, 17, 0)
Picture = NDArray[np.uint8]


def drawn(points: Array, side: int = SIDE) -> Picture:
    """One hand, 21 × 2 (y down), as a picture of `side` × `side` pixels."""
    low, high = points.min(axis=0), points.max(axis=0)
    places = ((points - (low + high) / 2) / (high - low).max() * 0.82 * side + side / 2).astype(int)
    picture: Picture = np.full((side, side, 3), 255, np.uint8)
    cv2.polylines(picture, [places[list(PALM)].reshape(-1, 1, 2)], False, (160, 160, 160), 1, cv2.LINE_AA)
    for finger, color in enumerate(COLORS):
        chain = [0] * (finger == 0) + [1 + 4 * finger + joint for joint in range(4)]
        cv2.polylines(picture, [places[chain].reshape(-1, 1, 2)], False, color, 2, cv2.LINE_AA)
        cv2.circle(picture, places[chain[-1]].tolist(), 3, color, -1, cv2.LINE_AA)
    return picture


def sheet(ways: tuple[Way, ...], each: int, rng: np.random.Generator) -> Picture:
    """A row of `each` hands for every way, with its codes."""
    rows = []
    for way in ways:
        hands = projected(points_of(draw_angles((way,), each, rng), rng), np.full(each, 8.0))
        row = np.concatenate([drawn(hand) for hand in hands], axis=1)
        cv2.putText(row, f"{way.fingers} {way.thumb}", (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1)
        rows.append(row)
    return np.concatenate(rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.train.draw", description=__doc__)
    parser.add_argument("kind", choices=("letters", "digits"))
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--each", type=int, default=6, help="hands a way")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(1)
    for sign, ways in (LETTERS if asked.kind == "letters" else DIGITS).items():
        cv2.imwrite(str(asked.out / f"{sign}.png"), sheet(ways, asked.each, rng))


if __name__ == "__main__":
    main()
