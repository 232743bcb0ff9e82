"""Reading the store: everything that a version is refused for, each with its reason."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from service.errors import InvalidModelError
from service.registry.store import MANIFEST_BYTES, Store
from tests.service.registry.graphs import linear, publish


def _change_manifest(folder: Path, **changes: object) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def _refusal(root: Path, name: str = "letters", version: int = 1) -> str:
    with pytest.raises(InvalidModelError) as caught:
        Store(root).read(name, version)
    return str(caught.value)


@pytest.fixture
def folder(root: Path) -> Path:
    publish(root)
    return root / "letters" / "1"


def test_a_published_version_is_read_with_its_manifest_and_folder(root: Path, folder: Path) -> None:
    stored = Store(root).read("letters", 1)
    assert (stored.manifest.name, stored.manifest.version, stored.folder) == ("letters", 1, folder)
    assert stored.graph.read_bytes() == linear()


def test_versions_are_listed_by_name_and_number(root: Path) -> None:
    for name in ("words", *["letters"] * 11):
        publish(root, name)
    found = [(stored.name, stored.version) for stored in Store(root).versions()]
    assert found == [*(("letters", number) for number in range(1, 12)), ("words", 1)]


def test_what_is_no_version_is_not_listed(root: Path, folder: Path) -> None:
    (root / ".letters-2.abcdef").mkdir()
    (root / ".git" / "1").mkdir(parents=True)
    (root / "manifest.schema.json").write_text("{}")
    for other in ("latest", "0", "01", "-1", "2.0", "9999999999"):
        (folder.parent / other).mkdir()
    (folder.parent / "3").write_text("a file")
    assert [stored.version for stored in Store(root).versions()] == [1]


def test_a_store_that_is_not_there_cannot_be_listed(root: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Store(root).versions()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["Letters", "my_model", "-x", "a" * 65])
def test_a_folder_with_a_name_that_is_not_allowed_is_listed_and_refused(root: Path, name: str) -> None:
    (root / name / "1").mkdir(parents=True)
    assert name in [stored.name for stored in Store(root).versions()]
    assert "is no model name" in _refusal(root, name)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["../letters", "/etc", "", ".", "letters/../letters", "letters\n"])
def test_a_name_never_leads_out_of_the_store(root: Path, name: str) -> None:
    assert "is no model name" in _refusal(root, name)


@pytest.mark.usefixtures("folder")
def test_a_version_that_is_not_there_is_refused(root: Path) -> None:
    assert _refusal(root, version=2) == "letters/2 is no folder"
    assert "versions count from 1" in _refusal(root, version=0)


def test_a_missing_manifest_is_refused(root: Path, folder: Path) -> None:
    (folder / "manifest.json").unlink()
    assert _refusal(root) == "manifest.json is missing"


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"schema": NaN}'])
def test_a_manifest_that_is_none_is_refused(root: Path, folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    assert _refusal(root).startswith("manifest.json: ")


def test_a_manifest_with_a_typo_is_refused_with_its_place(root: Path, folder: Path) -> None:
    _change_manifest(folder, treshold=0.5)
    assert "treshold: Extra inputs are not permitted" in _refusal(root)


def test_a_huge_manifest_is_refused_before_it_is_parsed(root: Path, folder: Path) -> None:
    with (folder / "manifest.json").open("r+b") as file:
        file.truncate(2 * MANIFEST_BYTES)
    assert "is larger than" in _refusal(root)


def test_many_problems_are_told_in_short(root: Path, folder: Path) -> None:
    _change_manifest(folder, **{f"extra{number}": 1 for number in range(50)})
    assert _refusal(root).endswith("; and 45 more")


@pytest.mark.parametrize("changes", [{"name": "words"}, {"version": 2}])
def test_a_manifest_that_names_another_model_or_version_is_refused(
    root: Path, folder: Path, changes: dict[str, object]
) -> None:
    _change_manifest(folder, **changes)
    assert "they must be equal" in _refusal(root)


def test_a_missing_file_is_refused(root: Path, folder: Path) -> None:
    (folder / "model.onnx").unlink()
    assert _refusal(root) == "model.onnx is missing, though the manifest lists it"


def test_a_file_of_another_size_is_refused(root: Path, folder: Path) -> None:
    (folder / "model.onnx").write_bytes(linear()[:-1])
    assert "copy it again" in _refusal(root)


def test_a_file_with_one_bit_turned_is_refused_on_reading_and_passes_on_inspecting(root: Path, folder: Path) -> None:
    content = bytearray(linear())
    content[-1] ^= 1
    (folder / "model.onnx").write_bytes(content)
    assert "another SHA-256" in _refusal(root)
    assert Store(root).inspect("letters", 1).manifest.version == 1


def test_a_file_that_the_manifest_does_not_list_is_refused(root: Path, folder: Path) -> None:
    (folder / "weights.bin").write_bytes(b"unverified")
    assert "does not list: weights.bin" in _refusal(root)


def test_a_link_is_refused_wherever_it_leads(root: Path, folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "elsewhere.onnx"
    target.write_bytes(linear())
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to(target)
    assert _refusal(root) == "model.onnx is a link; the store takes plain files only"


def test_a_linked_manifest_is_refused(root: Path, folder: Path, tmp_path: Path) -> None:
    (folder / "manifest.json").rename(tmp_path / "manifest.json")
    (folder / "manifest.json").symlink_to(tmp_path / "manifest.json")
    assert "manifest.json is a link" in _refusal(root)


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("linked", ["letters", "letters/1"])
def test_a_linked_folder_is_listed_and_refused(root: Path, tmp_path: Path, linked: str) -> None:
    (root / linked).rename(tmp_path / "moved")
    (root / linked).symlink_to(tmp_path / "moved", target_is_directory=True)
    assert len(Store(root).versions()) == 1
    assert f"{linked} is a link" in _refusal(root)


def test_a_pipe_is_refused_and_does_not_block(root: Path, folder: Path) -> None:
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")
    assert _refusal(root) == "model.onnx is no plain file"


def test_a_folder_in_the_place_of_a_file_is_refused(root: Path, folder: Path) -> None:
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").mkdir()
    assert _refusal(root) == "model.onnx is no plain file"


def test_a_listed_name_never_leads_out_of_the_folder(root: Path, folder: Path) -> None:
    secret = root / "secret"
    secret.write_bytes(b"x")
    stored = {"sha256": hashlib.sha256(b"x").hexdigest(), "bytes": 1}
    files = json.loads((folder / "manifest.json").read_text())["files"]
    for escape in ("../../secret", str(secret), "a/b", "..", ".hidden"):
        _change_manifest(folder, files={**files, escape: stored})
        assert "no plain file names" in _refusal(root)


def test_a_fingerprint_changes_with_what_lies_in_the_folder(root: Path, folder: Path) -> None:
    store = Store(root)
    before = store.fingerprint("letters", 1)
    assert before == store.fingerprint("letters", 1)
    (folder / "model.onnx").write_bytes(linear())
    assert store.fingerprint("letters", 1) != before
    assert store.fingerprint("letters", 9) == ()
