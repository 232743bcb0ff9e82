"""Whole .tflite files of TensorFlow 2.17, float and quantized, say what ai-edge-litert 2.3 makes of them."""

from pathlib import Path

import numpy as np
import pytest

from convert.errors import RefusalError
from convert.tflite.export import export
from convert.tflite.quantized import dequantize
from convert.tflite.reader import Quantization, Tensor, read_network
from service.registry.manifest import read_manifest
from tests.convert.running import answer, command

DATA = Path(__file__).parents[2] / "data" / "tflite"
NAMES = ["keypoint_float", "keypoint_int8_uint8", "cnn_float", "cnn_int8"]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_published_and_says_what_the_original_says(name: str, tmp_path: Path) -> None:
    classes = 3 if name.startswith("keypoint") else 5
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"sign {number}\n" for number in range(classes)))
    result = command(
        "tflite", DATA / f"{name}.tflite", "--name", "m", "--store", tmp_path / "store", "--labels", labels,
        "--golden", DATA / f"{name}.npz",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "from the golden file on 6 samples" in result.stdout
    manifest = read_manifest(tmp_path / "store" / "m" / "1" / "manifest.json")
    assert manifest.output.activation == "probabilities"
    assert manifest.pipeline.kind == ("keypoints" if name.startswith("keypoint") else "image")


@pytest.mark.parametrize(
    ("name", "framework"),
    [("keypoint_float", "float"), ("cnn_int8", "int8")],
)
def test_inspect_says_what_it_computes_in_and_how_to_convert_it(name: str, framework: str) -> None:
    document = answer("inspect", DATA / f"{name}.tflite")
    assert document["framework"] == f"tflite ({framework})"
    assert document["command"].startswith(f"python -m convert tflite {DATA / name}.tflite --name NAME --labels FILE")
    assert bool(document["warnings"]) == (framework != "float")


def test_another_command_names_the_right_one() -> None:
    result = command("keras", DATA / "cnn_int8.tflite", "--name", "m")
    assert result.exit_code == 3
    assert "python -m convert tflite" in result.stderr


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cut.tflite").write_bytes((DATA / "cnn_int8.tflite").read_bytes()[:2000])
    assert command("inspect", tmp_path / "cut.tflite").exit_code == 3


def test_any_number_of_rows_is_taken() -> None:
    model = export(read_network((DATA / "cnn_int8.tflite").read_bytes()))
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"


def test_each_slice_has_its_own_scale() -> None:
    stored = np.array([[10, 20], [10, 20]], np.int8)
    tensor = Tensor("w", (2, 2), np.dtype("i1"), stored, Quantization((0.5, 0.1), (0, 0), 0))
    assert dequantize(tensor, stored) == pytest.approx(np.array([[5, 10], [1, 2]], np.float32))


def test_scales_that_do_not_fit_their_axis_are_refused() -> None:
    stored = np.zeros((2, 2), np.int8)
    tensor = Tensor("w", (2, 2), np.dtype("i1"), stored, Quantization((0.5, 0.1, 0.2), (0, 0, 0), 0))
    with pytest.raises(RefusalError, match="3 scales"):
        dequantize(tensor, stored)
