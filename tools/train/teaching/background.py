"""What `service/teaching/background.npz` holds: how other people's words move, learned from words_free.npz.

The clips' features are told by a few numbers over time (a cosine transform) and these by their principal components; of
each word of each person the mean and the spread of its clips are kept. No clip can be read back from that. Licenses and
authors: `service/teaching/background.LICENSES.txt`.

    python -m tools.train.teaching.background SIGN_TESTDATA/keypoints/words_free.npz service/teaching/background.npz
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.teaching.augmentation import Take, make_take, plain_view
from service.teaching.background import waves_over_time
from service.teaching.body import HAND, STEPS, body_features
from service.teaching.landmark_files import read_landmarks

WAVES, COMPONENTS, LEAST_CLIPS, MOST_CLIPS = 16, 96, 6, 40
SHOWN = 0.25
"""A hand that is seen in fewer steps is none of the sign."""

LICENSED = ("traduttore", "electronicaddict", "yunlisa96", "avanishgarg", "ISmokeData")
"""Authors who license what they committed: service/teaching/background.LICENSES.txt has their words."""

Numbers = NDArray[np.float32]


def main(source: Path, target: Path) -> None:
    examples = read_landmarks(source).examples
    groups: dict[tuple[str, str], list[Take]] = {}
    for example in examples:
        if not example.teacher.startswith(LICENSED):
            continue
        own = groups.setdefault((example.teacher, example.label), [])
        if len(own) < MOST_CLIPS:
            own.append(make_take(example.track))
    told, of_group, seen = [], [], []
    for number, takes in enumerate(groups.values()):
        views = [view for take in takes for view in (plain_view(take), plain_view(take, take.active))]
        features = body_features(np.stack(views))
        told.append(np.einsum("sw,nsf->nwf", waves_over_time(WAVES), _filled(features)).reshape(len(views), -1))
        seen.append((features[..., -2:].mean(axis=1) >= SHOWN).astype(np.float32))
        of_group += [number] * len(views)
    rows, flags, owner = np.concatenate(told), np.concatenate(seen), np.array(of_group)
    mean = rows.mean(axis=0)
    _, _, basis = np.linalg.svd(rows - mean, full_matrices=False)
    basis = basis[:COMPONENTS]
    latent = (rows - mean) @ basis.T
    clusters = []
    for number in range(len(groups)):
        for pattern in np.unique(flags, axis=0):
            own = (owner == number) & (flags == pattern).all(axis=1)
            if own.sum() >= LEAST_CLIPS:
                clusters.append((latent[own].mean(axis=0), latent[own].std(axis=0), pattern))
    centers, spreads, patterns = (np.stack(part) for part in zip(*clusters, strict=True))
    noise = rows - mean - latent @ basis
    np.savez_compressed(
        target,
        allow_pickle=False,
        mean=mean.astype(np.float16),
        basis=basis.astype(np.float16),
        centers=centers.astype(np.float16),
        spreads=spreads.astype(np.float16),
        hands=patterns.astype(np.uint8),
        waves=np.array(WAVES),
    )
    share = 1 - float(np.square(noise).sum() / np.square(rows - mean).sum())
    print(f"{len(rows)} views of {len(groups)} words: {len(clusters)} clusters, {share:.3f} of the variance")


def _filled(features: Numbers) -> Numbers:
    """Features in which a hand that is often seen has no gaps; one that is seldom seen is away. The flags stay."""
    filled = features.copy()
    one = 2 * HAND + 2
    for view in filled:
        for hand in (0, 1):
            part, there = view[:, hand * one : (hand + 1) * one], view[:, hand - 2] > 0
            if there.mean() < SHOWN:
                part[:] = 0.0
                view[:, hand - 2] = 0.0
            else:
                steps = np.arange(STEPS)
                part[:] = part[there][np.abs(steps[:, None] - steps[there]).argmin(axis=1)]
    return filled


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
