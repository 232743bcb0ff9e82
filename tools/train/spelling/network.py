"""The spelling network: what each frame shows, from the frames around it; a few convolutions over time.

Trained on whole sequences, exported for windows: a frame's answer depends on PAST frames before it and FUTURE after.
"""

import os

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from .corpus import Taught
from .strings import CLASSES

PAST, FUTURE = 20, 8
STEPS = 1 + PAST + 1 + FUTURE
POINTS = 21
ENCODER = (112, 64)
FILTERS = 64
HEAD = 80
# wrist's way in the row: the two columns behind the points
WAY = slice(2 * POINTS, 2 * POINTS + 2)
# each convolution's taps, in frames from the one that is answered
NEAR, MIDDLE, WIDE = (-2, -1, 0, 1, 2), (-4, -2, 0, 2, 4), (-14, -10, -6, -2, 2)
# how much a step from one frame to the next counts beside where the points are, and what of it is told at most
STEP_SCALE, STEP_MOST = 6.0, 3.0
PEAK_RATE = 3e-3
BATCH = 24


class Network(nn.Module):
    """(batch, steps, width) rows, the last column 1 where a hand is seen → (batch, steps − STEPS + 1, classes)."""

    def __init__(self, width: int, classes: int = len(CLASSES)) -> None:
        super().__init__()
        self.first = nn.Linear(width + WAY.start, ENCODER[0])
        self.second = nn.Linear(ENCODER[0], ENCODER[1])
        self.near = nn.Linear(len(NEAR) * ENCODER[1], FILTERS)
        self.middle = nn.Linear(len(MIDDLE) * FILTERS, FILTERS)
        self.wide = nn.Linear(len(WIDE) * FILTERS, FILTERS)
        self.head = nn.Linear(ENCODER[1] + 3 * FILTERS, HEAD)
        self.last = nn.Linear(HEAD, classes)
        for linear in (self.first, self.second, self.near, self.middle, self.wide, self.head, self.last):
            nn.init.kaiming_uniform_(linear.weight, nonlinearity="relu")
            nn.init.zeros_(linear.bias)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        dropout = nn.functional.dropout
        hidden = dropout(self.first(moving(rows)).relu(), 0.1, self.training)
        encoded = self.second(hidden).relu()
        near = self.near(_at(encoded, NEAR)).relu()
        middle = self.middle(_at(near, MIDDLE)).relu()
        wide = self.wide(_at(dropout(middle, 0.1, self.training), WIDE)).relu()
        count = wide.shape[1]
        # each stage begins later than the one before by what its first tap looks back
        joined = torch.cat(
            [
                encoded[:, PAST : PAST + count],
                near[:, PAST - 2 : PAST - 2 + count],
                middle[:, PAST - 6 : PAST - 6 + count],
                wide,
            ],
            dim=-1,
        )
        return self.last(self.head(dropout(joined, 0.2, self.training)).relu())


def moving(rows: torch.Tensor) -> torch.Tensor:
    """Rows from the second on, before them every point's and the wrist's step since the row before.

    The wrist's step stands in place of where it is; steps are told large, as a letter made twice differs by them alone.
    """
    seen = rows[:, 1:, -1:] * rows[:, :-1, -1:]
    step = (rows[:, 1:, : WAY.stop] - rows[:, :-1, : WAY.stop]) * seen
    told = (STEP_SCALE * step).clamp(-STEP_MOST, STEP_MOST)
    return torch.cat([told, rows[:, 1:, : WAY.start], rows[:, 1:, WAY.stop :]], dim=-1)


def _at(values: torch.Tensor, taps: tuple[int, ...]) -> torch.Tensor:
    count = values.shape[1] - (taps[-1] - taps[0])
    return torch.cat([values[:, tap - taps[0] : tap - taps[0] + count] for tap in taps], dim=-1)


def padded(rows: torch.Tensor) -> torch.Tensor:
    """Frames in which no hand is seen before and after, so that every frame is answered."""
    return nn.functional.pad(rows, (0, 0, PAST + 1, FUTURE))


def train(taught: Taught, epochs: int, seed: int, mirrored: float = 0.1) -> Network:
    """A new network."""
    torch.manual_seed(seed)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    width = taught.rows.shape[2]
    network = Network(width)
    optimizer = torch.optim.AdamW(network.parameters(), PEAK_RATE, weight_decay=0.02)
    total = epochs * -(-len(taught.rows) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=total, pct_start=0.15)
    rows, classes, counts = (torch.from_numpy(one) for one in (taught.rows, taught.classes, taught.counts))
    mirror = torch.ones(width)
    mirror[: 2 * POINTS + 2 : 2] = -1.0
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.03, reduction="none", ignore_index=-1)
    for epoch in range(epochs):
        losses = []
        for chosen in torch.randperm(len(rows)).split(BATCH):
            batch = rows[chosen].float()
            batch = torch.where(torch.rand(len(chosen), 1, 1) < mirrored, batch * mirror, batch)
            batch = batch + 0.006 * torch.randn_like(batch) * batch[..., -1:]
            logits = network(padded(batch))
            worth = counts[chosen].float()
            each = loss_of(logits.flatten(0, 1), classes[chosen].long().flatten()).view(worth.shape)
            loss = (each * worth).sum() / worth.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        print(f"epoch {epoch + 1}/{epochs} loss {np.mean(losses):.4f}", flush=True)
    network.eval()
    return network


def answers(network: Network, rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """T × classes probabilities of one sequence of T rows."""
    with torch.no_grad():
        return np.asarray(network(padded(torch.from_numpy(rows)[None]))[0].softmax(dim=-1).numpy())
