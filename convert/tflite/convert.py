"""The isolated task `tflite`, and what its parent makes of it: a .tflite file → an ONNX file that is checked as any."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convert.files import compute_sha256, expect
from convert.isolation import run_isolated
from convert.model_info import ModelInfo, count_kinds
from convert.tflite.export import export
from convert.tflite.quantized import is_quantized
from convert.tflite.reader import Network, Tensor, read_network

GRAPH_FILE = "network.onnx"
_ENDINGS = {"SOFTMAX": "softmax", "LOGISTIC": "sigmoid", "FULLY_CONNECTED": "linear", "CONV_2D": "linear"}
_LOOKED_THROUGH = frozenset({"DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE"})
_ROUNDED = (
    "it computes in whole numbers; here the same values are computed in float32 and rounded to its steps, which may "
    "differ by a step or two"
)
_HYBRID = "its weights are whole numbers, its values are not: TensorFlow Lite rounds these on the way, we do not"


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A network as an ONNX file in a folder that goes with its context, and what the file said of it."""

    graph: Path
    file: Path
    described: dict[str, Any]

    def describe(self, info: ModelInfo) -> ModelInfo:
        """What is known of the ONNX file, as the .tflite file's own."""
        return replace(
            info,
            file=self.file.name,
            sha256=compute_sha256(self.file),
            framework=f"tflite ({self.described['numbers']})",
            layers=count_kinds(self.described["operations"]),
            output_activation=self.described["ending"] or info.output_activation,
            parameters=self.described["parameters"],
            warnings=(*self.described["notes"], *info.warnings),
        )


@contextmanager
def unpack_tflite(path: Path) -> Iterator[Unpacked]:
    """Read a .tflite file in a child process, which leaves its network as ONNX. Raises ConversionError."""
    expect(path, "tflite")
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        described = run_isolated("tflite", {"path": str(path.resolve())}, Path(folder))
        yield Unpacked(Path(folder) / GRAPH_FILE, path, described)


def run(request: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The child's task: the network of the file at `path` as ONNX in `folder`."""
    network = read_network(Path(request["path"]).read_bytes())
    (folder / GRAPH_FILE).write_bytes(export(network).SerializeToString())
    numbers, notes = _describe_numbers(network)
    return {
        "numbers": numbers,
        "notes": notes,
        "operations": [one.kind for one in network.operations],
        "parameters": sum(one.data.size for one in network.tensors if one.data is not None and _is_weight(one)),
        "ending": _find_ending(network),
    }


def _describe_numbers(network: Network) -> tuple[str, list[str]]:
    """(what it computes in, what a person should know of that)."""
    if any(is_quantized(one) and one.data is None for one in network.tensors):
        return "int8", [_ROUNDED]
    if any(is_quantized(one) and one.dtype.itemsize == 1 for one in network.tensors):
        return "float, weights int8", [_HYBRID]
    halves = any(one.dtype.name == "float16" for one in network.tensors)
    return "float, weights float16" if halves else "float", []


def _find_ending(network: Network) -> str:
    """What the first output ends in, looking through what changes nothing; "" where that tells nothing."""
    makers = {output: one for one in network.operations for output in one.outputs}
    maker = makers.get(network.outputs[0])
    while maker is not None and maker.kind in _LOOKED_THROUGH:
        maker = makers.get(maker.inputs[0])
    return _ENDINGS.get(maker.kind, "") if maker is not None else ""


def _is_weight(tensor: Tensor) -> bool:
    """Whether a constant's numbers are weights, and not sizes or axes."""
    return tensor.dtype.kind == "f" or is_quantized(tensor)
