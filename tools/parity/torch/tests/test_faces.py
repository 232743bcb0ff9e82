"""HSEmotion's networks as their files hold them, to models that are served. Run by `make parity-torch`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from convert.draft import PublishOptions
from convert.parity import open_session
from convert.presets.networks import NETWORKS, normalize_pixels
from convert.torch.architectures.settings import Flags
from convert.torch.convert import ExportOptions, convert_torch
from convert.torch.synthetic_clips import synthesize_clips
from service.registry.store import Store
from tools.parity.torch.originals import MAKERS, well_scaled

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A module pickled whole, with ten outputs."""
    torch.manual_seed(0)
    network = MAKERS["tf_efficientnet_b0"]()
    network.classifier = nn.Linear(1280, 10)
    file = tmp_path_factory.mktemp("hsemotion") / "enet_b0_8_va_mtl.pt"
    torch.save(well_scaled(network, "tf_efficientnet_b0"), file)
    return file


def published(
    file: Path,
    store: Path,
    name: str,
    export: ExportOptions | None = None,
    **options: Any,  # noqa: ANN401
) -> dict[str, Any]:
    convert_torch(file, PublishOptions(name=name, store=store, **options), Flags(), export or ExportOptions())
    return dict(json.loads((store / name / "1" / "manifest.json").read_text()))


def test_a_whole_module_becomes_an_affect_model(whole: Path, tmp_path: Path) -> None:
    made = published(whole, tmp_path, "moods", settings=("align=eyes", "margin=0.2"))
    assert (made["task"], made["pipeline"]["kind"], made["inputs"][0]["dtype"]) == ("affect", "face_affect", "uint8")
    assert (made["pipeline"]["align"], made["pipeline"]["margin"], made["pipeline"]["dtype"]) == ("eyes", 0.2, "uint8")
    assert (len(made["labels"]), made["output"]["channels"][-2:]) == (8, ["valence", "arousal"])
    assert made["source"]["overrides"]["align"] == "eyes"
    assert not any(sentence.startswith("align:") for sentence in made["source"]["assumptions"])


def test_its_features_are_what_its_head_reads(whole: Path, tmp_path: Path) -> None:
    made = published(whole, tmp_path, "features", ExportOptions(features=True), task="features")
    assert (made["task"], made["labels"], made["output"]["shape"]) == ("features", None, ["batch", 1280])
    assert made["pipeline"]["kind"] == "face_affect"
    network = torch.load(whole, weights_only=False)
    pictures = synthesize_clips(2, 0, 224, 3)
    given = torch.from_numpy(normalize_pixels(pictures, NETWORKS["tf_efficientnet_b0"]))
    head, network.classifier = network.classifier, nn.Identity()
    with torch.no_grad():
        wanted = network(given).numpy()
    graph = Store(tmp_path).read("features", 1).graph.read_bytes()
    got = open_session(graph, 1).run(None, {"x": pictures.astype(np.uint8)})[0]
    assert np.abs(got - wanted).max() <= 1e-4 * np.abs(wanted).max()
    assert head.in_features == got.shape[1]


def test_the_normalization_may_be_left_to_the_pipeline(whole: Path, tmp_path: Path) -> None:
    made = published(whole, tmp_path, "moods", ExportOptions(input_kind="normalised"))
    assert (made["pipeline"]["dtype"], made["pipeline"]["std"]) == ("float32", [0.229, 0.224, 0.225])
    assert made["inputs"][0]["dtype"] == "float32"


@pytest.mark.parametrize(("classes", "kind", "task"), [(7, "face_affect", "affect"), (21, "tensor", "sign")])
def test_b2_is_taken_for_hsemotions_by_its_outputs(classes: int, kind: str, task: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = MAKERS["tf_efficientnet_b2"]().eval()  # as it was initialized: what is published of it counts here
    network.classifier = nn.Linear(1408, classes)
    torch.save(network, tmp_path / "enet_b2.pt")
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(f"label {number}" for number in range(classes)))
    made = published(tmp_path / "enet_b2.pt", tmp_path / "store", "moods", labels=str(labels))
    assert (made["pipeline"]["kind"], made["task"]) == (kind, task)
    assert made["inputs"][0]["shape"] == ["batch", 3, 260, 260]
    assert made["labels"][0] == "label 0"
