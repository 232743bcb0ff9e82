"""Presets of emotion networks: which graphs they fit, whose numbers they hold, and what is published of them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from convert.__main__ import app
from convert.presets.faces import HSEMOTION_PRESETS, match_emotions, match_hsemotion
from convert.presets.table import PRESETS
from tests.convert.torch.checkpoints_made import Checkpoint
from tests.service.registry.graphs import serialized

EIGHT = ("Anger", "Contempt", "Disgust", "Fear", "Happiness", "Neutral", "Sadness", "Surprise")
FER = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def run(*words: str) -> tuple[int, dict[str, Any], str]:
    result = CliRunner().invoke(app, [*words, "--json"])
    return result.exit_code, json.loads(result.stdout) if result.exit_code == 0 else {}, result.output


def manifest(store: Path, name: str) -> dict[str, Any]:
    return dict(json.loads((store / name / "1" / "manifest.json").read_text()))


def network(path: Path, width: int, side: int = 224, dtype: int = TensorProto.FLOAT) -> Path:
    """A small ONNX graph that looks from outside like an exported EfficientNet of emotions."""
    weights = np.random.default_rng(width).normal(size=(3, width)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["numbers"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["numbers"], ["means"], axes=[2, 3], keepdims=0),
            helper.make_node("MatMul", ["means", "w"], ["y"]),
        ],
        "moods",
        [helper.make_tensor_value_info("x", dtype, ["batch", 3, side, side])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", width])],
        [numpy_helper.from_array(weights, "w")],
    )
    path.write_bytes(serialized(graph))
    return path


def checkpoint(folder: Path, classes: int, features: int = 1280) -> Path:
    """So much of an EfficientNet's weights that it is recognized."""
    made = Checkpoint()
    state = {
        "conv_stem.weight": made.tensor(np.ones((32, 3, 3, 3))),
        "classifier.weight": made.tensor(np.ones((classes, features))),
        "classifier.bias": made.tensor(np.ones(classes)),
    }
    return made.zip(folder / "enet.pt", {"state_dict": state})


def test_hsemotions_preset_is_what_its_package_does() -> None:
    section = PRESETS["hsemotion-b0"].pipeline.model_dump(mode="json")
    assert section["kind"] == "face_affect"
    assert section["resize"] == {"w": 224, "h": 224, "method": "bilinear", "library": "pillow"}
    assert (section["scale"], section["mean"]) == (1 / 255, [0.485, 0.456, 0.406])
    assert (section["std"], section["layout"], section["color"]) == ([0.229, 0.224, 0.225], "nchw", "rgb")
    assert (section["margin"], section["align"], section["faces"], section["sampling"]) == (
        0, "none", "largest", {"rate": 2},
    )  # fmt: skip
    assert PRESETS["hsemotion-b2"].pipeline.input_shape == (3, 260, 260)
    assert all(preset.task == "affect" for preset in HSEMOTION_PRESETS)


@pytest.mark.parametrize(
    ("normalizes", "whole", "wanted"),
    [
        (True, True, {"scale": 1.0, "mean": None, "std": None, "dtype": "uint8"}),
        (True, False, {"scale": 1.0, "mean": None, "std": None, "dtype": "float32"}),
        (False, False, {"scale": 1 / 255, "dtype": "float32"}),
    ],
)
def test_what_the_graph_does_is_left_out_of_the_pipeline(
    normalizes: bool, whole: bool, wanted: dict[str, object]
) -> None:
    match = match_hsemotion("b2", 7, 288, normalizes=normalizes, whole=whole)
    assert match is not None
    section = match.preset.pipeline.model_dump()
    assert {key: section[key] for key in wanted} == wanted
    assert type(match.preset.pipeline).model_validate(section) == match.preset.pipeline
    assert match.preset.pipeline.input_shape == (3, 288, 288)


def test_an_efficientnet_of_another_number_of_outputs_is_not_taken_for_hsemotions() -> None:
    assert match_hsemotion("b0", 21, 224, normalizes=True, whole=True) is None
    assert match_emotions((3, 224, 224), 1000) == []
    assert [match.preset.name for match in match_emotions((3, 224, 224), 10)] == ["hsemotion-b0"]


@pytest.mark.parametrize(("classes", "features", "name"), [(10, 1280, "b0"), (8, 1280, "b0"), (7, 1408, "b2")])
def test_inspect_suggests_it_for_a_checkpoint(tmp_path: Path, classes: int, features: int, name: str) -> None:
    code, document, _ = run("inspect", str(checkpoint(tmp_path, classes, features)))
    assert (code, document["network"]["preset"]) == (0, f"hsemotion-{name}")


def test_inspect_suggests_nothing_for_another_efficientnet(tmp_path: Path) -> None:
    code, document, said = run("inspect", str(checkpoint(tmp_path, 21)))
    assert (code, "preset" in document["network"]) == (0, False), said


def test_an_onnx_of_hsemotions_is_published_with_its_names(tmp_path: Path) -> None:
    file, store = network(tmp_path / "enet.onnx", 10), tmp_path / "store"
    code, _, said = run("onnx", str(file), "--name", "moods", "--store", str(store), "--pipeline", "hsemotion-b0")
    assert code == 0, said
    made = manifest(store, "moods")
    assert (made["task"], made["labels"]) == ("affect", list(EIGHT))
    assert made["output"]["channels"] == [*EIGHT, "valence", "arousal"]
    assert made["output"]["activation"] == "softmax"
    assert made["time"]["whole_clip"]
    assert any(sentence.startswith("resize: Pillow") for sentence in made["source"]["assumptions"])


def test_labels_that_are_given_go_first_and_may_name_measures(tmp_path: Path) -> None:
    file, store, labels = network(tmp_path / "enet.onnx", 4), tmp_path / "store", tmp_path / "labels.txt"
    labels.write_text("calm\nArousal\nglad\nValence\n")
    words = ("onnx", str(file), "--name", "moods", "--store", str(store), "--labels", str(labels))
    code, _, said = run(*words, "--pipeline", "hsemotion-b0")
    assert code == 0, said
    made = manifest(store, "moods")
    assert (made["labels"], made["output"]["channels"]) == (["calm", "glad"], ["calm", "arousal", "glad", "valence"])


def test_without_names_an_affect_model_is_not_published(tmp_path: Path) -> None:
    file, store = network(tmp_path / "enet.onnx", 5), tmp_path / "store"
    code, _, said = run("onnx", str(file), "--name", "moods", "--store", str(store), "--pipeline", "hsemotion-b0")
    assert code == 2
    assert "--labels" in said


def test_a_pipeline_of_floats_does_not_meet_a_graph_of_uint8(tmp_path: Path) -> None:
    file, store = network(tmp_path / "enet.onnx", 10, dtype=TensorProto.UINT8), tmp_path / "store"
    words = ("onnx", str(file), "--name", "moods", "--store", str(store), "--pipeline", "hsemotion-b0")
    code, _, said = run(*words)
    assert code == 2
    assert "takes uint8" in said
    plain = ("--set", "dtype=uint8", "--set", "scale=1", "--set", "mean=null", "--set", "std=null")
    code, _, said = run(*words, *plain)
    assert code == 0, said
    assert manifest(store, "moods")["inputs"][0]["dtype"] == "uint8"


@pytest.mark.parametrize(("file", "side"), [("fer_mini_xception48_k205.h5", 48), ("fer_mini_xception64_k205.h5", 64)])
def test_a_real_fer_network_is_published_as_an_affect_model(
    testdata: Path, tmp_path: Path, file: str, side: int
) -> None:
    labels, store = tmp_path / "labels.txt", tmp_path / "store"
    labels.write_text("\n".join(FER))
    path = testdata / "keras" / "models" / file
    code, document, said = run("inspect", str(path))
    assert (code, document["presets"][0]["name"]) == (0, f"fer-{side}"), said
    golden = testdata / "keras" / "golden" / file.replace(".h5", ".npz")
    words = ("keras", str(path), "--name", "fer", "--store", str(store), "--labels", str(labels))
    code, _, said = run(*words, "--golden", str(golden), "--set", "align=eyes")
    assert code == 0, said
    made = manifest(store, "fer")
    assert (made["task"], made["labels"], made["output"]["channels"]) == ("affect", list(FER), None)
    assert made["output"]["activation"] == "probabilities"
    section = made["pipeline"]
    assert (section["kind"], section["color"], section["align"], section["layout"]) == (
        "face_affect", "grey", "eyes", "nhwc",
    )  # fmt: skip
    assert (section["scale"], section["offset"], section["resize"]["w"]) == (2 / 255, -1.0, side)
    assert made["parity"]["reference"] == "golden"
