"""Keras files made with h5py alone, as Keras 2 writes them: small models for tests without Keras."""

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]


def layer(kind: str, name: str, **config: Any) -> dict[str, Any]:
    """A layer's entry in a Sequential config."""
    return {"class_name": kind, "config": {"name": name, "trainable": True, **config}}


def sequential(shape: tuple[int | None, ...], *layers: dict[str, Any]) -> dict[str, Any]:
    """A Sequential architecture with its input."""
    entry = layer("InputLayer", "x", batch_input_shape=[None, *shape])
    return {"class_name": "Sequential", "config": {"name": "made", "layers": [entry, *layers]}}


def save_h5(path: Path, architecture: Any, weights: dict[str, Arrays], version: str = "2.15.0") -> Path:
    """Write a .h5 file; weights: layer → role → array, in Keras' order."""
    text = architecture if isinstance(architecture, str) else json.dumps(architecture)
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = text
        file.attrs["keras_version"] = version
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [name.encode() for name in weights]
        for name, arrays in weights.items():
            below = group.create_group(name)
            below.attrs["weight_names"] = [f"{name}/{role}:0".encode() for role in arrays]
            for role, array in arrays.items():
                below.create_dataset(f"{name}/{role}:0", data=array)
    return path


def dense_weights(inputs: int, units: int, seed: int = 0) -> Arrays:
    """A Dense layer's."""
    rng = np.random.default_rng(seed)
    return {
        "kernel": rng.normal(0, 0.4, (inputs, units)).astype(np.float32),
        "bias": rng.normal(0, 0.2, units).astype(np.float32),
    }


def recurrent_weights(inputs: int, units: int, gates: int, seed: int = 0) -> Arrays:
    """An LSTM's (4 gates), GRU's (3, reset before) or SimpleRNN's (1)."""
    rng = np.random.default_rng(seed)
    return {
        "kernel": rng.normal(0, 0.5, (inputs, gates * units)).astype(np.float32),
        "recurrent_kernel": rng.normal(0, 0.5, (units, gates * units)).astype(np.float32),
        "bias": rng.normal(0, 0.2, gates * units).astype(np.float32),
    }


def small_classifier(path: Path, inputs: int = 42, classes: int = 3, activation: str = "softmax") -> Path:
    """One Dense layer that ends in an activation."""
    return save_h5(
        path,
        sequential((inputs,), layer("Dense", "answer", units=classes, activation=activation, use_bias=True)),
        {"answer": dense_weights(inputs, classes)},
    )


def conv3d_features(path: Path) -> Path:
    """A network over chunks of C3D's size that ends in 600 numbers behind a relu: one cut before its classes."""
    rng = np.random.default_rng(0)
    layers = [
        layer("Conv3D", "c", filters=2, kernel_size=[3, 3, 3], strides=[4, 16, 16], activation="relu"),
        layer("Flatten", "f"),
        layer("Dense", "fc", units=600, activation="relu"),
    ]
    kernel = rng.normal(0, 0.2, (3, 3, 3, 3, 2)).astype(np.float32)
    weights = {"c": {"kernel": kernel, "bias": np.zeros(2, np.float32)}, "fc": dense_weights(4 * 7 * 7 * 2, 600)}
    return save_h5(path, sequential((16, 112, 112, 3), *layers), weights)
