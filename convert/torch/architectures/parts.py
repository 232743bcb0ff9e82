"""What several of the networks share: squeeze and excitation, and the head that projects every position."""

import torch
from torch import nn

Kernel = tuple[int, int, int]


class SqueezeExcite3d(nn.Module):
    """Scales channels by what their mean over time and space says; fvcore's names (`block.0`, `block.2`)."""

    def __init__(self, channels: int, reduced: int) -> None:
        super().__init__()
        squeeze = nn.Conv3d(channels, reduced, 1)
        expand = nn.Conv3d(reduced, channels, 1)
        self.block = nn.Sequential(squeeze, nn.ReLU(), expand, nn.Sigmoid())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate: torch.Tensor = self.block(x.mean((2, 3, 4), keepdim=True))
        return x * gate


class PositionHead(nn.Module):
    """Pool, project every position that is left, apply the activation there, then average the positions.

    With one position left this is a plain classifier. A softmax here runs before the mean: the mean of
    probabilities, not the probabilities of a mean.
    """

    def __init__(self, pool: nn.Module, features: int, classes: int, activation: str) -> None:
        super().__init__()
        self.pool = pool
        self.proj = nn.Linear(features, classes)
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(x).movedim(1, -1)
        return averaged_positions(self.proj(x), self.activation)


def averaged_positions(scores: torch.Tensor, activation: str) -> torch.Tensor:
    """(N, T, H, W, classes) → (N, classes): the activation at each position, then the mean over them."""
    if activation == "softmax":
        scores = scores.softmax(-1)
    elif activation == "sigmoid":
        scores = scores.sigmoid()
    return scores.mean((1, 2, 3))


class Blocks(nn.Module):
    """A network that is a row of blocks, as PyTorchVideo names them: `blocks.0.…` to `blocks.5.…`."""

    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(x)
        return x


class Stage(nn.Module):
    """Residual blocks one after another, as `res_blocks.0.…`."""

    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.res_blocks = nn.ModuleList(blocks)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.res_blocks:
            x = block(x)
        return x


class Residual(nn.Module):
    """relu(shortcut(x) + branch2(x)); the shortcut has a convolution where size or width change, a norm for width."""

    def __init__(self, branch2: nn.Module, width_in: int, width_out: int, stride: Kernel) -> None:
        super().__init__()
        self.branch1_conv: nn.Module | None = None
        self.branch1_norm: nn.Module | None = None
        if width_in != width_out or max(stride) > 1:
            self.branch1_conv = nn.Conv3d(width_in, width_out, 1, stride, bias=False)
        if width_in != width_out:
            self.branch1_norm = nn.BatchNorm3d(width_out)
        self.branch2 = branch2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shortcut = x if self.branch1_conv is None else self.branch1_conv(x)
        if self.branch1_norm is not None:
            shortcut = self.branch1_norm(shortcut)
        return (shortcut + self.branch2(x)).relu()


class Swish(nn.Module):
    """x · sigmoid(x), in two steps as PyTorchVideo has it: torch's own silu rounds otherwise in the last bit."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * x.sigmoid()


def same_padding(kernel: Kernel) -> Kernel:
    """The padding that keeps a size at stride 1."""
    return kernel[0] // 2, kernel[1] // 2, kernel[2] // 2


def rounded_width(width: float, divisor: int = 8) -> int:
    """The nearest multiple of the divisor, at least one of it and not below 90 % of the width."""
    nearest = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * width else nearest
