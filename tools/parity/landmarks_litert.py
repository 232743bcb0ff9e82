"""Runs with ai-edge-litert, in an environment of its own: each .tflite file's answers to stored inputs.

python landmarks_litert.py WORK: reads WORK/sources.json (name → path) and WORK/NAME.inputs.npy (trials × H × W × 3,
float32 in the network's own range), writes WORK/NAME.outputs.npz (output → trials × …).
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter


def answers(path: str, inputs: np.ndarray) -> dict[str, Any]:
    """What the file's network says to each input, by the name of the output's tensor."""
    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    entry = interpreter.get_input_details()[0]["index"]
    found: dict[str, list[np.ndarray]] = {}
    for values in inputs:
        interpreter.set_tensor(entry, values[None])
        interpreter.invoke()
        for output in interpreter.get_output_details():
            found.setdefault(output["name"], []).append(interpreter.get_tensor(output["index"])[0])
    return {name: np.stack(rows) for name, rows in found.items()}


def main(work: Path) -> None:
    for name, path in json.loads((work / "sources.json").read_text("utf-8")).items():
        np.savez(work / f"{name}.outputs.npz", **answers(path, np.load(work / f"{name}.inputs.npy")))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
