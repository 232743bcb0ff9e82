"""The package: built without a network, installed elsewhere, started in an empty folder."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.running import ROOT, SAMPLES, running_service


def built(kind: str, root: Path, folder: Path) -> Path:
    """The wheel or the sdist of a tree."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and nothing else in it; what it needs is this environment's."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", str(folder), str(wheel)], check=True)
    return folder


def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return sorted(archive.namelist())


def test_models_networks_and_page_go_along_and_nothing_of_the_repository_else(wheel: Path) -> None:
    found = names(wheel)
    for name in ("asl-letters/2/model.onnx", "face-motion/1/manifest.json", "landmarks/networks.json"):
        assert f"service/model_store/{name}" in found
    assert {"service/web/index.html", "service/py.typed", "convert/keras/reader.py"} <= set(found)
    tops = {name.partition("/")[0] for name in found}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"service", "convert"}
    assert not any("__pycache__" in name for name in found)


def test_it_answers_from_an_empty_folder(site: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with running_service(tmp_path, empty, PYTHONPATH=str(site), SIGN_SLOTS="1") as service:
        body = service.predict(SAMPLES / "letter_a_right_light.mp4").json()
        assert (body["predicted_class_name"], body["declined"]) == ("A", False)
        assert service.client.get("/").status_code == 200
        served = {model["name"] for model in service.client.get("/models").json()["models"]}
        assert served == {path.parents[1].name for path in (ROOT / "model_store").glob("*/*/manifest.json")}
    assert not list(empty.iterdir())


@pytest.mark.parametrize("command", ["sign-service", "sign-convert"])
def test_its_commands_are_there(site: Path, tmp_path: Path, command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(site)}
    script = [sys.executable, str(site / "bin" / command)]
    shown = subprocess.run(
        [*script, "--help"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert "Usage" in shown.stdout


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    source = built("sdist", ROOT, tmp_path / "sdist")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path / "tree", filter="data")
    (tree,) = (tmp_path / "tree").iterdir()
    assert names(built("wheel", tree, tmp_path / "again")) == names(wheel)
