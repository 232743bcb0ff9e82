"""Hands that MediaPipe loses: searched where they were last seen, expected where they are going, looked at twice.

MediaPipe looks for a lost hand in the whole picture, scaled to 192 pixels, and nowhere else: a hand that moves fast or
fills the picture is missed though anybody sees it. What is found more easily is more often no hand, so what is new has
to be seen a second time, from its own landmarks.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from service.media.upright import Pixels
from service.observe.engine.detector import palm_detector
from service.observe.engine.hand import HandReader, HandSighting, region_from_palm
from service.observe.engine.hands import hands_frame
from service.observe.engine.region import Border, Region, whole_picture
from service.observe.engine.view import View
from service.observe.landmarker import LandmarkFrame
from service.observe.request import LandmarkRequest
from service.observe.same_hand import MOST_OVERLAP, box_overlap

_EASIER = 0.6
"""What the request's thresholds are multiplied by: 0.5 becomes 0.3."""

_SEARCH_SIDES = 2.0
"""Sides of its last region, within which a hand that was just lost is searched."""

_SEARCHED_FRAMES = 6
_EVERY = 2
_EVERY_ALONE = 4
_EVERY_EMPTY = 3
"""Frames between two searches: while a hand is followed, where it has long been alone, and where none is."""

_EMPTY_AFTER = 15
"""Frames without a hand, after which a scene is empty; as often it is looked at closely."""

_ALONE_AFTER = 15
"""Frames with one hand of two, after which whoever signs is taken to use one."""

_SAME_REGION = 0.3
_MOST_APART = 0.25
"""Most that a hand's points may lie apart in the mean, of its size, between two looks at it."""

_CLEAR = 0.9
"""As sure as a hand of a first picture has to be, not to be looked at more closely."""

_NEW = 0.6
"""As sure as a hand that was not there has to be at a second look."""

_AS_A_HAND = 1.3
"""A picture's sides that are taken for a hand's region where the picture is nothing else."""

_NO_HAND = 0.1
_REMEMBERED_FRAMES = 3
_SAME_PLACE = 0.5
"""A region that showed no hand is not looked at again for a while: palms are found in knees, chins and cuffs."""

_LARGEST_CHANGE = 2.0
_FASTEST = 0.75
"""Most that a hand is expected to move in one frame, of its region's side."""

_TURN = math.radians(30)

_MOST_UNSEEN = 2
"""Frames in a row in which a hand whose region looks the same is taken to be as it was."""


@dataclass(frozen=True, slots=True)
class _Tracked:
    """A hand of the last frame, or one that was lost since. speed: pixels a frame; lost: for how many frames.

    again: whether it was seen in an earlier frame, too; view: what its region looked like when the network looked at
    it; unseen: for how many frames it has not, as nothing moved.
    """

    seen: HandSighting
    speed: tuple[float, float] = (0.0, 0.0)
    lost: int = 0
    again: bool = False
    view: View | None = None
    unseen: int = 0

    @property
    def expected(self) -> Region:
        """Where it is now if it went on as it did."""
        region = self.seen.next_region
        return replace(region, x=region.x + self.speed[0], y=region.y + self.speed[1])

    def followed_by(self, seen: HandSighting) -> "_Tracked":
        """The same hand in the next frame it is seen in."""
        before, after = self.seen.next_region, seen.next_region
        most = _FASTEST * after.size
        x, y = ((b - a) / (self.lost + 1) for a, b in ((before.x, after.x), (before.y, after.y)))
        return _Tracked(seen, (min(max(x, -most), most), min(max(y, -most), most)), again=True)

    def holds_still(self, rgb: Pixels) -> bool:
        """Whether this frame shows it as the last look at it did, and that was not long ago, nor the first."""
        if not self.again or self.unseen >= _MOST_UNSEEN or self.view is None:
            return False
        return self.view.unchanged(rgb)


@dataclass(frozen=True, slots=True)
class _Look:
    """A hand that was seen twice. sure: how present it was both times, less how far its points moved."""

    seen: HandSighting
    sure: float


class RobustHands:
    """One or two hands, each once, named by the person's own side."""

    def __init__(self, request: LandmarkRequest) -> None:
        self._request = request
        self._palms = palm_detector(request.complexity, Region.crop_quickly)
        self._reader = HandReader(request.complexity, Region.crop_quickly)
        self._palm_score = _EASIER * request.min_detection_confidence
        self._kept_presence = _EASIER * request.min_tracking_confidence
        self.reset()

    def reset(self) -> None:
        self._tracked: list[_Tracked] = []
        self._lost: list[_Tracked] = []
        self._no_hands: list[tuple[int, Region]] = []
        self._frame = 0
        self._empty = 0
        self._alone = 0

    def close(self) -> None:
        """Nothing is held: networks belong to the process."""

    def detect(self, rgb: Pixels) -> LandmarkFrame:
        found = self._followed(rgb)
        missing = self._request.max_hands - len(found)
        if missing > 0 and self._lost:
            found += self._searched(rgb, found)
            missing = self._request.max_hands - len(found)
        closely = not found and self._looks_closely
        if missing > 0 and (closely or self._looks_around(bool(found))):
            new = self._read_twice(rgb, self._regions(rgb, [whole_picture(rgb)], "black", found), found)
            if closely and (not new or new[0].sure < _CLEAR):
                new = self._looked_closely(rgb, new)
            found += [_Tracked(look.seen) for look in new[:missing]]
        self._tracked = [
            hand if hand.view else replace(hand, view=View.of(hand.seen.next_region, rgb)) for hand in found
        ]
        self._frame += 1
        self._empty = 0 if found else self._empty + 1
        self._alone = 0 if len(found) != 1 else self._alone + 1
        return hands_frame([hand.seen for hand in found], rgb, self._request)

    def _followed(self, rgb: Pixels) -> list[_Tracked]:
        """The last frame's hands where they are expected; those that are not there become lost ones."""
        found: list[_Tracked] = []
        moving: list[_Tracked] = []
        for hand in self._tracked:
            if hand.holds_still(rgb):
                found.append(replace(hand, speed=(0.0, 0.0), unseen=hand.unseen + 1))
            else:
                moving.append(hand)
        lost = [replace(hand, lost=hand.lost + 1) for hand in self._lost if hand.lost < _SEARCHED_FRAMES]
        sightings = self._reader.read(rgb, [hand.expected for hand in moving])
        for hand, seen in sorted(zip(moving, sightings, strict=True), key=lambda pair: -pair[1].presence):
            if not self._continues(hand, seen):
                lost.append(replace(hand, lost=1))
            elif not _among(seen, found):
                found.append(hand.followed_by(seen))
        self._lost = lost
        return found

    def _continues(self, hand: _Tracked, seen: HandSighting) -> bool:
        """Whether what is seen where a hand is expected is that hand; if hardly, it has to have kept its size."""
        change = seen.size / max(hand.seen.size, 1.0)
        if seen.presence > self._request.min_tracking_confidence:
            return True
        return seen.presence > self._kept_presence and 1 / _LARGEST_CHANGE < change < _LARGEST_CHANGE

    def _searched(self, rgb: Pixels, found: list[_Tracked]) -> list[_Tracked]:
        """Lost hands, each searched around where it was last seen."""
        again: list[_Tracked] = []
        still = []
        for hand in self._lost:
            if len(found) + len(again) >= self._request.max_hands:
                still.append(hand)
                continue
            around = replace(hand.seen.next_region, angle=0.0).scaled(_SEARCH_SIDES)
            regions = self._regions(rgb, [around], "edge", [*found, *again])
            seen = self._read_twice(rgb, regions[:1], [*found, *again], self._request.min_tracking_confidence)
            if seen:
                again.append(hand.followed_by(seen[0].seen))
            else:
                still.append(hand)
        self._lost = still
        return again

    @property
    def _looks_closely(self) -> bool:
        """Whether a hand may be there though no palm is found: in a first frame, and now and then in an empty scene."""
        return self._frame == 0 or (self._empty > 0 and self._empty % _EMPTY_AFTER == 0)

    def _looks_around(self, found: bool) -> bool:
        """Whether this frame is searched for hands that were not there."""
        if not found:
            return self._empty <= _EMPTY_AFTER or self._frame % _EVERY_EMPTY == 0
        return self._frame % (_EVERY if self._alone < _ALONE_AFTER else _EVERY_ALONE) == 0

    def _looked_closely(self, rgb: Pixels, found: list[_Look]) -> list[_Look]:
        """A hand that fills the picture, reaches beyond its border or lies aslant: the surest of several looks."""
        whole = whole_picture(rgb)
        turned = [replace(whole, angle=angle) for angle in (_TURN, -_TURN)]
        looks = found + self._read_twice(rgb, self._regions(rgb, [whole.scaled(2.0)], "edge", []), [])
        looks += self._read_twice(rgb, [whole.scaled(_AS_A_HAND)], [])
        if not looks:
            looks = self._read_twice(rgb, self._regions(rgb, turned, "black", []), [])
        if not looks:
            looks = self._read_twice(rgb, [region.scaled(_AS_A_HAND) for region in turned], [])
        return _distinct(looks, [])

    def _regions(self, rgb: Pixels, where: list[Region], border: Border, found: list[_Tracked]) -> list[Region]:
        """Regions of the palms there, the surest first, without those of hands that are already found."""
        palms = [palm for region in where for palm in self._palms.detect(rgb, region, self._palm_score, border)]
        palms.sort(key=lambda palm: -palm.score)
        regions: list[Region] = []
        known = [hand.seen.next_region for hand in found]
        self._no_hands = [(until, region) for until, region in self._no_hands if until > self._frame]
        for region in map(region_from_palm, palms):
            new = all(region.overlap(other) <= _SAME_REGION for other in [*known, *regions])
            if new and all(region.overlap(other) < _SAME_PLACE for _, other in self._no_hands):
                regions.append(region)
        return regions[: self._request.max_hands]

    def _read_twice(
        self, rgb: Pixels, regions: list[Region], found: list[_Tracked], clear: float = _CLEAR
    ) -> list[_Look]:
        """Hands in the regions that are hands at a second look, too, and not among those that are found.

        In a video, what is clearly a hand is taken at once: the next frame looks at it again.
        """
        read = self._reader.read(rgb, regions)
        until = self._frame + _REMEMBERED_FRAMES
        self._no_hands += [(until, one.region) for one in read if one.presence < _NO_HAND]
        first = [one for one in read if one.presence > self._kept_presence]
        taken = [self._frame > 0 and one.presence > clear for one in first]
        again = iter(
            self._reader.read(rgb, [one.next_region for one, sure in zip(first, taken, strict=True) if not sure])
        )
        looks = []
        for before, sure in zip(first, taken, strict=True):
            after = before if sure else next(again)
            apart = _apart(before, after)
            if after.presence > min(_NEW, clear) and apart < _MOST_APART:
                looks.append(_Look(after, min(before.presence, after.presence) - apart))
        return _distinct(looks, found)


def _distinct(looks: list[_Look], found: list[_Tracked]) -> list[_Look]:
    """Each hand once, the surest first, without those that are found."""
    kept: list[_Look] = []
    for look in sorted(looks, key=lambda look: -look.sure):
        if not _among(look.seen, [*found, *(_Tracked(other.seen) for other in kept)]):
            kept.append(look)
    return kept


def _among(seen: HandSighting, found: Iterable[_Tracked]) -> bool:
    """Whether a hand is one of those that are found."""
    return any(box_overlap(seen.points, hand.seen.points) >= MOST_OVERLAP for hand in found)


def _apart(before: HandSighting, after: HandSighting) -> float:
    """Mean distance of two sightings' points, of the hand's size."""
    return float(np.linalg.norm(before.points - after.points, axis=1).mean()) / max(after.size, 1e-6)
