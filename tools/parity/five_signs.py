"""Runs in a parity environment: the 5-sign keypoint LSTM with real Keras, saved as .h5 and .keras, with golden outputs.

python tools/parity/five_signs.py FOLDER        writes FOLDER/five_signs_kV.h5, .keras and .npz for the Keras that runs
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

STEPS, WIDTH, SIGNS = 208, 114, 5


def main(folder: Path) -> None:
    """Build, fill with weights that give unsaturated answers, save, record."""
    major = keras.__version__.split(".", maxsplit=1)[0]
    model = keras.Sequential(
        [
            keras.layers.Input((STEPS, WIDTH)),
            keras.layers.LSTM(64, return_sequences=True),
            keras.layers.LSTM(32),
            keras.layers.Dense(SIGNS, activation="softmax"),
        ],
        name="five_signs",
    )
    rng = np.random.default_rng(int(major))
    shapes = [one.shape for one in model.get_weights()]
    model.set_weights([rng.normal(0, 2.0 / np.sqrt(shape[0]), shape).astype(np.float32) for shape in shapes])
    inputs = rng.uniform(0, 1, (4, STEPS, WIDTH)).astype(np.float16)
    for row, length in enumerate((208, 206, 190, 62)):
        inputs[row, length:] = 0
    inputs[2, ::5, :42] = 0
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / f"five_signs_k{major}.h5")
    model.save(folder / f"five_signs_k{major}.keras")
    np.savez_compressed(
        folder / f"five_signs_k{major}.npz",
        x0=inputs,
        y0=model.predict(inputs.astype(np.float32), verbose=0),
        keras_version=keras.__version__,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
