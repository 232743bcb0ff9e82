"""MViT-B 16×4: a transformer over clips whose attention pools keys, values and queries (`mvit_base_16x4`)."""

from dataclasses import dataclass

import torch
from torch import nn

from convert.torch.architectures.parts import Kernel

HEAD_WIDTH = 96
WIDTHS = (96, *(192,) * 2, *(384,) * 11, *(768,) * 2)
"""Of the sixteen blocks; a block's output has the next one's width."""
QUERY_STRIDES = {1: 2, 3: 2, 14: 2}
"""Blocks that halve height and width, by their number."""
FIRST_KEY_STRIDE = 8
EPSILON = 1e-6

Grid = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Size:
    width: int
    out: int
    query: int
    keys: int


def pooled_tokens(tokens: torch.Tensor, grid: Grid, pool: nn.Module) -> torch.Tensor:
    """(N, heads, 1 + T·H·W, width): pool the tokens on their grid, leave the first as it is."""
    heads, width = tokens.shape[1], tokens.shape[-1]
    first, rest = tokens[:, :, :1], tokens[:, :, 1:]
    clips = rest.reshape(-1, *grid, width).movedim(-1, 1)
    pooled = pool(clips).flatten(2).transpose(1, 2)
    return torch.cat((first, pooled.unflatten(0, (-1, heads))), 2)


class _Attention(nn.Module):
    def __init__(self, size: _Size) -> None:
        super().__init__()
        self.heads = size.width // HEAD_WIDTH
        self.q = nn.Linear(size.width, size.width)
        self.k = nn.Linear(size.width, size.width)
        self.v = nn.Linear(size.width, size.width)
        self.proj = nn.Linear(size.width, size.width)
        self.pool_q: nn.Module | None = None
        if size.query > 1:
            self.pool_q = _pool(size.query)
            self.norm_q = nn.LayerNorm(HEAD_WIDTH)
        self.pool_k = _pool(size.keys)
        self.norm_k = nn.LayerNorm(HEAD_WIDTH)
        self.pool_v = _pool(size.keys)
        self.norm_v = nn.LayerNorm(HEAD_WIDTH)

    def forward(self, x: torch.Tensor, grid: Grid) -> torch.Tensor:
        query, key, value = (self._by_head(part(x)) for part in (self.q, self.k, self.v))
        if self.pool_q is not None:
            query = self.norm_q(pooled_tokens(query, grid, self.pool_q))
        key = self.norm_k(pooled_tokens(key, grid, self.pool_k))
        value = self.norm_v(pooled_tokens(value, grid, self.pool_v))
        weights = (query * HEAD_WIDTH**-0.5 @ key.transpose(-2, -1)).softmax(-1)
        seen: torch.Tensor = self.proj((weights @ value).transpose(1, 2).flatten(2))
        return seen

    def _by_head(self, x: torch.Tensor) -> torch.Tensor:
        return x.unflatten(-1, (self.heads, HEAD_WIDTH)).transpose(1, 2)


class _Mlp(nn.Module):
    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.fc2(nn.functional.gelu(self.fc1(x)))
        return out


class _Block(nn.Module):
    def __init__(self, size: _Size) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(size.width, EPSILON)
        self.attn = _Attention(size)
        self.norm2 = nn.LayerNorm(size.width, EPSILON)
        self.mlp = _Mlp(size.width, size.out)
        self.proj = nn.Linear(size.width, size.out) if size.out != size.width else None
        self.query = size.query
        self.shortcut = nn.MaxPool3d((1, 3, 3), (1, size.query, size.query), (0, 1, 1))

    def forward(self, x: torch.Tensor, grid: Grid) -> torch.Tensor:
        seen = self.attn(self.norm1(x), grid)
        if self.query > 1:
            x = pooled_tokens(x.unsqueeze(1), grid, self.shortcut).squeeze(1)
        x = x + seen
        normed = self.norm2(x)
        if self.proj is not None:
            x = self.proj(normed)
        moved: torch.Tensor = x + self.mlp(normed)
        return moved


class _Patches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patch_model = nn.Conv3d(3, WIDTHS[0], (3, 7, 7), (2, 4, 4), (1, 3, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        patches: torch.Tensor = self.patch_model(x)
        return patches.flatten(2).transpose(1, 2)


class _Positions(nn.Module):
    """Puts the class token in front and adds where each token lies in time and in space."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        frames, cells = grid[0], grid[1] * grid[2]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTHS[0]))
        self.pos_embed_spatial = nn.Parameter(torch.zeros(1, cells, WIDTHS[0]))
        self.pos_embed_temporal = nn.Parameter(torch.zeros(1, frames, WIDTHS[0]))
        self.pos_embed_class = nn.Parameter(torch.zeros(1, 1, WIDTHS[0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = (self.pos_embed_temporal.unsqueeze(2) + self.pos_embed_spatial.unsqueeze(1)).flatten(1, 2)
        first = (self.cls_token + self.pos_embed_class).expand(x.shape[0], -1, -1)
        return torch.cat((first, x + places), 1)


class _Head(nn.Module):
    def __init__(self, classes: int) -> None:
        super().__init__()
        self.proj = nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.proj(x[:, 0])
        return scores


class Mvit(nn.Module):
    """The network. frames and crop are those of its positions: 16 and 224 unless the weights say otherwise."""

    def __init__(self, classes: int, activation: str, frames: int = 16, crop: int = 224) -> None:
        super().__init__()
        self.grid: Grid = (frames // 2, crop // 4, crop // 4)
        self.patch_embed = _Patches()
        self.cls_positional_encoding = _Positions(self.grid)
        self.blocks = nn.ModuleList(_Block(size) for size in _sizes())
        self.norm_embed = nn.LayerNorm(WIDTHS[-1], EPSILON)
        self.head = _Head(classes)
        self.activation = activation

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.cls_positional_encoding(self.patch_embed(x))
        grid = self.grid
        for block in self.blocks:
            x = block(x, grid)
            step = block.query
            grid = (grid[0], -(-grid[1] // step), -(-grid[2] // step))
        scores: torch.Tensor = self.head(self.norm_embed(x))
        return scores.softmax(-1) if self.activation == "softmax" else scores


def _sizes() -> list[_Size]:
    sizes = []
    keys = FIRST_KEY_STRIDE
    for number, width in enumerate(WIDTHS):
        query = QUERY_STRIDES.get(number, 1)
        keys = max(keys // query, 1)
        out = WIDTHS[min(number + 1, len(WIDTHS) - 1)]
        sizes.append(_Size(width, out, query, keys))
    return sizes


def _pool(stride: int) -> nn.Conv3d:
    step: Kernel = (1, stride, stride)
    return nn.Conv3d(HEAD_WIDTH, HEAD_WIDTH, 3, step, 1, groups=HEAD_WIDTH, bias=False)
