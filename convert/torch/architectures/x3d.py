"""X3D: a thin video network of depthwise 3-D convolutions (PyTorchVideo's `x3d_xs`, `x3d_s`, `x3d_m`).

The three are one set of weights' shapes; they differ in the clips that they see and in the head's pooling.
"""

import torch
from torch import nn

from convert.torch.architectures.parts import (
    Blocks,
    Kernel,
    PositionHead,
    Residual,
    SqueezeExcite3d,
    Stage,
    Swish,
    rounded_width,
)

DEPTHS = (3, 5, 11, 7)
WIDTHS = (24, 48, 96, 192)
STEM_WIDTH = 24
EXPANSION = 2.25
SQUEEZE = 0.0625
HEAD_WIDTH = 432
FEATURES = 2048


class _StemConvolutions(nn.Module):
    """Space first, then time; PyTorchVideo calls the spatial one `conv_t` and the temporal one `conv_xy`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_t = nn.Conv3d(3, STEM_WIDTH, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False)
        self.conv_xy = nn.Conv3d(STEM_WIDTH, STEM_WIDTH, (5, 1, 1), padding=(2, 0, 0), groups=STEM_WIDTH, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        filtered: torch.Tensor = self.conv_xy(self.conv_t(x))
        return filtered


class _Stem(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = _StemConvolutions()
        self.norm = nn.BatchNorm3d(STEM_WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        normed: torch.Tensor = self.norm(self.conv(x))
        return normed.relu()


class _Bottleneck(nn.Module):
    def __init__(self, width_in: int, inner: int, width_out: int, stride: Kernel, squeeze: bool) -> None:
        super().__init__()
        self.conv_a = nn.Conv3d(width_in, inner, 1, bias=False)
        self.norm_a = nn.BatchNorm3d(inner)
        self.conv_b = nn.Conv3d(inner, inner, 3, stride, 1, groups=inner, bias=False)
        gate = SqueezeExcite3d(inner, rounded_width(inner * SQUEEZE)) if squeeze else nn.Identity()
        self.norm_b = nn.Sequential(nn.BatchNorm3d(inner), gate)
        self.act_b = Swish()
        self.conv_c = nn.Conv3d(inner, width_out, 1, bias=False)
        self.norm_c = nn.BatchNorm3d(width_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.norm_a(self.conv_a(x)).relu()
        x = self.act_b(self.norm_b(self.conv_b(x)))
        normed: torch.Tensor = self.norm_c(self.conv_c(x))
        return normed


class _ProjectedPool(nn.Module):
    """Widen, average over the kernel, widen again."""

    def __init__(self, pool: Kernel) -> None:
        super().__init__()
        self.pre_conv = nn.Conv3d(WIDTHS[-1], HEAD_WIDTH, 1, bias=False)
        self.pre_norm = nn.BatchNorm3d(HEAD_WIDTH)
        self.pool = nn.AvgPool3d(pool, 1)
        self.post_conv = nn.Conv3d(HEAD_WIDTH, FEATURES, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.pre_norm(self.pre_conv(x)).relu())
        widened: torch.Tensor = self.post_conv(x)
        return widened.relu()


def x3d(classes: int, pool: Kernel, activation: str) -> Blocks:
    """The network. pool: the head's kernel; the builder sets frames × ⌈crop / 32⌉ × ⌈crop / 32⌉ of its own crop."""
    stages = []
    width = STEM_WIDTH
    for out, depth in zip(WIDTHS, DEPTHS, strict=True):
        inner = int(EXPANSION * out)
        stage = []
        for number in range(depth):
            stride = (1, 2, 2) if number == 0 else (1, 1, 1)
            branch = _Bottleneck(width, inner, out, stride, squeeze=number % 2 == 0)
            stage.append(Residual(branch, width, out, stride))
            width = out
        stages.append(Stage(*stage))
    return Blocks(_Stem(), *stages, PositionHead(_ProjectedPool(pool), FEATURES, classes, activation))
