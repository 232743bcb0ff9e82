"""The engine's networks: model_store/landmarks, each loaded once a process and checked against its SHA-256."""

import hashlib
import json
from collections.abc import Sequence
from functools import cache

import numpy as np
import onnxruntime as ort

from service.media.upright import Pixels
from service.observe.landmark_files import FOLDER
from service.track import FloatArray

LIST = "networks.json"

_ERRORS_ONLY = 3


class Network:
    """One network, on the thread that calls it; any number of streams may share it."""

    def __init__(self, name: str, data: bytes) -> None:
        self._session = ort.InferenceSession(data, _options(), providers=["CPUExecutionProvider"])
        self._outputs = [output.name for output in self._session.get_outputs()]
        self.name = name
        self.side = int(self._session.get_inputs()[0].shape[1])

    def run(self, crops: Sequence[Pixels]) -> list[FloatArray]:
        """All outputs for N crops of side × side pixels, N rows each."""
        return [np.asarray(output) for output in self._session.run(self._outputs, {"image": np.stack(crops)})]


@cache
def network(name: str) -> Network:
    """The network of this name. Raises RuntimeError where its file is not there or not the listed one."""
    file = f"{name}.onnx"
    listed = {entry["file"]: entry["sha256"] for entry in json.loads((FOLDER / LIST).read_text("utf-8"))["networks"]}
    if file not in listed or not (FOLDER / file).exists():
        raise RuntimeError(f"the landmark network {name} is not in {FOLDER}: `make landmarks` writes it")
    data = (FOLDER / file).read_bytes()
    if hashlib.sha256(data).hexdigest() != listed[file]:
        raise RuntimeError(f"{FOLDER / file} is not the file that {LIST} lists: `make landmarks` writes it again")
    return Network(name, data)


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options
