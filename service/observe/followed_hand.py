"""One hand as one track through a medium, as models of one hand need it."""

from collections.abc import Sequence

import numpy as np

from service.observe.landmarker import DetectedHand

LOST_AFTER_S = 0.5
REACH_IN_HANDS = 2.5  # measured: one hand moves 2.2 of its sizes at most between two sightings
_CONFIDENCE_STEPS = 100


class FollowedHand:
    """Begins with the most confident hand (ties: the larger) and follows the nearest wrist.

    A hand farther away than REACH_IN_HANDS sizes of the last one seen is another hand; another is taken up only
    after LOST_AFTER_S without the first.
    """

    def __init__(self, aspect: float) -> None:
        self._scale = np.array([aspect, 1.0])
        self._wrist = np.zeros(2, np.float32)
        self._reach = 0.0
        self._seen_s = -np.inf

    def choose(self, hands: Sequence[DetectedHand], time_s: float) -> DetectedHand | None:
        """The followed hand among those of the frame at time_s, None where it is not there."""
        if not hands:
            return None
        if time_s - self._seen_s < LOST_AFTER_S:
            hand = min(hands, key=self._distance)
            if self._distance(hand) > self._reach:
                return None
        else:
            hand = max(hands, key=lambda hand: (round(hand.confidence * _CONFIDENCE_STEPS), self._size(hand)))
        self._wrist = hand.landmarks[0, :2]
        self._reach = REACH_IN_HANDS * self._size(hand)
        self._seen_s = time_s
        return hand

    def _distance(self, hand: DetectedHand) -> float:
        return float(np.linalg.norm((hand.landmarks[0, :2] - self._wrist) * self._scale))

    def _size(self, hand: DetectedHand) -> float:
        """The longer side of the box around the hand, in heights of the picture."""
        return float((np.ptp(hand.landmarks[:, :2], axis=0) * self._scale).max())
