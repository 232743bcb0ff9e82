"""The networks that lie in the store: whole, small, and on one thread."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from service.observe.engine import networks
from service.observe.engine.networks import LIST, network
from service.observe.landmark_files import FOLDER

LISTED = json.loads((FOLDER / LIST).read_text("utf-8"))["networks"]
SHAPES = {
    "palm-full": [(2, 2016, 18), (2, 2016, 1)],
    "palm-lite": [(2, 2016, 18), (2, 2016, 1)],
    "hand-full": [(2, 63), (2, 1), (2, 1)],
    "hand-lite": [(2, 63), (2, 1), (2, 1)],
    "pose-detector": [(2, 2254, 12), (2, 2254, 1)],
    "pose-lite": [(2, 195), (2, 1), (2, 64, 64, 39)],
    "pose-full": [(2, 195), (2, 1), (2, 64, 64, 39)],
    "hand-recrop": [(2, 1, 1, 4)],
    "face-detector": [(2, 896, 16), (2, 896, 1)],
    "face-mesh": [(2, 1, 1, 1404), (2, 1, 1, 1)],
}


def test_every_network_is_the_listed_file() -> None:
    for entry in LISTED:
        data = (FOLDER / entry["file"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"])


def test_all_that_ships_takes_less_than_25_megabytes() -> None:
    shipped = [FOLDER / f"{name}.onnx" for name in SHAPES]
    assert sum(path.stat().st_size for path in shipped) < 25_000_000


def test_the_notice_and_the_license_lie_beside_the_networks() -> None:
    assert "Apache License" in (FOLDER / "LICENSE").read_text("utf-8")
    assert "The MediaPipe Authors" in (FOLDER / "README.md").read_text("utf-8")


@pytest.mark.parametrize("name", SHAPES)
def test_a_network_answers_for_each_of_several_crops(name: str) -> None:
    loaded = network(name)
    generator = np.random.default_rng(1)
    crops = [generator.integers(0, 256, (loaded.side, loaded.side, 3), np.uint8) for _ in range(2)]
    together = loaded.run(crops)
    assert [output.shape for output in together] == SHAPES[name]
    for one, both in zip(loaded.run(crops[1:]), together, strict=True):
        np.testing.assert_allclose(one[0], both[1], rtol=1e-3, atol=1e-2)


def test_a_network_starts_no_threads() -> None:
    before = len(list(Path("/proc/self/task").iterdir()))
    loaded = networks.Network("palm-lite", (FOLDER / "palm-lite.onnx").read_bytes())
    loaded.run([np.zeros((loaded.side, loaded.side, 3), np.uint8)])
    assert len(list(Path("/proc/self/task").iterdir())) <= before


def test_a_network_that_is_not_there_is_named() -> None:
    with pytest.raises(RuntimeError, match="make landmarks"):
        network("pose-of-a-cat")


def test_a_changed_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / LIST).write_bytes((FOLDER / LIST).read_bytes())
    (tmp_path / "face-detector.onnx").write_bytes((FOLDER / "face-detector.onnx").read_bytes()[:-1] + b"\0")
    monkeypatch.setattr(networks, "FOLDER", tmp_path)
    network.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="not the file"):
            network("face-detector")
    finally:
        network.cache_clear()
