"""Views: takes varied many times, once for all networks that are trained on them, and background beside them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from service.teaching.augmentation import Take, Variety, drawn_again, vary
from service.teaching.background import hands_alone, other_people, unsigned
from service.teaching.body import body_features
from service.teaching.network import Batch
from service.teaching.validation import Indices
from service.track import FloatArray

VIEWS_A_TAKE: Final = 64
MOST_VIEWS: Final = 6000
OTHERS: Final = 1200
UNSIGNED: Final = 600
SHOWN_A_BATCH, OTHERS_A_BATCH, UNSIGNED_A_BATCH, NOTHINGS_A_BATCH = 48, 32, 8, 8
SMOOTHING: Final = 0.1
_AT_ONCE: Final = 128


@dataclass(frozen=True, slots=True)
class Views:
    """All that is learned from, as N × STEPS × WIDTH features each.

    truth: the sign of each take. shown: each take's views one after the other, `each` of them. others: other people's
    movements; unsigned: what is made of the takes, and of which two (made_of); nothings: what was shown as no sign.
    """

    truth: Indices
    each: int
    shown: FloatArray
    others: FloatArray
    unsigned: FloatArray
    made_of: Indices
    nothings: FloatArray

    def batches(self, kept: Indices, classes: int, rng: np.random.Generator) -> Iterator[Batch]:
        """Views of the kept takes, every sign as often as any other, and background; the last class is `unknown`."""
        order = _balanced(self.truth[kept], rng)
        made = np.flatnonzero(np.isin(self.made_of, kept).all(axis=1))
        while True:
            takes = kept[np.array([next(order) for _ in range(SHOWN_A_BATCH)])]
            parts = [
                self.shown[takes * self.each + rng.integers(0, self.each, len(takes))],
                self.others[rng.integers(0, len(self.others), OTHERS_A_BATCH)],
                self.unsigned[made[rng.integers(0, len(made), UNSIGNED_A_BATCH)]],
            ]
            if len(self.nothings):
                parts.append(self.nothings[rng.integers(0, len(self.nothings), NOTHINGS_A_BATCH)])
            values = np.concatenate(parts)
            truth = np.full(len(values), classes - 1)
            truth[: len(takes)] = self.truth[takes]
            targets = np.full((len(truth), classes), SMOOTHING / classes, np.float32)
            targets[np.arange(len(truth)), truth] += 1 - SMOOTHING
            yield values, targets


def make_views(
    takes: Sequence[Take], truth: Indices, nothings: Sequence[Take], variety: Variety, rng: np.random.Generator
) -> Views:
    """Views of at least one take of each sign; where none shows a body, of hands alone."""
    has_body = any(take.has_body for take in takes)
    each = max(4, min(VIEWS_A_TAKE, MOST_VIEWS // len(takes)))
    made_of = rng.integers(0, len(takes), (UNSIGNED, 2))
    return Views(
        truth=truth,
        each=each,
        shown=varied([take for take in takes for _ in range(each)], variety, rng),
        others=other_people().draw(OTHERS, rng) if has_body else hands_alone(other_people().draw(OTHERS, rng)),
        unsigned=unsigned(takes, made_of[:, 0], made_of[:, 1], variety, rng),
        made_of=made_of,
        nothings=varied([take for take in nothings for _ in range(each)], variety, rng) if nothings else _NONE,
    )


_NONE: Final = np.zeros((0, 1, 1), np.float32)


def varied(takes: Sequence[Take], variety: Variety, rng: np.random.Generator) -> FloatArray:
    parts = [takes[start : start + _AT_ONCE] for start in range(0, len(takes), _AT_ONCE)]
    return np.concatenate([body_features(vary(part, variety, rng)) for part in parts])


def _balanced(truth: Indices, rng: np.random.Generator) -> Iterator[int]:
    """Indices without end, those of each sign equally often."""
    signs = np.unique(truth)
    own = {int(sign): drawn_again(int((truth == sign).sum()), 1, rng) for sign in signs}
    places = {int(sign): np.flatnonzero(truth == sign) for sign in signs}
    for (number,) in drawn_again(len(signs), 1, rng):
        sign = int(signs[number])
        yield int(places[sign][next(own[sign])[0]])
