"""The originals (pytorchvideo 0.1.5, timm) with random but well-scaled weights, and structured clips to show them.

Weights straight from an initializer leave most activations near zero, and a comparison of zeros proves nothing: here
every norm gets its own scale and offset, its statistics come from moving gratings, and the head spreads the answers.
"""

from collections.abc import Callable

import torch

from tools.parity.torch import torchvision_names  # noqa: F401 - must come before pytorchvideo and timm

import timm  # isort: skip
from pytorchvideo.accelerator.deployment.mobile_cpu.utils.model_conversion import (  # isort: skip
    convert_to_deployable_form,
)
from pytorchvideo.models.hub import (  # isort: skip
    efficient_x3d_s,
    efficient_x3d_xs,
    mvit_base_16x4,
    slow_r50,
    x3d_m,
    x3d_s,
    x3d_xs,
)
from torch import nn  # isort: skip

from convert.torch.synthetic_clips import synthesize_clips  # isort: skip
from convert.presets.networks import CLIP_MEAN, CLIP_STD, IMAGENET_MEAN, IMAGENET_STD  # isort: skip

__all__ = ["CLASSES", "CLIPS", "MAKERS", "convert_to_deployable_form", "original", "shown", "well_scaled"]

CLASSES = 21
CLIPS = {
    "slow_r50": (8, 256),
    "x3d_xs": (4, 182),
    "x3d_s": (13, 182),
    "x3d_m": (16, 256),
    "mvit_base_16x4": (16, 224),
    "efficient_x3d_xs": (4, 160),
    "efficient_x3d_s": (13, 160),
    "tf_efficientnet_b0": (0, 224),
    "tf_efficientnet_b2": (0, 260),
}
"""Network → (frames, crop) as it is served; 0 frames: a picture."""

Maker = Callable[[], nn.Module]
MAKERS: dict[str, Maker] = {
    "slow_r50": lambda: slow_r50(model_num_class=CLASSES),
    "x3d_xs": lambda: x3d_xs(model_num_class=CLASSES, head_activation=None),
    "x3d_s": lambda: x3d_s(model_num_class=CLASSES, head_activation=None),
    "x3d_m": lambda: x3d_m(model_num_class=CLASSES, head_activation=None),
    "mvit_base_16x4": lambda: mvit_base_16x4(head_num_classes=CLASSES),
    "efficient_x3d_xs": lambda: efficient_x3d_xs(num_classes=CLASSES),
    "efficient_x3d_s": lambda: efficient_x3d_s(num_classes=CLASSES),
    "tf_efficientnet_b0": lambda: timm.create_model("tf_efficientnet_b0", num_classes=CLASSES),
    "tf_efficientnet_b2": lambda: timm.create_model("tf_efficientnet_b2", num_classes=CLASSES),
}


def original(name: str, seed: int = 0) -> nn.Module:
    """The original network with weights of which every layer matters, in eval mode."""
    torch.manual_seed(seed)
    network = MAKERS[name]()
    return well_scaled(network, name, seed)


def well_scaled(network: nn.Module, name: str, seed: int = 0) -> nn.Module:
    """Give a network weights of which every layer matters; its statistics come from gratings."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d | nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.7, 1.3, generator=generator)
            nn.init.normal_(module.bias, 0.0, 0.2, generator=generator)
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
            module.momentum = None
    for parameter_name, parameter in network.named_parameters():
        if "pos_embed" in parameter_name or "cls_token" in parameter_name:
            nn.init.normal_(parameter, 0.0, 0.5, generator=generator)
    frames, crop = CLIPS[name]
    network.train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    with torch.no_grad():
        network(shown(3, frames, crop, seed=100))
        network.eval()
        scores = network(shown(2, frames, crop, seed=101))
        head = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
        head.weight *= 3.0 / scores.std().clamp_min(1e-6)
    return network


def shown(count: int, frames: int, crop: int, seed: int) -> torch.Tensor:
    """Moving gratings, normalized as PyTorchVideo does (pictures: as ImageNet)."""
    pixels = torch.from_numpy(synthesize_clips(count, frames, crop, seed)) / 255
    mean, std = (CLIP_MEAN, CLIP_STD) if frames else (IMAGENET_MEAN, IMAGENET_STD)
    shape = (1, 3, 1, 1, 1) if frames else (1, 3, 1, 1)
    return (pixels - torch.tensor(mean).reshape(shape)) / torch.tensor(std).reshape(shape)
