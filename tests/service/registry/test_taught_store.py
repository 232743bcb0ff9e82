"""A second store of models that users taught, beside the one that an operator filled."""

from pathlib import Path

import pytest

from service.errors import InvalidModelError
from service.registry.store import Store
from tests.pixel_models import publish_means

IMAGE = {"kind": "image", "resize": {"w": 8, "h": 8, "method": "area", "library": "opencv"}, "scale": 1 / 25.5}


def both(folder: Path) -> Store:
    publish_means(folder / "store", "own", IMAGE, (8, 8, 3))
    publish_means(folder / "taught", "mine", IMAGE, (8, 8, 3))
    return Store(folder / "store", folder / "taught")


def test_models_of_both_are_listed_and_read(tmp_path: Path) -> None:
    store = both(tmp_path)
    assert [(one.name, one.folder.parents[1].name) for one in store.versions()] == [
        ("mine", "taught"),
        ("own", "store"),
    ]
    assert store.read("mine", 1).manifest.name == "mine"
    assert store.fingerprint("mine", 1) == Store(tmp_path / "taught").fingerprint("mine", 1) != ()


def test_of_a_name_that_both_have_the_operators_counts(tmp_path: Path) -> None:
    publish_means(tmp_path / "taught", "own", IMAGE, (8, 8, 3))
    store = both(tmp_path)
    assert [one.folder.parents[1].name for one in store.versions() if one.name == "own"] == ["store"]
    assert store.read("own", 1).folder.parents[1] == tmp_path / "store"


def test_there_need_be_no_second_one(tmp_path: Path) -> None:
    store = both(tmp_path)
    without = Store(tmp_path / "store", tmp_path / "nowhere")
    assert [one.name for one in without.versions()] == ["own"]
    with pytest.raises(InvalidModelError):
        without.read("mine", 1)
    assert store.root == tmp_path / "store"


def test_a_model_is_removed_with_all_its_versions(tmp_path: Path) -> None:
    both(tmp_path)
    publish_means(tmp_path / "taught", "mine", IMAGE, (8, 8, 3))
    taught = Store(tmp_path / "taught")
    taught.remove("mine")
    assert taught.versions() == []
    assert list((tmp_path / "taught").iterdir()) == []
    taught.remove("mine")
    publish_means(tmp_path / "taught", "mine", IMAGE, (8, 8, 3))
    assert [one.version for one in taught.versions()] == [1]
