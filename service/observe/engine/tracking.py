"""When a region made from the last frame's landmarks is kept though the pose shows where to look, too."""

import math
from dataclasses import dataclass

import numpy as np

from service.observe.engine.region import Points, Region, wrapped


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the last frame's region may be from the new one.

    turn_deg: between their angles; move, scale: of the new one's side; margin: by how much the new one is widened
    before it must hold all landmarks.
    """

    turn_deg: float
    move: float
    scale: float
    margin: float

    def chosen(self, last: Points | None, kept: Region | None, new: Region) -> Region:
        """The region to look at: `kept`, made from the landmarks `last`, if it agrees with the new one."""
        if last is None or kept is None:
            return new
        moved = np.abs(new.to_region(np.array([[kept.x, kept.y]]))).max()
        agrees = (
            abs(wrapped(kept.angle - new.angle)) <= math.radians(self.turn_deg)
            and moved <= self.move * new.size
            and abs(kept.size - new.size) <= self.scale * new.size
            and bool((np.abs(new.to_region(last)) < new.size * (1 + self.margin) / 2).all())
        )
        return kept if agrees else new


HAND = Agreement(turn_deg=40.0, move=0.2, scale=0.4, margin=-0.1)
FACE = Agreement(turn_deg=15.0, move=0.1, scale=0.3, margin=-0.2)
