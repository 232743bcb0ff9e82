"""Lessons on the disk: whose they are, how many there may be, and that nothing of them stays."""

import io
import zipfile
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from service.errors import SignError
from service.lessons.lessons import Lessons
from service.settings import Settings
from service.teaching.examples import Example, make_example
from tests.lessons_made import take
from tests.pixel_models import publish_means

ME, YOU = "a" * 64, "b" * 64
IMAGE = {"kind": "image", "resize": {"w": 8, "h": 8, "method": "area", "library": "opencv"}, "scale": 1 / 25.5}


def lessons(folder: Path, **limits: int) -> Lessons:
    (folder / "store" / "published" / "1").mkdir(parents=True, exist_ok=True)
    return Lessons(Settings(model_store=folder / "store", teach_dir=folder / "taught", **limits))  # type: ignore[arg-type]


def example(number: int = 0, label: str = "wave") -> Example:
    return make_example(label, take("wave", number))


def refused(code: str) -> AbstractContextManager[object]:
    return pytest.raises(SignError, match=f"^{code}: ")


def test_a_name_is_its_first_owners_until_they_delete_it(tmp_path: Path) -> None:
    kept = lessons(tmp_path)
    assert [kept.add(ME, "mine", example(number)) for number in range(3)] == [1, 2, 3]
    for ask in (
        lambda: kept.lesson(YOU, "mine"),
        lambda: kept.examples(YOU, "mine"),
        lambda: kept.forget_all(YOU, "mine"),
        lambda: kept.add(YOU, "mine", example()),
    ):
        with refused("name-taken"):
            ask()
    assert [lesson.name for lesson in kept.of(ME)] == ["mine"]
    assert list(kept.of(YOU)) == []
    kept.forget_all(ME, "mine")
    assert kept.add(YOU, "mine", example()) == 1
    assert len(kept.examples(YOU, "mine")) == 1


def test_names_of_the_model_store_are_nobodys(tmp_path: Path) -> None:
    with refused("name-taken"):
        lessons(tmp_path).add(ME, "published", example())


def test_another_process_sees_the_same_and_each_has_its_own_room(tmp_path: Path) -> None:
    first, second = (lessons(tmp_path, teach_models=1, teach_examples=2) for _ in range(2))
    first.add("", "open", example())
    with refused("quota-exceeded"):
        second.add("", "another", example())
    second.add("", "open", example(1))
    with refused("quota-exceeded"):
        first.add("", "open", example(2))
    assert first.add(YOU, "another", example()) == 1


def test_all_keys_together_have_a_room(tmp_path: Path) -> None:
    kept = lessons(tmp_path, teach_bytes=1000)
    kept.add(ME, "mine", example())
    with refused("disk-full"):
        kept.add(YOU, "yours", example())


def test_only_landmarks_are_on_the_disk_and_nobody_else_reads_them(tmp_path: Path) -> None:
    kept = lessons(tmp_path)
    made = example()
    kept.add(ME, "mine", made)
    files = [path for path in (tmp_path / "taught" / "examples").rglob("*") if path.is_file()]
    assert [path.name for path in files] == [f"{made.id}.npz"]
    assert files[0].stat().st_mode & 0o077 == 0
    assert kept.example(ME, "mine", made.id).track.values.shape == made.track.values.shape


def test_an_example_of_another_name_or_none_is_unknown(tmp_path: Path) -> None:
    kept = lessons(tmp_path)
    kept.add(ME, "mine", example())
    for example_id in ("0" * 16, "../../../etc/passwd", "x"):
        with refused("example-unknown"):
            kept.example(ME, "mine", example_id)
        with refused("example-unknown"):
            kept.forget(ME, "mine", example_id)


def test_what_is_forgotten_leaves_no_model_and_no_name(tmp_path: Path) -> None:
    kept = lessons(tmp_path)
    kept.add(ME, "mine", example())
    for _ in range(2):
        publish_means(tmp_path / "taught" / "models", "mine", IMAGE, (8, 8, 3))
    assert kept.versions(ME, "mine") == (1, 2)
    assert zipfile.ZipFile(io.BytesIO(kept.packed(ME, "mine", 2))).namelist() == [
        "mine/2/manifest.json",
        "mine/2/model.onnx",
    ]
    with refused("model-unknown"):
        kept.packed(YOU, "mine", 2)
    kept.forget_all(ME, "mine")
    assert kept.versions(ME, "mine") == ()
    assert [path for path in (tmp_path / "taught").rglob("*") if path.is_file()] == []
