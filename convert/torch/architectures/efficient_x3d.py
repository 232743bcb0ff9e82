"""EfficientX3D: X3D as PyTorchVideo restates it for phones (`efficient_x3d_xs`, `efficient_x3d_s`).

`folded` is the deployable form: batch norms are folded into the convolutions before them, which then have a bias.
"""

from collections import OrderedDict

import torch
from torch import nn

from convert.torch.architectures.parts import Kernel, SqueezeExcite3d, Swish, averaged_positions, rounded_width
from convert.torch.architectures.x3d import DEPTHS, EXPANSION, FEATURES, HEAD_WIDTH, SQUEEZE, STEM_WIDTH, WIDTHS


class _Unit(nn.Module):
    """Convolution, batch norm, activation, under `kernel`."""

    def __init__(self, convolution: nn.Conv3d, normed: bool, active: bool, folded: bool) -> None:
        super().__init__()
        self.kernel = nn.Sequential(OrderedDict([("conv", convolution)]))
        if normed and not folded:
            self.kernel.add_module("bn", nn.BatchNorm3d(convolution.out_channels))
        if normed and folded:
            convolution.bias = nn.Parameter(torch.zeros(convolution.out_channels))
        self.active = active

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.kernel(x)
        return x.relu() if self.active else x


class _Squeeze(nn.Module):
    """The gate under one more name (`se.se.block`)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.se = SqueezeExcite3d(channels, rounded_width(channels * SQUEEZE))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gated: torch.Tensor = self.se(x)
        return gated


class _Block(nn.Module):
    def __init__(self, width_in: int, inner: int, width_out: int, stride: Kernel, squeeze: bool, folded: bool) -> None:
        super().__init__()
        self._res_proj: nn.Module | None = None
        if max(stride) > 1 or width_in != width_out:
            shortcut = nn.Conv3d(width_in, width_out, 1, stride, bias=False)
            self._res_proj = _Unit(shortcut, normed=True, active=False, folded=folded)
        widen = nn.Conv3d(width_in, inner, 1, bias=False)
        filtered = nn.Conv3d(inner, inner, 3, stride, 1, groups=inner, bias=False)
        narrow = nn.Conv3d(inner, width_out, 1, bias=False)
        layers: OrderedDict[str, nn.Module] = OrderedDict(conv_0=_Unit(widen, normed=True, active=True, folded=folded))
        layers["conv_1"] = _Unit(filtered, normed=True, active=False, folded=folded)
        if squeeze:
            layers["se"] = _Squeeze(inner)
        layers["act_func_1"] = Swish()
        layers["conv_2"] = _Unit(narrow, normed=True, active=False, folded=folded)
        self.layers = nn.Sequential(layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self._res_proj is None else self._res_proj(x)
        total: torch.Tensor = shortcut + self.layers(x)
        return total.relu()


class _FullyConnected(nn.Module):
    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.model = nn.Linear(features, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.model(x)
        return scores


class EfficientX3d(nn.Module):
    """The network; its head pools everything that is left, so it has no kernel to choose."""

    def __init__(self, classes: int, activation: str, folded: bool) -> None:
        super().__init__()
        space = nn.Conv3d(3, STEM_WIDTH, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False)
        time = nn.Conv3d(STEM_WIDTH, STEM_WIDTH, (5, 1, 1), padding=(2, 0, 0), groups=STEM_WIDTH, bias=False)
        self.s1 = nn.Sequential(
            OrderedDict(
                pathway0_stem_conv_xy=_Unit(space, normed=False, active=False, folded=folded),
                pathway0_stem_conv=_Unit(time, normed=True, active=True, folded=folded),
            )
        )
        width = STEM_WIDTH
        for index, (out, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
            stage: OrderedDict[str, nn.Module] = OrderedDict()
            for number in range(depth):
                stride = (1, 2, 2) if number == 0 else (1, 1, 1)
                inner = int(EXPANSION * out)
                stage[f"pathway0_res{number}"] = _Block(width, inner, out, stride, number % 2 == 0, folded)
                width = out
            self.add_module(f"s{index + 2}", nn.Sequential(stage))
        widen = nn.Conv3d(WIDTHS[-1], HEAD_WIDTH, 1, bias=False)
        project = nn.Conv3d(HEAD_WIDTH, FEATURES, 1, bias=False)
        self.head = nn.Sequential(
            OrderedDict(
                conv_5=_Unit(widen, normed=True, active=True, folded=folded),
                avg_pool=nn.AdaptiveAvgPool3d(1),
                lin_5=_Unit(project, normed=False, active=True, folded=folded),
            )
        )
        self.projection = _FullyConnected(FEATURES, classes)
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for stage in (self.s1, self.s2, self.s3, self.s4, self.s5, self.head):
            x = stage(x)
        return averaged_positions(self.projection(x.movedim(1, -1)), self.activation)
