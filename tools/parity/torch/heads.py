"""Heads as people write them in PyTorch, their checkpoints and what they answer.

    python -m tools.parity.torch.heads tests/data/torch

writes NAME.pt (the state_dict) and NAME.npz (x0, y0, and mask where steps are padded) of each head that the tests keep.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

STEPS, WIDTH = 12, 10
KEPT = ("lstm", "lstm_bi_hidden", "lstm_packed", "gru_deep", "conv", "conv_flat", "conv_valid", "mlp")


class Layers(nn.Module):
    """A recurrent layer and a linear one."""

    def __init__(
        self, kind: type[nn.RNNBase] = nn.LSTM, layers: int = 2, both: bool = False, classes: int = 1,
        readout: str = "last",
    ) -> None:  # fmt: skip
        super().__init__()
        self.lstm = kind(WIDTH, 8, layers, batch_first=True, bidirectional=both)
        self.dropout = nn.Dropout(0.3)
        self.fc = nn.Linear(16 if both else 8, classes)
        self.readout = readout


class Recurrent(Layers):
    """With the readout between them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        steps, state = self.lstm(x)
        last = state[0] if isinstance(state, tuple) else state
        row = {
            "last": lambda: steps[:, -1],
            "hidden": lambda: torch.cat([last[-2], last[-1]], 1) if self.lstm.bidirectional else last[-1],
            "mean": lambda: steps.mean(1),
            "max": lambda: steps.max(1).values,
        }[self.readout]()
        return self.fc(self.dropout(row))


class Packed(Layers):
    """Trained on packed sequences: what is padded is not seen."""

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (last, _) = self.lstm(packed)
        return self.fc(torch.cat([last[-2], last[-1]], 1))


class Deep(nn.Module):
    """Norm, projection, GRU, and a head of several layers."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.proj = nn.Linear(WIDTH, 6)
        self.gru = nn.GRU(6, 5, batch_first=True)
        self.head = nn.Sequential(nn.LayerNorm(5), nn.Linear(5, 4), nn.ReLU(), nn.Dropout(0.1), nn.Linear(4, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.gru(torch.relu(self.proj(self.norm(x))))[0][:, -1])


class Convolutional(nn.Module):
    """Two 1-D convolutions, with norms or without, and two linear layers."""

    def __init__(self, readout: str = "mean", norms: bool = True) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv1d(WIDTH, 6, 3, padding=1), *([nn.BatchNorm1d(6)] if norms else []), nn.ReLU(),
            nn.Conv1d(6, 7, 5, padding=2), *([nn.BatchNorm1d(7)] if norms else []), nn.ReLU(),
        )  # fmt: skip
        read = 7 * STEPS if readout == "flatten" else 7
        self.classifier = nn.Sequential(nn.Linear(read, 5), nn.ReLU(), nn.Linear(5, 1))
        self.readout = readout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.features(x.transpose(1, 2))
        row = {
            "mean": lambda: y.mean(-1),
            "max": lambda: y.amax(-1),
            "last": lambda: y[..., -1],
            "flatten": lambda: y.flatten(1),
        }[self.readout]()
        return self.classifier(row)


class Valid(nn.Module):
    """Convolutions that shorten the sequence, with tanh, the first without a bias."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(WIDTH, 6, 4, bias=False)
        self.conv2 = nn.Conv1d(6, 6, 3)
        self.fc = nn.Linear(6, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(torch.tanh(self.conv2(torch.tanh(self.conv1(x.transpose(1, 2))))).amax(-1))


def mlp() -> nn.Module:
    """Linear layers over forty statistics."""
    return nn.Sequential(nn.Linear(4 * WIDTH, 8), nn.BatchNorm1d(8), nn.GELU(), nn.Linear(8, 3))


@dataclass(frozen=True, slots=True)
class Made:
    """How a head is made, and the flags that say what is not in its weights."""

    make: Callable[[], nn.Module]
    flags: tuple[str, ...] = ()


HEADS = {
    "lstm": Made(Recurrent, ("--readout", "last")),
    "lstm_bi_last": Made(lambda: Recurrent(both=True), ("--readout", "last")),
    "lstm_bi_hidden": Made(lambda: Recurrent(both=True, readout="hidden"), ("--readout", "hidden")),
    "lstm_mean": Made(lambda: Recurrent(layers=3, classes=3, readout="mean"), ("--readout", "mean")),
    "lstm_max": Made(lambda: Recurrent(both=True, readout="max"), ("--readout", "max")),
    "lstm_packed": Made(lambda: Packed(both=True), ("--readout", "hidden", "--masked")),
    "gru": Made(lambda: Recurrent(nn.GRU), ("--readout", "last")),
    "gru_bi_hidden": Made(lambda: Recurrent(nn.GRU, 1, both=True, readout="hidden"), ("--readout", "hidden")),
    "gru_deep": Made(Deep),
    "rnn": Made(lambda: Recurrent(nn.RNN, 1)),
    "conv": Made(Convolutional, ("--readout", "mean")),
    "conv_max": Made(lambda: Convolutional("max", norms=False), ("--readout", "max")),
    "conv_last": Made(lambda: Convolutional("last"), ("--readout", "last")),
    "conv_flat": Made(lambda: Convolutional("flatten")),
    "conv_valid": Made(Valid, ("--readout", "max", "--padding", "valid", "--hidden", "tanh")),
    "mlp": Made(mlp, ("--hidden", "gelu")),
}


def made(name: str, seed: int = 0) -> nn.Module:
    """A head with random weights, its norms as if they had seen data."""
    torch.manual_seed(seed)
    head = HEADS[name].make()
    for module in head.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2)
        if isinstance(module, nn.BatchNorm1d | nn.LayerNorm):
            module.weight.data.uniform_(-1, 1.5)
            module.bias.data.normal_()
    return head.eval()


def answered(head: nn.Module, seed: int = 1) -> dict[str, Any]:
    """Inputs (x0, and x1: a mask where steps are padded) and what the head answers (y0)."""
    torch.manual_seed(seed)
    linear = next(iter(head.children()))
    with torch.no_grad():
        if isinstance(linear, nn.Linear):
            x = torch.randn(5, 4 * WIDTH)
            return {"x0": x.numpy(), "y0": head(x).numpy()}
        x = torch.randn(5, STEPS, WIDTH)
        if not isinstance(head, Packed):
            return {"x0": x.numpy(), "y0": head(x).numpy()}
        lengths = torch.tensor([12, 7, 1, 9, 4])
        mask = (torch.arange(STEPS)[None] < lengths[:, None]).float()
        x = x * mask[..., None]
        return {"x0": x.numpy(), "x1": mask.numpy(), "y0": head(x, lengths).numpy()}


if __name__ == "__main__":
    for kept in KEPT:
        network = made(kept)
        torch.save(network.state_dict(), Path(sys.argv[1]) / f"{kept}.pt")
        np.savez_compressed(Path(sys.argv[1]) / f"{kept}.npz", **answered(network))
