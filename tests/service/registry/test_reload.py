"""Changing what is served while it is served: reload, load, unload, polling."""

import asyncio
import shutil
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import numpy as np
import pytest

from service.errors import SignError
from service.registry.inference import Inference
from service.registry.registry import Registry, VersionName
from service.registry.session import ModelSession
from service.registry.store import Store, StoredModel
from service.track import FloatArray
from tests.service.registry.conftest import Gate
from tests.service.registry.graphs import linear, publish, rows_of

pytestmark = pytest.mark.anyio
Opened = Callable[..., AbstractAsyncContextManager[Registry]]

NAN = linear(np.full((3, 2), np.nan, np.float32))
TURNED = linear(np.eye(3, 2, dtype=np.float32)[:, ::-1].copy())
ROW = rows_of([9, 0, 0])


def _states(registry: Registry, name: str = "letters") -> dict[int, str]:
    return {version.version: version.state for version in registry.state(name).versions}


def _damage(folder: Path) -> None:
    content = bytearray((folder / "model.onnx").read_bytes())
    content[-1] ^= 1
    (folder / "model.onnx").write_bytes(content)


async def _begun(held: Gate) -> None:
    while not held.begun:  # noqa: ASYNC110 - it is another thread's doing
        await asyncio.sleep(0.001)


async def _ask(registry: Registry, count: int) -> list[int]:
    """The versions that answered `count` unversioned requests, some of them at the same time."""

    async def once() -> int:
        model = await registry.get("letters")
        scores = await model.score([ROW])
        assert scores.shape == (1, 2)
        return model.manifest.version

    answered: list[int] = []
    for _ in range(count // 10):
        answered += await asyncio.gather(*(once() for _ in range(10)))
    return answered


async def test_while_a_new_version_loads_slowly_and_then_one_fails_200_requests_succeed(
    root: Path, opened: Opened, gate: Callable[[int], Gate]
) -> None:
    publish(root)
    async with opened() as registry:
        slow, failing = gate(2), gate(3)
        publish(root)
        reloading = asyncio.create_task(registry.reload())
        await _begun(slow)
        assert await _ask(registry, 70) == [1] * 70
        assert _states(registry) == {2: "loading", 1: "ready"}
        slow.open()
        await reloading
        assert await _ask(registry, 30) == [2] * 30

        publish(root, graph=NAN)
        reloading = asyncio.create_task(registry.reload())
        await _begun(failing)
        assert await _ask(registry, 70) == [2] * 70
        failing.open()
        report = await reloading
        assert await _ask(registry, 30) == [2] * 30
        assert "NaN on a trial" in report.refused[VersionName("letters", 3)]


async def test_requests_that_never_stop_see_no_gap_in_the_swap(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        asking = asyncio.create_task(_ask(registry, 400))
        for _ in range(5):
            publish(root)
            await registry.reload()
        versions = await asking
    assert versions == sorted(versions)


async def test_the_version_that_was_replaced_leaves_memory_unless_somebody_asked_for_it(
    root: Path, opened: Opened
) -> None:
    publish(root)
    async with opened() as registry:
        publish(root)
        await registry.reload()
        assert _states(registry) == {2: "ready", 1: "available"}
        await registry.get("letters", 2)
        publish(root)
        await registry.reload()
        assert _states(registry) == {3: "ready", 2: "ready", 1: "available"}


async def test_a_reload_reports_what_was_added_removed_changed_and_refused(root: Path, opened: Opened) -> None:
    for name in ("letters", "words", "numbers"):
        publish(root, name)
    async with opened() as registry:
        publish(root, "words", NAN)
        publish(root, "faces")
        shutil.rmtree(root / "numbers")
        _damage(root / "letters" / "1")
        report = await registry.reload()
        assert report.added == (VersionName("faces", 1), VersionName("words", 2))
        assert report.removed == (VersionName("numbers", 1),)
        assert report.changed == (VersionName("letters", 1),)
        assert set(report.refused) == {VersionName("letters", 1), VersionName("words", 2)}
        assert report.problem is None
        again = await registry.reload()
        assert (again.added, again.removed, again.changed) == ((), (), ())


async def test_a_version_that_was_damaged_on_disk_goes_on_being_served_from_memory(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        _damage(root / "letters" / "1")
        await registry.reload()
        shown = registry.version_state("letters", 1)
        assert (shown.state, "another SHA-256" in (shown.reason or "")) == ("ready", True)
        assert await _ask(registry, 10) == [1] * 10
        shutil.rmtree(root / "letters" / "1")
        publish(root)
        await registry.reload()
        shown = registry.version_state("letters", 1)
        assert (shown.state, shown.reason) == ("ready", None)


async def test_a_version_that_was_replaced_by_hand_is_swapped(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        before = await registry.get("letters")
        shutil.rmtree(root / "letters")
        publish(root, graph=TURNED)
        await registry.reload()
        after = await registry.get("letters")
        assert (await before.score([ROW])).argmax() == 0
        assert (await after.score([ROW])).argmax() == 1
        await registry.reload(again=False)
        assert await registry.get("letters") is after


async def test_a_version_that_disappears_is_served_until_the_next_reload(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened() as registry:
        shutil.rmtree(root / "letters" / "2")
        assert await _ask(registry, 10) == [2] * 10
        await registry.reload()
        assert await _ask(registry, 10) == [1] * 10
        shutil.rmtree(root / "letters")
        await registry.reload()
        assert not registry.ready
        with pytest.raises(SignError, match="The model store is empty"):
            await registry.get("letters")


async def test_a_store_that_was_never_there_is_not_called_empty(root: Path, opened: Opened) -> None:
    publish(root)
    root.rename(root.with_name("away"))
    async with opened() as registry:
        for version in (None, 1):
            with pytest.raises(SignError, match=f"There are no models: the model store {root} cannot be read"):
                await registry.get("letters", version)


async def test_a_store_that_cannot_be_read_changes_nothing(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        root.rename(root.with_name("away"))
        report = await registry.reload()
        assert "cannot be read" in (report.problem or "")
        assert await _ask(registry, 10) == [1] * 10
        assert registry.ready
        root.with_name("away").rename(root)
        assert (await registry.reload()).problem is None


async def test_what_was_refused_is_tried_again_by_a_reload(
    root: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(root)
    with monkeypatch.context() as patched:
        patched.setattr("service.registry.session._TYPES", {"float32": "tensor(strange)"})
        opening = opened()
        registry = await opening.__aenter__()
        assert _states(registry) == {1: "refused"}
    try:
        with pytest.raises(SignError, match="tensor"):
            await registry.get("letters", 1)
        await registry.reload()
        assert _states(registry) == {1: "ready"}
    finally:
        await opening.__aexit__(None, None, None)


async def test_polling_finds_what_is_new(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened(model_poll_s=0.02) as registry, asyncio.timeout(20):
        publish(root)
        while registry.state("letters").default_version != 2:  # noqa: ASYNC110 - the point is that nobody asks for it
            await asyncio.sleep(0.005)


async def test_polling_does_not_read_again_what_has_not_changed(
    root: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(root)
    publish(root, graph=NAN)
    async with opened() as registry:
        reads: list[int] = []
        read = Store.read

        def noted(self: Store, name: str, version: int) -> StoredModel:
            reads.append(version)
            return read(self, name, version)

        monkeypatch.setattr(Store, "read", noted)
        await registry.reload(again=False)
        assert reads == []
        await registry.reload()
        assert reads == [2]


async def test_a_model_that_had_no_room_is_loaded_when_there_is(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root, "words")
    async with opened(model_memory_bytes=12 * 2**20, default_model="words") as registry:
        assert _states(registry) == {1: "refused"}
        with pytest.raises(SignError):
            await registry.unload("words", 1)
        shutil.rmtree(root / "words")
        await registry.reload(again=False)
        await registry.reload(again=False)
        assert _states(registry) == {1: "ready"}


async def test_a_version_that_changed_between_looking_and_loading_is_not_served(
    root: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(root)
    async with opened() as registry:
        publish(root)
        inspect = Store.inspect

        def outdated(self: Store, name: str, version: int) -> StoredModel:
            stored = inspect(self, name, version)
            return StoredModel(stored.manifest.model_copy(update={"labels": ("X", "Y")}), stored.folder)

        monkeypatch.setattr(Store, "inspect", outdated)
        report = await registry.reload()
        assert "changed while it was being loaded" in report.refused[VersionName("letters", 2)]
        assert await _ask(registry, 10) == [1] * 10
        monkeypatch.undo()
        await registry.reload(again=False)
        assert await _ask(registry, 10) == [2] * 10


# load and unload


async def test_a_loaded_version_is_ready_and_does_not_become_the_default(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened() as registry:
        shown = await registry.load("letters", 1)
        assert (shown.state, shown.is_default) == ("ready", False)
        assert await _ask(registry, 10) == [2] * 10


async def test_a_version_published_after_the_last_scan_can_be_loaded(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        publish(root)
        assert (await registry.load("letters", 2)).is_default
        with pytest.raises(SignError, match="no version 3"):
            await registry.load("letters", 3)
        with pytest.raises(SignError, match="no model"):
            await registry.load("nothing", 1)


async def test_loading_a_bad_version_fails_with_its_reason_and_leaves_the_default(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        publish(root, graph=NAN)
        with pytest.raises(SignError, match="NaN on a trial") as caught:
            await registry.load("letters", 2)
        assert caught.value.code == "model-failed"
        assert await _ask(registry, 10) == [1] * 10


async def test_an_unloaded_version_is_not_loaded_by_requests_or_reloads(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened() as registry:
        await registry.load("letters", 1)
        assert (await registry.unload("letters", 1)).state == "unloaded"
        assert (await registry.unload("letters", 1)).state == "unloaded"
        await registry.reload()
        with pytest.raises(SignError, match="POST /models/letters/versions/1/load") as caught:
            await registry.get("letters", 1)
        assert caught.value.code == "model-state"
        await registry.load("letters", 1)
        assert (await registry.get("letters", 1)).manifest.version == 1


async def test_unloading_the_default_version_serves_the_next_one_without_a_gap(
    root: Path, opened: Opened, gate: Callable[[int], Gate]
) -> None:
    publish(root)
    publish(root)
    async with opened() as registry:
        held = gate(1)
        unloading = asyncio.create_task(registry.unload("letters", 2))
        await _begun(held)
        assert await _ask(registry, 20) == [2] * 20
        held.open()
        await unloading
        assert await _ask(registry, 20) == [1] * 20
        assert _states(registry) == {2: "unloaded", 1: "ready"}
        assert (await registry.load("letters", 2)).is_default


@pytest.mark.parametrize("others", [[], [NAN]])
async def test_the_last_version_of_the_default_model_is_not_unloaded(
    root: Path, opened: Opened, others: list[bytes]
) -> None:
    for graph in others:
        publish(root, graph=graph)
    last = publish(root).version
    async with opened() as registry:
        with pytest.raises(SignError, match="no other version") as caught:
            await registry.unload("letters", last)
        assert caught.value.code == "model-state"
        assert registry.ready
        assert await _ask(registry, 10) == [last] * 10


async def test_the_last_version_of_another_model_can_be_unloaded(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root, "words")
    async with opened() as registry:
        await registry.unload("words", 1)
        assert registry.state("words").default_version is None
        with pytest.raises(SignError, match="was unloaded") as caught:
            await registry.get("words")
        assert caught.value.code == "model-state"


async def test_what_is_loading_or_refused_cannot_be_unloaded(
    root: Path, opened: Opened, gate: Callable[[int], Gate]
) -> None:
    publish(root)
    publish(root)
    publish(root, graph=NAN)
    async with opened() as registry:
        with pytest.raises(SignError, match="is refused"):
            await registry.unload("letters", 3)
        held = gate(1)
        loading = asyncio.create_task(registry.load("letters", 1))
        await _begun(held)
        with pytest.raises(SignError, match="is loading"):
            await registry.unload("letters", 1)
        held.open()
        await loading


async def test_a_request_that_runs_while_its_model_is_unloaded_gets_its_answer(
    root: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(root)
    publish(root, "words")
    entered, free = threading.Event(), threading.Event()
    free.set()
    run = ModelSession.run

    def held(
        self: ModelSession, values: FloatArray, mask: FloatArray | None, inference: Inference | None
    ) -> FloatArray:
        entered.set()
        assert free.wait(10)
        return run(self, values, mask, inference)

    monkeypatch.setattr(ModelSession, "run", held)
    async with opened() as registry:
        model = await registry.get("words")
        entered.clear()
        free.clear()
        asking = asyncio.create_task(model.score([ROW]))
        del model
        assert await asyncio.to_thread(entered.wait, 10)
        assert (await registry.unload("words", 1)).state == "unloaded"
        free.set()
        assert (await asking).argmax() == 0


async def test_a_version_that_changes_while_it_loads_is_loaded_once_more(
    root: Path, opened: Opened, gate: Callable[[int], Gate]
) -> None:
    publish(root)
    publish(root)
    async with opened() as registry:
        held = gate(1)
        loading = asyncio.create_task(registry.load("letters", 1))
        await _begun(held)
        shutil.rmtree(root / "letters" / "1")
        (root / "letters" / "2").rename(root / "aside")
        publish(root, graph=TURNED)
        (root / "aside").rename(root / "letters" / "2")
        reloading = asyncio.create_task(registry.reload(again=False))
        await asyncio.sleep(0.05)
        held.open()
        await asyncio.gather(loading, reloading)
        await registry.reload(again=False)
        scores = await (await registry.get("letters", 1)).score([ROW])
        assert scores.argmax() == 1


@pytest.mark.parametrize("steps", range(0, 40, 3))
async def test_a_reload_cancelled_at_any_await_leaves_what_was_served(root: Path, opened: Opened, steps: int) -> None:
    publish(root)
    async with opened() as registry:
        publish(root)
        reloading = asyncio.create_task(registry.reload())
        for _ in range(steps):
            await asyncio.sleep(0.0005)
        reloading.cancel()
        await asyncio.gather(reloading, return_exceptions=True)
        assert set(await _ask(registry, 10)) <= {1, 2}
        await registry.reload()
        assert await _ask(registry, 10) == [2] * 10
