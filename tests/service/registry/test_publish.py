"""Publishing: all of it or nothing, never over a version that exists, also with several publishers at once."""

import multiprocessing
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import InvalidModelError
from service.registry.manifest import Manifest
from service.registry.store import Store
from tests.service.registry.graphs import draft, linear, publish

PUBLISHERS, EACH = 3, 5
SPAWN = multiprocessing.get_context("spawn")
MODEL = {"model.onnx": b"graph"}


def _publish_some(root: Path, start: "multiprocessing.synchronize.Event", count: int) -> None:
    start.wait(30)
    for _ in range(count):
        Store(root).publish(draft(), MODEL)


def _listing(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*"))


def test_the_first_version_is_1_and_the_next_one_more(root: Path) -> None:
    assert [publish(root).version for _ in range(3)] == [1, 2, 3]
    assert publish(root, "words").version == 1


def test_the_manifest_gets_its_version_sizes_and_digests_on_publishing(root: Path) -> None:
    manifest = publish(root)
    assert manifest.files["model.onnx"].bytes == len(linear())
    assert Store(root).read("letters", 1).manifest == manifest


def test_a_manifest_can_be_published_again_as_the_next_version(root: Path) -> None:
    again = Store(root).publish(publish(root), MODEL)
    assert (again.version, again.files["model.onnx"].bytes) == (2, len(MODEL["model.onnx"]))


def test_files_are_copied_from_paths(root: Path, tmp_path: Path) -> None:
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(range(256)) * 10_000)
    manifest = Store(root).publish(draft(), {**MODEL, "weights.bin": large})
    assert (root / "letters" / "1" / "weights.bin").read_bytes() == large.read_bytes()
    assert manifest.files["weights.bin"].bytes == large.stat().st_size
    Store(root).read("letters", 1)


def test_another_user_can_read_what_was_published_whatever_the_umask(root: Path) -> None:
    code = (
        "import os; os.umask(0o077)\nfrom pathlib import Path\n"
        "from tests.service.registry.graphs import publish\n"
        f"publish(Path({str(root)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (root / "letters").rglob("*")}
    assert modes == {"1": 0o755, "manifest.json": 0o644, "model.onnx": 0o644}
    assert stat.S_IMODE((root / "letters").stat().st_mode) == 0o755


@pytest.mark.parametrize(
    ("fields", "files"),
    [
        (draft(labels=["A"]), MODEL),
        (draft(name="../letters"), MODEL),
        (draft(extra=1), MODEL),
        (draft(), {}),
        (draft(), {**MODEL, "../escape": b""}),
        (draft(), {**MODEL, "/etc/passwd": b""}),
        (draft(), {**MODEL, "a/b": b""}),
        (draft(), {**MODEL, "manifest.json": b"{}"}),
    ],
)
def test_what_the_service_would_refuse_is_not_published(
    root: Path, fields: dict[str, object], files: dict[str, bytes]
) -> None:
    with pytest.raises(InvalidModelError):
        Store(root).publish(fields, files)
    assert not root.exists() or _listing(root) == []


def test_a_source_that_cannot_be_read_leaves_nothing_behind(root: Path, tmp_path: Path) -> None:
    publish(root)
    before = _listing(root)
    with pytest.raises(FileNotFoundError):
        Store(root).publish(draft(), {**MODEL, "weights.bin": tmp_path / "missing"})
    assert _listing(root) == before


@settings(max_examples=25)
@given(taken=st.sets(st.integers(1, 40), max_size=6))
def test_the_next_version_is_above_everything_that_has_a_number(
    tmp_path_factory: pytest.TempPathFactory, taken: set[int]
) -> None:
    root = tmp_path_factory.mktemp("store")
    for number in taken:
        (root / "letters" / str(number)).mkdir(parents=True)
    assert Store(root).publish(draft(), MODEL).version == max(taken, default=0) + 1


def test_a_version_that_another_publisher_took_meanwhile_is_left_alone(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number is taken between looking and renaming: the rename fails, and the next number is used."""
    rename = Path.rename
    rivals = iter([True, True, False])

    def rename_after_a_rival(self: Path, target: Path) -> Path:
        if next(rivals, False):
            target.mkdir()
            (target / "manifest.json").write_text("the rival's")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", rename_after_a_rival)
    assert Store(root).publish(draft(), MODEL).version == 3
    assert (root / "letters" / "1" / "manifest.json").read_text() == "the rival's"
    assert Store(root).read("letters", 3).manifest.version == 3
    assert sorted(path.name for path in root.iterdir()) == ["letters"]


def test_publishers_in_several_processes_get_consecutive_numbers(root: Path) -> None:
    start = SPAWN.Event()
    publishers = [SPAWN.Process(target=_publish_some, args=(root, start, EACH)) for _ in range(PUBLISHERS)]
    for publisher in publishers:
        publisher.start()
    start.set()
    for publisher in publishers:
        publisher.join(60)
    assert [publisher.exitcode for publisher in publishers] == [0] * PUBLISHERS
    store = Store(root)
    versions = [stored.version for stored in store.versions()]
    assert versions == list(range(1, PUBLISHERS * EACH + 1))
    assert [store.read("letters", version).manifest.version for version in versions] == versions
    assert sorted(path.name for path in root.iterdir()) == ["letters"]


def test_a_publisher_that_is_killed_leaves_a_clean_store(root: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle of copying (from a pipe): no scan sees it, and the next publisher gets its number."""
    publish(root)
    os.mkfifo(tmp_path / "pipe")
    code = (
        "from pathlib import Path\n"
        "from service.registry.store import Store\n"
        "from tests.service.registry.graphs import draft\n"
        f"files = {{'model.onnx': b'x' * 1000, 'weights.bin': Path({str(tmp_path / 'pipe')!r})}}\n"
        f"Store(Path({str(root)!r})).publish(draft(), files)"
    )
    publisher = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[3])
    deadline = time.monotonic() + 30
    while not list(root.glob(".letters-2.*/weights.bin")) and time.monotonic() < deadline:
        time.sleep(0.005)
    publisher.send_signal(signal.SIGKILL)
    assert publisher.wait(10) == -signal.SIGKILL
    assert len(list(root.glob(".letters-2.*"))) == 1
    assert [stored.version for stored in Store(root).versions()] == [1]
    assert publish(root).version == 2


def test_a_reader_never_sees_half_a_version(root: Path) -> None:
    start = SPAWN.Event()
    publisher = SPAWN.Process(target=_publish_some, args=(root, start, 15))
    publisher.start()
    root.mkdir(exist_ok=True)
    start.set()
    seen: set[int] = set()
    store = Store(root)
    while publisher.is_alive():
        for stored in store.versions():
            if stored.version not in seen:
                assert isinstance(store.read(stored.name, stored.version).manifest, Manifest)
                seen.add(stored.version)
    assert publisher.exitcode == 0
    assert len(store.versions()) == 15
