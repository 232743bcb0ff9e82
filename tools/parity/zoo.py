"""Runs in a parity environment: builds the zoo of small models with real Keras, saves each with its own outputs.

python tools/parity/zoo.py FOLDER        writes FOLDER/NAME.h5 or .keras and NAME.npz (x0 …, y0 …) for every case
"""

import json
import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras_cases import KerasCase, all_cases

BATCHES = (1, 7)


def fill_weights(model: keras.Model, rng: np.random.Generator) -> None:
    """Weights of a size that keeps answers apart; variances positive."""
    for weight in model.weights:
        name = weight.name.rsplit("/", 1)[-1]
        shape = tuple(weight.shape)
        if "seed" in name or "count" in name or "StateVar" in name:
            continue
        spread = 0.6 / np.sqrt(max(int(np.prod(shape[:-1])), 1))
        if "variance" in name:
            values = rng.uniform(0.5, 2.0, shape)
        elif "gamma" in name:
            values = rng.uniform(0.5, 1.5, shape)
        elif "embeddings" in name:
            values = rng.normal(0, 1, shape)
        else:
            values = rng.normal(0, max(spread, 0.15), shape)
        weight.assign(values.astype(np.float32))
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def inputs_for(model: keras.Model, case: KerasCase, rng: np.random.Generator) -> list[np.ndarray]:
    """Rows of a batch: whole, padded behind, padded before, with gaps, padding alone."""
    arrays = []
    batch = case.batch or sum(BATCHES)
    for one in model.inputs:
        shape = (batch, *(case.steps if size is None else int(size) for size in tuple(one.shape)[1:]))
        values = rng.uniform(-1.5, 1.5, shape).astype(np.float32)
        if case.whole_numbers:
            values = rng.integers(0, case.whole_numbers, shape).astype(np.float32)
        if case.padded:
            steps = shape[1]
            for row in range(batch):
                pad(values[row], row, steps, case)
        arrays.append(values)
    return arrays


def pad(row: np.ndarray, number: int, steps: int, case: KerasCase) -> None:
    """One row's padding, by its number."""
    value = case.mask_value
    match number % 6:
        case 1:
            row[steps - 2 :] = value
        case 2:
            row[:2] = value
        case 3:
            row[1::2] = value
        case 4 if case.empty_rows:
            row[:] = value
        case 5:
            row[0] = value
            row[-1] = value


def outputs_of(model: keras.Model, arrays: list[np.ndarray], case: KerasCase) -> list[np.ndarray]:
    """Keras' own answers, asked in batches of several sizes."""
    if case.batch:
        answers = model.predict_on_batch(arrays if len(arrays) > 1 else arrays[0])
        return [np.asarray(one) for one in (answers if isinstance(answers, (list, tuple)) else [answers])]
    parts = []
    start = 0
    for size in BATCHES:
        piece = [array[start : start + size] for array in arrays]
        answers = model.predict_on_batch(piece if len(piece) > 1 else piece[0])
        parts.append(list(answers) if isinstance(answers, (list, tuple)) else [answers])
        start += size
    return [np.concatenate([np.asarray(part[k]) for part in parts]) for k in range(len(parts[0]))]


def build_all(folder: Path, wanted: Callable[[str], bool]) -> None:
    """Every case that this Keras can build, in turn as .h5 and as .keras."""
    folder.mkdir(parents=True, exist_ok=True)
    left_out = {}
    names = []
    for number, case in enumerate(all_cases()):
        if not wanted(case.name):
            continue
        rng = np.random.default_rng(number)
        keras.backend.clear_session()
        suffix = "keras" if number % 2 else "h5"
        try:
            model = case.build()
            fill_weights(model, rng)
            arrays = inputs_for(model, case, rng)
            outputs = outputs_of(model, arrays, case)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.save(folder / f"{case.name}.{suffix}")
        except Exception as error:  # noqa: BLE001 - whatever this Keras cannot build is listed with its reason
            left_out[case.name] = f"{type(error).__name__}: {str(error).splitlines()[0][:160] if str(error) else ''}"
            continue
        record: dict[str, Any] = {f"x{k}": array for k, array in enumerate(arrays)} | {
            f"y{k}": one for k, one in enumerate(outputs)
        }
        np.savez_compressed(folder / f"{case.name}.npz", **record)
        names.append({"name": case.name, "file": f"{case.name}.{suffix}", "group": case.group})
    backend = keras.backend.backend()
    document = {"keras": keras.__version__, "backend": backend, "cases": names, "left_out": left_out}
    (folder / "zoo.json").write_text(json.dumps(document, indent=1, ensure_ascii=False), encoding="utf-8")
    print(f"keras {keras.__version__} on {backend}: {len(names)} models, {len(left_out)} not buildable")
    for name, reason in left_out.items():
        print(f"  {name}: {reason}")


if __name__ == "__main__":
    only = sys.argv[2] if len(sys.argv) > 2 else ""
    build_all(Path(sys.argv[1]), lambda name: only in name)
