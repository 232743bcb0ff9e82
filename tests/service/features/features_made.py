"""Features of media that nobody looked at."""

import numpy as np

from service.features.gathering import Features
from service.features.points import point_names
from service.media.sampling import Rate
from service.observe.track_builder import landmark_track
from service.pipelines.keypoints import KeypointsSection
from service.track import PART_POINTS, MediaInfo, PartName

RATE = 15.0


def section_of(parts: tuple[PartName, ...], *, selfie: bool) -> KeypointsSection:
    """A section that looks at these parts."""
    return KeypointsSection(
        source="hands" if parts == ("hand",) else "holistic",
        layout=[{"part": part, "axes": ["x", "y"]} for part in parts],
        sampling=Rate(rate=RATE),
        selfie=selfie,
    )


def landmarks_of(
    parts: tuple[PartName, ...], seed: int, *, frames: int = 12, selfie: bool = False, first: int = 0
) -> Features:
    """A track whose parts come and go by chance; each is there or missing as a whole."""
    random = np.random.default_rng(seed)
    blocks = []
    for part in parts:
        block = random.uniform(0.1, 0.9, (frames, PART_POINTS[part], 4)).astype(np.float32)
        block[..., 3] = random.uniform(0.1, 1, block.shape[:2]) if part == "pose" else 0.0
        if part == "hand":  # one hand that does not jump, else another one would be followed
            block[..., :2] = block[:1, :, :2]
        block[random.random(frames) < 0.3] = np.nan
        blocks.append(block)
    values = np.concatenate(blocks, axis=1)
    seen = ~np.isnan(values[:, 0, 0])
    sides = np.where(seen, random.uniform(0.5, 1, frames) * random.choice([-1, 1], frames), 0).astype(np.float32)
    media = MediaInfo("video", "mp4", 640, 360, (first + frames) / RATE, 30.0)
    return Features(
        track=landmark_track(
            (first + np.arange(frames)) / RATE, values, parts, sides if parts == ("hand",) else None, media, ()
        ),
        preprocessing=section_of(parts, selfie=selfie),
        points=point_names(parts),
    )
