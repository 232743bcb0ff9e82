"""A recognized checkpoint → one of our networks with its weights, strictly. Needs torch."""

import numpy as np
import torch
from torch import nn

from convert.presets.networks import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD
from convert.torch.architectures.efficient_x3d import EfficientX3d
from convert.torch.architectures.efficientnet import B0, B2, EfficientNet
from convert.torch.architectures.mvit import Mvit
from convert.torch.architectures.recognize import COUNTER, RecognizedNetwork, check_names
from convert.torch.architectures.settings import NETWORK_B2, Settings
from convert.torch.architectures.slow_r50 import slow_r50
from convert.torch.architectures.x3d import x3d


class Pixels(nn.Module):
    """A network that takes pixel values 0–255 (whole or not) and normalizes them itself."""

    def __init__(self, network: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], dimensions: int) -> None:
        super().__init__()
        self.network = network
        shape = (1, 3, *(1,) * dimensions)
        spread = torch.tensor(std, dtype=torch.float64).reshape(shape)
        offset = -torch.tensor(mean, dtype=torch.float64).reshape(shape) / spread
        self.register_buffer("scale", (1 / (255 * spread)).float())
        self.register_buffer("offset", offset.float())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.network(x.to(torch.float32) * self.scale + self.offset)
        return scores


def build_network(recognized: RecognizedNetwork, settings: Settings, features: bool = False) -> nn.Module:
    """The network in eval mode. features: without its classifier. RefusalError where a parameter does not fit."""
    network = _empty(recognized, settings)
    expected = {name: tuple(values.shape) for name, values in network.state_dict().items()}
    check_names(expected, recognized.state)
    state = {
        name: torch.from_numpy(np.array(values, np.float32 if values.dtype.kind == "f" else values.dtype))
        for name, values in recognized.state.items()
    }
    counters = {name: values for name, values in network.state_dict().items() if name.endswith(COUNTER)}
    network.load_state_dict(counters | state, strict=True)
    if features:
        network.classifier = nn.Identity()
    return network.eval()


def accept_pixels(network: nn.Module, settings: Settings) -> Pixels:
    """The network with its normalization in front."""
    is_clip = settings.network.is_clip
    mean, std = (CLIP_MEAN, CLIP_STD) if is_clip else (IMAGENET_MEAN, IMAGENET_STD)
    pixels = Pixels(network, mean, std, 3 if is_clip else 2)
    pixels.eval()
    return pixels


def clip_shape(settings: Settings) -> tuple[int, ...]:
    """One input without the batch: (3, T, H, W), or (3, H, W) of a picture."""
    size = (settings.crop, settings.crop)
    return (3, settings.frames, *size) if settings.network.is_clip else (3, *size)


def _empty(recognized: RecognizedNetwork, settings: Settings) -> nn.Module:
    classes, activation = recognized.classes, settings.head_activation
    pool = settings.head_pool or (1, 1, 1)
    match recognized.family.name:
        case "slow_r50":
            return slow_r50(classes, pool, activation)
        case "x3d":
            return x3d(classes, pool, activation)
        case "efficient_x3d":
            return EfficientX3d(classes, activation, recognized.folded)
        case "mvit":
            return Mvit(classes, activation, settings.frames, settings.crop)
        case "efficientnet":
            return EfficientNet(B2 if settings.network.name == NETWORK_B2 else B0, classes)
