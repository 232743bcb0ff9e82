"""The same hand found twice: video-mode Hands often gives one hand as two."""

from collections.abc import Iterable

import numpy as np

from service.observe.landmarker import DetectedHand, PartLandmarks

MOST_OVERLAP = 0.4  # measured: doubles 0.4 to 1, two hands below 0.4 unless one hides the other


def remove_duplicates(hands: Iterable[DetectedHand]) -> tuple[DetectedHand, ...]:
    """The hands, most confident first, without those whose boxes lie on a more confident one's.

    The sides do not matter: they often disagree about one and the same hand.
    """
    kept: list[DetectedHand] = []
    for hand in sorted(hands, key=lambda hand: -hand.confidence):
        if all(box_overlap(hand.landmarks, other.landmarks) < MOST_OVERLAP for other in kept):
            kept.append(hand)
    return tuple(kept)


def box_overlap(first: PartLandmarks, second: PartLandmarks) -> float:
    """Shared area of the boxes around two hands over the area of both together, 0 to 1."""
    least = np.stack([first[:, :2].min(axis=0), second[:, :2].min(axis=0)])
    most = np.stack([first[:, :2].max(axis=0), second[:, :2].max(axis=0)])
    shared = float(np.prod(np.clip(most.min(axis=0) - least.max(axis=0), 0, None)))
    together = float(np.prod(most - least, axis=1).sum()) - shared
    return shared / together if together > 0 else 1.0
