"""X3D's depthwise 3-D convolutions restated in two dimensions: the same numbers, faster where 3-D ones are slow.

A depthwise convolution along time and space is, for one channel, a band matrix over the frames whose entries are 2-D
kernels. With the frames as channels that is a grouped 2-D convolution: (N, C, T, H, W) is read as (N, C·T, H, W), which
moves no number. It multiplies by zeros outside the band and is faster nevertheless: ONNX Runtime has fast 2-D
convolutions and no fast depthwise 3-D one.
"""

from typing import Literal

import torch
from torch import nn

Layout = Literal["3d", "2d"]


class BandedConv(nn.Module):
    """A depthwise 3-D convolution of stride 1 in time over clips of `frames` frames, as a grouped 2-D one."""

    def __init__(self, original: nn.Conv3d, frames: int) -> None:
        super().__init__()
        channels, taps = original.in_channels, original.kernel_size[0]
        band = original.weight.detach().new_zeros(channels, frames, frames, *original.kernel_size[1:])
        for out in range(frames):
            for tap in range(taps):
                seen = out + tap - original.padding[0]
                if 0 <= seen < frames:
                    band[:, out, seen] = original.weight.detach()[:, 0, tap]
        self.weight = nn.Parameter(band.flatten(0, 1))
        self.bias = None if original.bias is None else nn.Parameter(original.bias.detach().repeat_interleave(frames))
        self.channels, self.frames = channels, frames
        self.stride, self.padding = original.stride[1:], original.padding[1:]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        flat = nn.functional.conv2d(
            x.flatten(1, 2), self.weight, self.bias, self.stride, self.padding, groups=self.channels
        )
        return flat.unflatten(1, (self.channels, self.frames))


_NORMED = (("conv_b", "norm_b.0"), ("conv.conv_xy", "norm"), ("conv", "bn"))
"""A convolution and the norm right after it, by the names that the networks give them."""


def restate(network: nn.Module, frames: int) -> int:
    """Replace every depthwise 3-D convolution that looks along time, its norm folded in; returns their number.

    frames: the clip's, all through the network.
    """
    for module in list(network.modules()):
        _fold_norms(module)
    return _replace(network, frames)


def _fold_norms(module: nn.Module) -> None:
    for convolution_name, norm_name in _NORMED:
        convolution, norm = _part(module, convolution_name), _part(module, norm_name)
        if isinstance(convolution, nn.Conv3d) and isinstance(norm, nn.BatchNorm3d):
            module.set_submodule(convolution_name, nn.utils.fusion.fuse_conv_bn_eval(convolution, norm))
            module.set_submodule(norm_name, nn.Identity())


def _part(module: nn.Module, name: str) -> nn.Module | None:
    try:
        return module.get_submodule(name)
    except AttributeError:
        return None


def _replace(network: nn.Module, frames: int) -> int:
    replaced = 0
    for name, child in network.named_children():
        if isinstance(child, nn.Conv3d) and _is_temporal_depthwise(child):
            setattr(network, name, BandedConv(child, frames))
            replaced += 1
        else:
            replaced += _replace(child, frames)
    return replaced


def _is_temporal_depthwise(convolution: nn.Conv3d) -> bool:
    depthwise = convolution.groups == convolution.in_channels == convolution.out_channels
    keeps_time = convolution.stride[0] == 1 and 2 * convolution.padding[0] + 1 == convolution.kernel_size[0]
    return bool(depthwise and keeps_time and convolution.kernel_size[0] > 1)
