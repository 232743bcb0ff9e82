import stat
from pathlib import Path

import numpy as np
import pytest

from service.teaching.example_store import ExampleStore, UnknownExampleError
from service.teaching.examples import NOTHING, ExampleError, check_label, make_example

from .takes_made import make_takes, make_track


def test_an_example_is_read_as_it_was_added(tmp_path: Path) -> None:
    store = ExampleStore(tmp_path / "taught")
    example = make_example("안녕", make_track("up", 1), teacher="Anna", source="camera", origin="take 1")
    store.add("greetings", example)
    read = ExampleStore(tmp_path / "taught").get("greetings", example.id)
    assert (read.label, read.teacher, read.source, read.origin) == ("안녕", "Anna", "camera", "take 1")
    np.testing.assert_array_equal(read.track.values, example.track.values)
    np.testing.assert_array_equal(read.track.times_s, example.track.times_s)
    assert read.track.media.aspect == example.track.media.aspect


def test_what_is_said_of_examples_is_listed_oldest_first(tmp_path: Path) -> None:
    store = ExampleStore(tmp_path)
    examples = make_takes(("up", "side"), 2)
    for example in examples:
        store.add("two", example)
    listed = store.list("two")
    assert [info.id for info in listed] == [example.id for example in examples]
    assert [info.label for info in listed] == ["up", "up", "side", "side"]
    assert listed[0].frames == len(examples[0].track)
    assert store.models() == ["two"]


def test_only_the_owner_may_read_what_is_kept(tmp_path: Path) -> None:
    root = tmp_path / "taught"
    ExampleStore(root).add("two", make_takes(("up",), 1)[0])
    folders = [root, root / "two", root / "two" / "examples"]
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in folders] == [0o700] * 3
    (file,) = (root / "two" / "examples").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_deleted_example_is_gone_and_so_are_all_with_one_call(tmp_path: Path) -> None:
    store = ExampleStore(tmp_path)
    examples = make_takes(("up",), 3)
    for example in examples:
        store.add("two", example)
    store.delete("two", examples[0].id)
    with pytest.raises(UnknownExampleError):
        store.get("two", examples[0].id)
    with pytest.raises(UnknownExampleError):
        store.delete("two", examples[0].id)
    assert store.delete_all("two") == 2
    assert store.list("two") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../up", "", "UP", "a/b", ".hidden", "a" * 65])
def test_a_name_that_is_no_model_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ExampleError):
        ExampleStore(tmp_path).add(name, make_takes(("up",), 1)[0])


def test_an_id_that_leaves_the_folder_is_unknown(tmp_path: Path) -> None:
    store = ExampleStore(tmp_path)
    store.add("two", make_takes(("up",), 1)[0])
    with pytest.raises(UnknownExampleError):
        store.get("two", "../../secret0000")


def test_a_file_that_is_no_example_is_not_listed(tmp_path: Path) -> None:
    store = ExampleStore(tmp_path)
    store.add("two", make_takes(("up",), 1)[0])
    (tmp_path / "two" / "examples" / f"{'0' * 16}.npz").write_bytes(b"PK\x03\x04 and no more")
    assert len(store.list("two")) == 1


@pytest.mark.parametrize(("label", "kept"), [("  thank   you ", "thank you"), ("Nothing", NOTHING), ("안녕", "안녕")])
def test_a_label_is_kept_tidy(label: str, kept: str) -> None:
    assert check_label(label) == kept


@pytest.mark.parametrize("label", ["", "  ", "unknown", "Unknown", "a\x00b", "x" * 101])
def test_a_label_that_cannot_be_taught_is_refused(label: str) -> None:
    with pytest.raises(ExampleError):
        check_label(label)


def test_a_take_of_three_frames_is_refused() -> None:
    with pytest.raises(ExampleError, match="3 frames"):
        make_example("up", make_track("up", 0, frames=3))
