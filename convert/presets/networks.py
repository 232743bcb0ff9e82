"""The networks that are known, as their authors ran them: what clips they see, how their head ends."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.generic]

FamilyName = Literal["slow_r50", "x3d", "efficient_x3d", "mvit", "efficientnet"]
Activation = Literal["none", "softmax", "sigmoid"]
Kernel = tuple[int, int, int]

CLIP_MEAN = (0.45, 0.45, 0.45)
CLIP_STD = (0.225, 0.225, 0.225)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
SPATIAL_STRIDE = 32
"""Pixels to one position of the head in the convolutional video networks."""


@dataclass(frozen=True, slots=True)
class Network:
    """One network as its authors ran it. frames 0: a picture. sampling: frames of 30 fps between two of the clip's.

    head_pool and head_activation are what the builder sets when nothing is said; neither is in the weights.
    """

    name: str
    family: FamilyName
    frames: int
    sampling: int
    side: int
    crop: int
    head_pool: Kernel | None = None
    head_activation: Activation = "none"

    @property
    def is_clip(self) -> bool:
        return self.frames > 0


_ALL = (
    Network("slow_r50", "slow_r50", 8, 8, 256, 256, (8, 7, 7)),
    Network("x3d_xs", "x3d", 4, 12, 182, 182, (4, 5, 5), "softmax"),
    Network("x3d_s", "x3d", 13, 6, 182, 182, (13, 5, 5), "softmax"),
    Network("x3d_m", "x3d", 16, 5, 256, 256, (16, 7, 7), "softmax"),
    Network("mvit_base_16x4", "mvit", 16, 4, 256, 224),
    Network("efficient_x3d_xs", "efficient_x3d", 4, 12, 182, 160),
    Network("efficient_x3d_s", "efficient_x3d", 13, 6, 182, 160),
    Network("tf_efficientnet_b0", "efficientnet", 0, 0, 224, 224),
    Network("tf_efficientnet_b2", "efficientnet", 0, 0, 260, 260),
)
NETWORKS = {network.name: network for network in _ALL}
ALIASES = {
    "tf_efficientnet_b0_ns": "tf_efficientnet_b0",
    "tf_efficientnet_b2_ns": "tf_efficientnet_b2",
    "efficientnet_b0": "tf_efficientnet_b0",
    "efficientnet_b2": "tf_efficientnet_b2",
    "slow": "slow_r50",
    "slowr50": "slow_r50",
    "mvit": "mvit_base_16x4",
    "mvit_b": "mvit_base_16x4",
}


def find_network(name: str) -> Network | None:
    """The network of a name as authors write it: any case, hyphens or underscores, known aliases."""
    plain = name.strip().lower().replace("-", "_").rsplit("/", 1)[-1].split(".", 1)[0]
    return NETWORKS.get(ALIASES.get(plain, plain))


def normalize_pixels(pixels: Array, network: Network) -> Array:
    """Pixel values 0–255 of a batch, channels second, as the network was trained on them."""
    mean, std = (CLIP_MEAN, CLIP_STD) if network.is_clip else (IMAGENET_MEAN, IMAGENET_STD)
    shape = (1, 3, *(1,) * (pixels.ndim - 2))
    offsets, scales = np.array(mean, np.float32).reshape(shape), np.array(std, np.float32).reshape(shape)
    return np.asarray((pixels.astype(np.float32) / np.float32(255) - offsets) / scales, np.float32)
