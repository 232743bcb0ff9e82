"""The network and its training: a small encoder of each step, two convolutions over time, pooling, softmax.

It is trained as a plain torch module and then copied into the Keras model that is kept; `as_keras` proves that both
answer alike. A photograph is one frame told as many times as there are steps: it is trained on as five steps, of which
the middle one counts for all that have only their like beside them, which is the same answer for a third of the time.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
import torch
from keras import layers
from numpy.typing import NDArray
from torch import nn

Model: TypeAlias = keras.Model
Values = NDArray[np.float32]
Weights: TypeAlias = dict[str, tuple[Values, Values]]

ENCODER = (192, 128)
FILTERS = 96
HEAD = 96
BATCH, STILL_BATCH = 96, 160
PEAK_RATE = 2e-3
STILL_STEPS = 5
MIRRORED = 0.12
SAME = 1e-4
LAYERS = ("first", "second", "near", "wide", "head", "last")
# a row: x and y of the points, the wrist's way in x and y, then distances, which a mirrored hand keeps
POINTS = 21


class Network(nn.Module):
    """(batch, steps, width) → (batch, classes) logits; a convolution is a product over three neighboring steps."""

    def __init__(self, width: int, classes: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, ENCODER[0])
        self.second = nn.Linear(ENCODER[0], ENCODER[1])
        self.near = nn.Linear(3 * ENCODER[1], FILTERS)
        self.wide = nn.Linear(3 * FILTERS, FILTERS)
        self.head = nn.Linear(2 * FILTERS, HEAD)
        self.last = nn.Linear(HEAD, classes)
        for linear in self.linears():
            nn.init.kaiming_uniform_(linear.weight, nonlinearity="relu")
            nn.init.zeros_(linear.bias)

    def linears(self) -> tuple[nn.Linear, ...]:
        return self.first, self.second, self.near, self.wide, self.head, self.last

    def begin_as(self, weights: Weights) -> None:
        """Take the weights of an earlier network: kernels (…, in, out) and biases by the names of LAYERS."""
        with torch.no_grad():
            for name, linear in zip(LAYERS, self.linears(), strict=True):
                kernel, bias = weights[name]
                linear.weight.copy_(torch.from_numpy(kernel.reshape(-1, kernel.shape[-1]).T.copy()))
                linear.bias.copy_(torch.from_numpy(bias.copy()))

    def forward(self, values: torch.Tensor, shares: torch.Tensor | None = None) -> torch.Tensor:
        """`shares`: how much each step counts in the mean over time; all alike where it is None."""
        hidden = nn.functional.dropout(self.first(values).relu(), 0.15, self.training)
        hidden = self.second(hidden).relu()
        hidden = self.near(_neighbors(hidden)).relu()
        hidden = self.wide(_neighbors(hidden)).relu()
        mean = hidden.mean(dim=1) if shares is None else (hidden * shares[:, None]).sum(dim=1)
        pooled = nn.functional.dropout(torch.cat([mean, hidden.amax(dim=1)], dim=-1), 0.25, self.training)
        return self.last(self.head(pooled).relu())


def _neighbors(values: torch.Tensor) -> torch.Tensor:
    padded = nn.functional.pad(values, (0, 0, 1, 1))
    return torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], dim=-1)


@dataclass(frozen=True, slots=True)
class Lesson:
    """What is taught: N × steps × width sequences and M × width photographs, each with its targets."""

    values: Values
    targets: Values
    stills: Values
    still_targets: Values


def train(lesson: Lesson, epochs: int, seed: int, start: Weights | None = None) -> Network:
    """Train a network, from the weights of an earlier one where `start` has them.

    Every pass sees the values with a little other noise, and some hands mirrored. Each batch of sequences goes with
    one of photographs, which are drawn again when all have been seen.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    steps, width = lesson.values.shape[1:]
    network = Network(width, lesson.targets.shape[1])
    if start:
        network.begin_as(start)
    values, targets = torch.from_numpy(lesson.values), torch.from_numpy(lesson.targets)
    stills, still_targets = torch.from_numpy(lesson.stills), torch.from_numpy(lesson.still_targets)
    shares, drawn = still_shares(steps), _drawn_again(len(stills))
    batches = -(-len(values) // BATCH)
    optimizer, schedule = _rates(network.parameters(), epochs * batches)
    for epoch in range(epochs):
        losses = []
        for rows in torch.randperm(len(values)).split(BATCH):
            loss = _loss(network(_disturbed(values[rows])), targets[rows])
            chosen = next(drawn)
            photographs = _disturbed(stills[chosen][:, None]).expand(-1, STILL_STEPS, -1)
            loss = loss + _loss(network(photographs, shares), still_targets[chosen])
            _improve(loss, optimizer, schedule)
            losses.append(float(loss.detach()))
        print(f"epoch {epoch + 1}/{epochs} loss {np.mean(losses):.4f}", flush=True)
    return network.eval()


def _rates(
    parameters: Iterable[nn.Parameter], steps: int
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    optimizer = torch.optim.AdamW(parameters, PEAK_RATE, weight_decay=0.02)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.2)


def _loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return nn.functional.cross_entropy(logits, targets, label_smoothing=0.04)


def _improve(
    loss: torch.Tensor, optimizer: torch.optim.Optimizer, schedule: torch.optim.lr_scheduler.LRScheduler
) -> None:
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    schedule.step()


def still_shares(steps: int) -> torch.Tensor:
    """How much each of STILL_STEPS counts for `steps` steps that are all alike: their ends see the padding."""
    shares = torch.ones(STILL_STEPS)
    shares[STILL_STEPS // 2] = steps - STILL_STEPS + 1
    return shares / steps


def _drawn_again(count: int) -> Iterator[torch.Tensor]:
    while True:
        yield from torch.randperm(count).split(STILL_BATCH)


def _disturbed(batch: torch.Tensor) -> torch.Tensor:
    """Values with a little noise; a share of the hands mirrored."""
    mirror = torch.ones(batch.shape[2])
    mirror[: 2 * POINTS + 2 : 2] = -1.0
    batch = torch.where(torch.rand(len(batch), 1, 1) < MIRRORED, batch * mirror, batch)
    return batch + 0.008 * torch.randn_like(batch)


def as_keras(network: Network, steps: int) -> keras.Model:
    """The same network as a Keras model that ends in probabilities; ValueError where their answers differ."""
    width = network.first.in_features
    values = keras.Input((steps, width), name="x")
    weights = {
        name: (linear.weight.detach().numpy().T, linear.bias.detach().numpy())
        for name, linear in zip(LAYERS, network.linears(), strict=True)
    }
    model = keras.Model(values, answer(values, weights))
    sample, stills = torch.randn(64, steps, width), torch.randn(64, 1, width)
    told = torch.cat([sample, stills.expand(-1, steps, -1)]).numpy()
    with torch.no_grad():
        short = network(stills.expand(-1, STILL_STEPS, -1), still_shares(steps))
        there = torch.cat([network(sample), short]).softmax(dim=1).numpy()
    difference = float(np.abs(probabilities(model, told) - there).max())
    if difference > SAME:
        raise ValueError(
            f"the Keras model differs from the trained one by {difference:.2g}; at most {SAME:g} is allowed"
        )
    return model


def answer(values: keras.KerasTensor, weights: Weights, prefix: str = "") -> keras.KerasTensor:
    """The probabilities of one network over `values`; weights: kernel and bias of each of LAYERS."""

    def dense(units: int, name: str, activation: str = "relu") -> layers.Layer:
        return layers.Dense(units, activation=activation, name=prefix + name)

    def convolution(name: str) -> layers.Layer:
        return layers.Conv1D(FILTERS, 3, padding="same", activation="relu", name=prefix + name)

    first, second, near, wide = (
        dense(ENCODER[0], "first"),
        dense(ENCODER[1], "second"),
        convolution("near"),
        convolution("wide"),
    )
    head, last = dense(HEAD, "head"), dense(len(weights["last"][1]), "last", "softmax")
    hidden = wide(near(second(first(values))))
    pooled = layers.Concatenate(name=prefix + "pooled")(
        [
            layers.GlobalAveragePooling1D(name=prefix + "mean")(hidden),
            layers.GlobalMaxPooling1D(name=prefix + "most")(hidden),
        ]
    )
    told = last(head(pooled))
    for name, layer in zip(LAYERS, (first, second, near, wide, head, last), strict=True):
        kernel, bias = weights[name]
        layer.set_weights([kernel.reshape(layer.kernel.shape), bias])
    return told


def load(path: Path) -> keras.Model:
    """A Keras model from its file."""
    return keras.models.load_model(path)


def probabilities(model: keras.Model, values: Values) -> Values:
    """N × classes, without training's randomness."""
    with torch.no_grad():
        parts = [
            model(torch.from_numpy(part), training=False).numpy()
            for part in np.array_split(values, max(1, len(values) // 2048))
        ]
    return np.concatenate(parts)
