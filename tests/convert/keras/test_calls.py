"""Calls of a functional model run in an order that is the file's own."""

import os
import subprocess
import sys
from pathlib import Path

from tests.convert.made import layer, save_h5

NAMES = [f"branch_{number}" for number in range(8)]
READ = (
    "import sys, tempfile; from pathlib import Path; from convert.keras.reader import read_keras\n"
    "print([call.name for call in read_keras(Path(sys.argv[1]), Path(tempfile.mkdtemp())).calls])"
)


def test_the_same_file_gives_the_same_graph_whatever_pythons_hashes_are(tmp_path: Path) -> None:
    branches = [
        {**layer("Activation", name, activation="tanh"), "name": name, "inbound_nodes": [[["stem", 0, 0, {}]]]}
        for name in NAMES
    ]
    first = {**layer("InputLayer", "x", batch_input_shape=[None, 3]), "name": "x", "inbound_nodes": []}
    stem = {**layer("Activation", "stem", activation="relu"), "name": "stem", "inbound_nodes": [[["x", 0, 0, {}]]]}
    inbound = [[[name, 0, 0, {}] for name in NAMES]]
    last = {**layer("Add", "sum"), "name": "sum", "inbound_nodes": inbound}
    config = {"name": "m", "layers": [first, stem, *branches, last], "input_layers": [["x", 0, 0]]}
    architecture = {"class_name": "Functional", "config": config | {"output_layers": [["sum", 0, 0]]}}
    file = save_h5(tmp_path / "m.h5", architecture, {}, "2.15.0")
    said = {
        subprocess.run(
            [sys.executable, "-c", READ, str(file)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert said == {str(["stem", *NAMES, "sum"]) + "\n"}
