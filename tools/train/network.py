"""The network and its training: a small encoder of each step, two convolutions over time, pooling, softmax.

It is trained as a plain torch module in bfloat16, which takes a third of the time on a processor, and then copied
into the Keras model that is kept; `as_keras` proves that both answer alike.
"""

import os
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

ENCODER = (192, 128)
FILTERS = 96
HEAD = 96
BATCH = 256
PEAK_RATE = 4e-3
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

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        dropout = nn.functional.dropout
        hidden = dropout(self.first(values).relu(), 0.15, self.training)
        hidden = self.second(hidden).relu()
        hidden = self.near(_neighbors(hidden)).relu()
        hidden = self.wide(_neighbors(hidden)).relu()
        pooled = dropout(torch.cat([hidden.mean(dim=1), hidden.amax(dim=1)], dim=-1), 0.25, self.training)
        return self.last(self.head(pooled).relu())


def _neighbors(values: torch.Tensor) -> torch.Tensor:
    padded = nn.functional.pad(values, (0, 0, 1, 1))
    return torch.cat([padded[:, :-2], padded[:, 1:-1], padded[:, 2:]], dim=-1)


def train(values: Values, targets: Values, epochs: int, seed: int, mirrored: float = 0.12) -> Network:
    """Train a new network; every epoch sees the values with a little other noise, and some hands mirrored."""
    torch.manual_seed(seed)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
    network = Network(values.shape[2], targets.shape[1])
    optimizer = torch.optim.AdamW(network.parameters(), PEAK_RATE, weight_decay=0.02)
    steps = epochs * -(-len(values) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.2)
    inputs, wanted = torch.from_numpy(values), torch.from_numpy(targets)
    mirror = torch.ones(values.shape[2])
    mirror[: 2 * POINTS + 2 : 2] = -1.0
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.04)
    for epoch in range(epochs):
        losses = []
        for rows in torch.randperm(len(inputs)).split(BATCH):
            batch = inputs[rows]
            batch = torch.where(torch.rand(len(rows), 1, 1) < mirrored, batch * mirror, batch)
            batch = batch + 0.008 * torch.randn_like(batch)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                logits = network(batch)
            loss = loss_of(logits.float(), wanted[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        print(f"epoch {epoch + 1}/{epochs} loss {np.mean(losses):.4f}", flush=True)
    return network.eval()


def as_keras(network: Network, steps: int) -> keras.Model:
    """The same network as a Keras model that ends in probabilities; ValueError where their answers differ."""
    width = network.first.in_features
    values = keras.Input((steps, width), name="x")
    weights = {
        name: (linear.weight.detach().numpy().T, linear.bias.detach().numpy())
        for name, linear in zip(LAYERS, network.linears(), strict=True)
    }
    model = keras.Model(values, answer(values, weights))
    sample = torch.randn(64, steps, width)
    with torch.no_grad():
        there = network(sample).softmax(dim=1).numpy()
    difference = float(np.abs(probabilities(model, sample.numpy()) - there).max())
    if difference > SAME:
        raise ValueError(
            f"the Keras model differs from the trained one by {difference:.2g}; at most {SAME:g} is allowed"
        )
    return model


def answer(values: keras.KerasTensor, weights: dict[str, tuple[Values, Values]], prefix: str = "") -> keras.KerasTensor:
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
