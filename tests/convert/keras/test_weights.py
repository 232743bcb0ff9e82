"""Weights are found by their paths, whichever system wrote them."""

import io
import zipfile
from pathlib import Path

import h5py
import numpy as np

from tests.convert.running import read, session_of

WINDOWS = Path(__file__).parents[2] / "data" / "keras" / "windows_separator.keras"


def test_paths_that_windows_wrote_are_those_of_other_systems() -> None:
    with zipfile.ZipFile(WINDOWS) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as root:
        arrays = [root["layers\\" + name][f"vars/{index}"][()] for name in ("dense", "dense_1") for index in (0, 1)]
    x = np.random.default_rng(0).normal(size=(5, 42)).astype(np.float32)
    logits = np.maximum(x @ arrays[0] + arrays[1], 0) @ arrays[2] + arrays[3]
    wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    session, _ = session_of(read(WINDOWS))
    assert np.abs(session.run([x])[0] - wanted).max() <= 1e-6
