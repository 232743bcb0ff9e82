"""Graphs that need not end: stopped at the deadline, given up after some times, and nobody else notices."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from service.errors import SignError
from service.pipelines.rows import ModelRows
from service.registry import batcher, inference, session
from service.registry.memory_mark import MemoryMark
from service.registry.served import ServedModel
from tests.running import ROOT
from tests.service.registry.conftest import Opened
from tests.service.registry.graphs import growing, inputs, linear, output, publish, rows_of

pytestmark = pytest.mark.anyio
FILES = ROOT / "tests" / "hostile" / "files"

WIDE = {"labels": ["A", "B", "C"], "inputs": inputs(["n", 20, 126]), "output": output(shape=["n", 3])}


@pytest.fixture(autouse=True)
def _short_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "TRIAL_S", 0.5)
    monkeypatch.setattr(inference, "LEAST_S", 0.01)
    monkeypatch.setattr(inference, "TIMES_THE_LONGEST", 0.0)


def _publish(root: Path, case: str, name: str) -> None:
    publish(root, name, (FILES / case).read_bytes(), **WIDE)


def _endless_rows() -> ModelRows:
    """What `loop_data.onnx` never comes to an end with; on the numbers of its trial it ends at once."""
    return ModelRows(np.full((1, 20, 126), -1000.0, np.float32), None, np.zeros(1))


async def _ask_without_end(model: ServedModel) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await model.outputs(_endless_rows())


async def test_a_graph_that_does_not_end_on_trial_is_refused_and_the_others_are_served(
    root: Path, opened: Opened
) -> None:
    publish(root)
    _publish(root, "loop_forever.onnx", "loop")
    async with opened() as registry:
        assert (await registry.get("letters")).width == 2
        with pytest.raises(
            SignError, match=r"loop version 1 is refused: a trial of 1 row\(s\) was stopped: it did not end"
        ):
            await registry.get("loop")


async def test_a_model_is_given_up_when_it_has_to_be_stopped_again_and_again(root: Path, opened: Opened) -> None:
    publish(root)
    _publish(root, "loop_data.onnx", "loop")
    async with opened() as registry:
        model = await registry.get("loop")
        for _ in range(batcher.MOST_STOPS):
            await _ask_without_end(model)
            np.testing.assert_array_equal(await (await registry.get("letters")).outputs(rows_of([1, 2, 3])), [[1, 2]])
        await _until(lambda: registry.version_state("loop", 1).state == "refused")
        with pytest.raises(SignError, match="loop version 1 is refused: an inference of 1 row") as caught:
            await registry.get("loop")
        assert caught.value.code == "model-failed"
        with pytest.raises(SignError, match="given up"):  # whoever holds it still, as a live session does
            await model.outputs(_endless_rows())
        assert (await registry.load("loop", 1)).state == "ready"


async def test_an_earlier_version_takes_the_place_of_one_that_is_given_up(root: Path, opened: Opened) -> None:
    publish(root, "loop", linear(np.zeros((126, 3), np.float32)), **{**WIDE, "inputs": inputs(["n", 126])})
    _publish(root, "loop_data.onnx", "loop")
    async with opened() as registry:
        model = await registry.get("loop")
        assert model.manifest.version == 2
        for _ in range(batcher.MOST_STOPS):
            await _ask_without_end(model)
        await _until(lambda: registry.state("loop").default_version == 1)


async def test_closing_stops_an_inference_that_does_not_end(root: Path, opened: Opened) -> None:
    publish(root)
    _publish(root, "loop_data.onnx", "loop")
    async with opened() as registry:
        running = asyncio.create_task((await registry.get("loop")).outputs(_endless_rows()))
        await asyncio.sleep(0.05)
    with pytest.raises(SignError) as caught:
        await asyncio.wait_for(running, 5)
    assert caught.value.code == "model-failed"


async def _until(holds: Callable[[], bool]) -> None:
    for _ in range(1000):
        if holds():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it does not come true")


async def test_a_graph_that_grows_without_end_is_stopped_while_it_is_tried_out(
    root: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "TRIAL_S", 60.0)
    publish(root, "grows", growing(step_bytes=8 << 20, steps=1000))
    before = MemoryMark.now()
    async with opened(model_memory_bytes=64 << 20) as registry:
        with pytest.raises(SignError, match="was stopped: it took more than the"):
            await registry.get("grows")
    assert before.growth_bytes() < 1 << 30  # it would be 8 GiB


async def test_a_graph_that_grows_counts_as_what_it_takes_where_the_process_was_as_large_before(
    root: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "TRIAL_S", 60.0)
    publish(root, "grows", growing(step_bytes=32 << 20, steps=4))
    assert np.ones(1 << 30, np.uint8).all()
    async with opened() as registry:
        await registry.get("grows")
        assert registry.version_state("grows", 1).memory_bytes > 120 << 20
