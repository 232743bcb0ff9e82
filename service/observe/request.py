"""What a worker is asked to observe on each sampled frame; plain values that cross a process border."""

from dataclasses import dataclass
from typing import Literal

from service.track import HAND_PARTS, PartName


@dataclass(frozen=True, slots=True)
class LandmarkRequest:
    """Landmarks of the parts, in this order, by MediaPipe Hands or Holistic.

    max_hands: for Hands, how many to ask for: 1 or 2. complexity: Hands 0 or 1; Holistic has only 1.
    selfie: the author flipped each frame before landmarks (a mirrored webcam loop): coordinates are of the flipped
    frame. Sides of Hands are always the person's own. Holistic's parts are those of the body that it sees, so with
    selfie they are the mirrored body's, pose points and hands alike: what the author's model was trained on.
    """

    source: Literal["hands", "holistic"]
    parts: tuple[PartName, ...]
    max_hands: int = 1
    complexity: int = 1
    min_detection_confidence: float = 0.5
    min_tracking_confidence: float = 0.5
    selfie: bool = False

    @property
    def needs_hand(self) -> bool:
        return any(part in HAND_PARTS for part in self.parts)


ObserverRequest = LandmarkRequest
