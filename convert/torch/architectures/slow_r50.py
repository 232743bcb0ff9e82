"""Slow-R50: a ResNet-50 over clips whose last two stages look along time (PyTorchVideo's `slow_r50`)."""

import torch
from torch import nn

from convert.torch.architectures.parts import Blocks, Kernel, PositionHead, Residual, Stage, same_padding

DEPTHS = (3, 4, 6, 3)
TEMPORAL_KERNELS = (1, 1, 3, 3)
SPATIAL_STRIDES = (1, 2, 2, 2)
STEM_WIDTH = 64
FEATURES = 2048


class _Stem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(3, STEM_WIDTH, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False)
        self.norm = nn.BatchNorm3d(STEM_WIDTH)
        self.pool = nn.MaxPool3d((1, 3, 3), (1, 2, 2), (0, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        pooled: torch.Tensor = self.pool(self.norm(self.conv(x)).relu())
        return pooled


class _Bottleneck(nn.Module):
    def __init__(self, width_in: int, inner: int, width_out: int, temporal: int, stride: Kernel) -> None:
        super().__init__()
        kernel = (temporal, 1, 1)
        self.conv_a = nn.Conv3d(width_in, inner, kernel, padding=same_padding(kernel), bias=False)
        self.norm_a = nn.BatchNorm3d(inner)
        self.conv_b = nn.Conv3d(inner, inner, (1, 3, 3), stride, (0, 1, 1), bias=False)
        self.norm_b = nn.BatchNorm3d(inner)
        self.conv_c = nn.Conv3d(inner, width_out, 1, bias=False)
        self.norm_c = nn.BatchNorm3d(width_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm_a(self.conv_a(x)).relu()
        x = self.norm_b(self.conv_b(x)).relu()
        normed: torch.Tensor = self.norm_c(self.conv_c(x))
        return normed


def slow_r50(classes: int, pool: Kernel, activation: str) -> Blocks:
    """The network. pool: the head's kernel (frames, height, width); PyTorchVideo's builder sets 8 × 7 × 7."""
    stages = []
    width = STEM_WIDTH
    for index, depth in enumerate(DEPTHS):
        out = STEM_WIDTH * 4 << index
        stage = []
        for number in range(depth):
            step = SPATIAL_STRIDES[index] if number == 0 else 1
            stride = (1, step, step)
            branch = _Bottleneck(width, out // 4, out, TEMPORAL_KERNELS[index], stride)
            stage.append(Residual(branch, width, out, stride))
            width = out
        stages.append(Stage(*stage))
    head = PositionHead(nn.AvgPool3d(pool, 1), FEATURES, classes, activation)
    return Blocks(_Stem(), *stages, head)
