"""Structured clips for measuring: moving colored gratings with a moving square. Noise would hide a lost time axis."""

import numpy as np

from convert.torch.checkpoint.arrays import Array


def synthesize_clips(count: int, frames: int, crop: int, seed: int) -> Array:
    """Whole pixel values 0–255 as float32: (count, 3, frames, crop, crop), or (count, 3, crop, crop) with 0 frames."""
    rng = np.random.default_rng(seed)
    steps = np.arange(max(frames, 1)).reshape(-1, 1, 1)
    rows = np.arange(crop).reshape(1, -1, 1) / crop
    columns = np.arange(crop).reshape(1, 1, -1) / crop
    clips = np.empty((count, 3, max(frames, 1), crop, crop), np.float32)
    for clip in clips:
        for channel in clip:
            across, down, speed, phase = rng.uniform(-10, 10, 4)
            wave = np.sin(2 * np.pi * (across * columns + down * rows + speed / 20 * steps) + phase)
            shift = speed / 40 * steps / max(frames, 1)
            square = (np.abs(rows - 0.5 - shift) < 0.2) & (np.abs(columns - 0.5) < 0.2)
            channel[:] = np.clip(np.round(255 * (0.5 + 0.35 * wave + 0.15 * square)), 0, 255)
    return clips if frames else clips[:, :, 0]
