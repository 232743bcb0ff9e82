"""EfficientNet as TensorFlow trained it and timm names it (`tf_efficientnet_b0`, `tf_efficientnet_b2`).

"tf" means: batch norms with ε = 0.001 and padding as TensorFlow's `same`, which at stride 2 puts the odd pixel after.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

EPSILON = 1e-3


@dataclass(frozen=True, slots=True)
class Shape:
    """One EfficientNet. stages: (blocks, width, kernel, stride, expansion) of the seven stages."""

    stages: tuple[tuple[int, int, int, int, int], ...]
    stem: int
    features: int
    size: int


B0 = Shape(
    (
        (1, 16, 3, 1, 1),
        (2, 24, 3, 2, 6),
        (2, 40, 5, 2, 6),
        (3, 80, 3, 2, 6),
        (3, 112, 5, 1, 6),
        (4, 192, 5, 2, 6),
        (1, 320, 3, 1, 6),
    ),
    stem=32,
    features=1280,
    size=224,
)
B2 = Shape(
    (
        (2, 16, 3, 1, 1),
        (3, 24, 3, 2, 6),
        (3, 48, 5, 2, 6),
        (4, 88, 3, 2, 6),
        (4, 120, 5, 1, 6),
        (5, 208, 5, 2, 6),
        (2, 352, 3, 1, 6),
    ),
    stem=32,
    features=1408,
    size=260,
)


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's `same` padding: an uneven rest goes after the picture."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        height = _same_padding(x.shape[-2], self.kernel_size[0], self.stride[0])
        width = _same_padding(x.shape[-1], self.kernel_size[1], self.stride[1])
        padded = nn.functional.pad(x, (*width, *height))
        return nn.functional.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class _SqueezeExcite(nn.Module):
    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        self.conv_reduce = nn.Conv2d(channels, reduced, 1)
        self.conv_expand = nn.Conv2d(reduced, channels, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate = self.conv_reduce(x.mean((2, 3), keepdim=True))
        gated: torch.Tensor = self.conv_expand(nn.functional.silu(gate)).sigmoid()
        return x * gated


class _Separable(nn.Module):
    """The first stage's block: depthwise, gate, project."""

    def __init__(self, width_in: int, width_out: int, kernel: int) -> None:
        super().__init__()
        self.conv_dw = nn.Conv2d(width_in, width_in, kernel, 1, kernel // 2, groups=width_in, bias=False)
        self.bn1 = nn.BatchNorm2d(width_in, EPSILON)
        self.se = _SqueezeExcite(width_in, width_in // 4)
        self.conv_pw = nn.Conv2d(width_in, width_out, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width_out, EPSILON)
        self.adds = width_in == width_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = self.se(nn.functional.silu(self.bn1(self.conv_dw(x))))
        out: torch.Tensor = self.bn2(self.conv_pw(inner))
        return out + x if self.adds else out


class _Inverted(nn.Module):
    """All other stages' block: widen, depthwise, gate, project."""

    def __init__(self, width_in: int, width_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = width_in * expansion
        self.conv_pw = nn.Conv2d(width_in, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner, EPSILON)
        self.conv_dw: nn.Conv2d
        if stride == 1:
            self.conv_dw = nn.Conv2d(inner, inner, kernel, 1, kernel // 2, groups=inner, bias=False)
        else:
            self.conv_dw = SameConv(inner, inner, kernel, stride, groups=inner, bias=False)
        self.bn2 = nn.BatchNorm2d(inner, EPSILON)
        self.se = _SqueezeExcite(inner, width_in // 4)
        self.conv_pwl = nn.Conv2d(inner, width_out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(width_out, EPSILON)
        self.adds = stride == 1 and width_in == width_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        inner = nn.functional.silu(self.bn1(self.conv_pw(x)))
        inner = self.se(nn.functional.silu(self.bn2(self.conv_dw(inner))))
        out: torch.Tensor = self.bn3(self.conv_pwl(inner))
        return out + x if self.adds else out


class EfficientNet(nn.Module):
    """The network: logits, or with classes = 0 the numbers before the classifier."""

    def __init__(self, shape: Shape, classes: int) -> None:
        super().__init__()
        self.conv_stem = SameConv(3, shape.stem, 3, 2, bias=False)
        self.bn1 = nn.BatchNorm2d(shape.stem, EPSILON)
        self.blocks = nn.Sequential(*_stages(shape))
        self.conv_head = nn.Conv2d(shape.stages[-1][1], shape.features, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(shape.features, EPSILON)
        self.classifier = nn.Linear(shape.features, classes) if classes else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.silu(self.bn1(self.conv_stem(x)))
        x = nn.functional.silu(self.bn2(self.conv_head(self.blocks(x))))
        scores: torch.Tensor = self.classifier(x.mean((2, 3)))
        return scores


def _stages(shape: Shape) -> Iterator[nn.Sequential]:
    width = shape.stem
    for depth, out, kernel, stride, expansion in shape.stages:
        blocks: list[nn.Module] = []
        for number in range(depth):
            if expansion == 1:
                blocks.append(_Separable(width, out, kernel))
            else:
                blocks.append(_Inverted(width, out, kernel, stride if number == 0 else 1, expansion))
            width = out
        yield nn.Sequential(*blocks)


def _same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2
