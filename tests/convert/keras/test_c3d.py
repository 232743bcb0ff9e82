"""C3D weights without their architecture: `--arch c3d`, by the names of the ports or by order, of Keras 1, 2 and 3."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
import pytest

from convert.graph.export import export
from convert.parity import measure_reference
from service.registry.manifest import read_manifest
from tests.convert.made import Arrays, small_classifier
from tests.convert.running import answer, command, read, session_of

WIDTHS = {
    "conv1": (3, 4), "conv2": (4, 4), "conv3a": (4, 6), "conv3b": (6, 6), "conv4a": (6, 6), "conv4b": (6, 6),
    "conv5a": (6, 6), "conv5b": (6, 8), "fc6": (8 * 16, 12), "fc7": (12, 10), "fc8": (10, 5),
}  # fmt: skip
CHUNKS = np.random.default_rng(5).uniform(0, 1, (2, 16, 112, 112, 3)).astype(np.float32)


def small_weights() -> dict[str, Arrays]:
    """A C3D's, with few filters."""
    rng = np.random.default_rng(4)
    weights = {}
    for name, (inputs, units) in WIDTHS.items():
        shape = (3, 3, 3, inputs, units) if name.startswith("conv") else (inputs, units)
        spread = np.sqrt(2 / np.prod(shape[:-1]))
        weights[name] = {
            "kernel": rng.normal(0, spread, shape).astype(np.float32),
            "bias": rng.normal(0, 0.1, units).astype(np.float32),
        }
    return weights


def in_theanos_order(weights: dict[str, Arrays]) -> dict[str, Arrays]:
    """The same network as Keras 1 on Theano kept it: kernels turned round and filters first, fc6 channels first."""
    turned = {
        name: {**own, "kernel": own["kernel"].transpose(4, 3, 0, 1, 2)[..., ::-1, ::-1, ::-1]}
        if name.startswith("conv")
        else own
        for name, own in weights.items()
    }
    wide = weights["fc6"]["kernel"]
    channels_first = wide.reshape(4, 4, 8, 12).transpose(2, 0, 1, 3).reshape(wide.shape)
    return turned | {"fc6": {**weights["fc6"], "kernel": channels_first}}


def save(
    path: Path, weights: dict[str, Arrays], keras: int = 2, renamed: Mapping[str, str] = MappingProxyType({})
) -> Path:
    """Weights alone, as `save_weights` of Keras 1 or 2 wrote them; layers without weights have empty groups."""
    with h5py.File(path, "w") as file:
        if keras > 1:
            file.attrs["keras_version"] = "2.1.6"
        names = []
        for name, arrays in (weights | {"pool5": {}}).items():
            called = renamed.get(name, name)
            names.append(called.encode())
            group = file.create_group(called)
            kept = {"kernel": f"{called}_W", "bias": f"{called}_b"} if keras == 1 else {}
            paths = {role: kept.get(role, f"{called}/{role}:0") for role in arrays}
            group.attrs["weight_names"] = [path.encode() for path in paths.values()]
            for role, array in arrays.items():
                group.create_dataset(paths[role], data=array)
        file.attrs["layer_names"] = names
    return path


def save_by_path(path: Path, weights: dict[str, Arrays]) -> Path:
    """A `.weights.h5` of Keras 3: the same layers in a tree of objects."""
    with h5py.File(path, "w") as file:
        for kind, prefix in (("conv3d", "conv"), ("dense", "fc")):
            own = [arrays for name, arrays in weights.items() if name.startswith(prefix)]
            for number, arrays in enumerate(own):
                group = file.create_group(f"layers/{kind}_{number}" if number else f"layers/{kind}")
                group.create_dataset("vars/0", data=arrays["kernel"])
                group.create_dataset("vars/1", data=arrays["bias"])
    return path


def outputs(path: Path, **request: Any) -> Any:
    return session_of(read(path, arch="c3d", **request))[0].run([CHUNKS])[0]


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the plain file says, proven against the definitions of its layers."""
    path = save(tmp_path_factory.mktemp("c3d") / "weights.h5", small_weights())
    graph = read(path, arch="c3d")
    assert measure_reference(graph, export(graph).model.SerializeToString()).passed
    return outputs(path)


def test_the_head_gives_probabilities_and_the_features_lie_before_it(wanted: Any, tmp_path: Path) -> None:
    weights = small_weights()
    features = outputs(save(tmp_path / "w.h5", weights), features=True)
    assert features.shape == (2, 10)
    assert (features >= 0).all()
    logits = features @ weights["fc8"]["kernel"] + weights["fc8"]["bias"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.abs(powers / powers.sum(axis=1, keepdims=True) - wanted).max() <= 1e-6


def test_files_of_all_versions_of_keras_say_the_same(wanted: Any, tmp_path: Path) -> None:
    weights = small_weights()
    files = [
        save(tmp_path / "keras1.h5", weights, keras=1),
        save(tmp_path / "theano.h5", in_theanos_order(weights), keras=1),
        save(tmp_path / "ordered.h5", weights, renamed={name: f"layer_{k}" for k, name in enumerate(weights)}),
        save_by_path(tmp_path / "keras3.weights.h5", weights),
    ]
    for file in files:
        assert np.abs(outputs(file) - wanted).max() <= 1e-6, file.name


def test_theanos_order_is_said(tmp_path: Path) -> None:
    graph = read(save(tmp_path / "w.h5", in_theanos_order(small_weights()), keras=1), arch="c3d")
    assert any("Theano" in warning for warning in graph.warnings)


@pytest.mark.parametrize("keras", [2, 3])
def test_a_file_without_a_head_gives_features(keras: int, tmp_path: Path) -> None:
    whole = small_weights()
    headless = {name: own for name, own in whole.items() if name != "fc8"}
    write = save if keras == 2 else save_by_path
    got = outputs(write(tmp_path / "headless.h5", headless), features=True)
    assert np.array_equal(got, outputs(write(tmp_path / "whole.h5", whole), features=True))
    assert command("inspect", tmp_path / "headless.h5", "--arch", "c3d").exit_code == 3


def test_features_are_published_with_the_preset(tmp_path: Path) -> None:
    file = save(tmp_path / "w.h5", small_weights())
    report = answer(
        "keras", file, "--name", "c3d", "--arch", "c3d", "--task", "features", "--pipeline", "c3d",
        "--store", tmp_path / "store",
    )  # fmt: skip
    assert report["published"]["version"] == 1
    manifest = read_manifest(tmp_path / "store" / "c3d" / "1" / "manifest.json")
    assert manifest.task == "features"
    assert manifest.pipeline.kind == "chunks"


def test_weights_with_these_names_are_told_what_to_give(tmp_path: Path) -> None:
    result = command("inspect", save(tmp_path / "w.h5", small_weights()))
    assert result.exit_code == 3
    assert "--arch c3d" in result.stderr


@pytest.mark.parametrize(("arch", "said"), [("vgg", "Known are: c3d"), ("c3d", "its own architecture")])
def test_an_unknown_or_needless_name_is_a_wrong_call(arch: str, said: str, tmp_path: Path) -> None:
    file = small_classifier(tmp_path / "m.h5") if arch == "c3d" else save(tmp_path / "w.h5", small_weights())
    result = command("inspect", file, "--arch", arch)
    assert result.exit_code == 2
    assert said in result.stderr
