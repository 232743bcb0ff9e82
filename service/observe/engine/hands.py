"""Hands as MediaPipe's Hands finds them, decision for decision, behind the Landmarker protocol."""

from service.media.upright import Pixels
from service.observe.engine.detector import palm_detector
from service.observe.engine.hand import HandReader, HandSighting, region_from_palm
from service.observe.engine.region import Region, whole_picture
from service.observe.landmarker import DetectedHand, LandmarkFrame
from service.observe.request import LandmarkRequest
from service.observe.same_hand import remove_duplicates
from service.track import Side

_SAME_REGION = 0.5


class FaithfulHands:
    """Palms are looked for while a hand is missing; a hand that is there is looked for where it was."""

    def __init__(self, request: LandmarkRequest) -> None:
        self._request = request
        self._palms = palm_detector(request.complexity)
        self._reader = HandReader(request.complexity)
        self._regions: list[Region] = []

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        regions = self._found(rgb) if len(self._regions) < self._request.max_hands else []
        for tracked in self._regions:
            regions = [region for region in regions if region.overlap(tracked) <= _SAME_REGION]
            regions.append(tracked)
        sightings = self._reader.read(rgb, regions)
        seen = [one for one in sightings if one.presence > self._request.min_tracking_confidence]
        self._regions = [one.next_region for one in seen]
        return hands_frame(seen, rgb, self._request)

    def reset(self) -> None:
        self._regions = []

    def close(self) -> None:
        """Nothing is held: networks belong to the process."""

    def _found(self, rgb: Pixels) -> list[Region]:
        palms = self._palms.detect(rgb, whole_picture(rgb), self._request.min_detection_confidence)
        regions: list[Region] = []
        for region in map(region_from_palm, palms[: self._request.max_hands]):
            regions = [other for other in regions if other.overlap(region) <= _SAME_REGION]
            regions.append(region)
        return regions


def hands_frame(sightings: list[HandSighting], rgb: Pixels, request: LandmarkRequest) -> LandmarkFrame:
    """The hands of a frame, each once, named by the person's own side."""
    height, width = rgb.shape[:2]
    return LandmarkFrame(
        hands=remove_duplicates(
            DetectedHand(own_side(one.left, request.selfie), max(one.left, 1 - one.left), one.landmarks(width, height))
            for one in sightings
        )
    )


def own_side(left: float, selfie: bool) -> Side:
    """The network names sides as in a selfie: on a picture that is not mirrored its left is the person's right."""
    return "left" if (left > 0.5) == selfie else "right"
