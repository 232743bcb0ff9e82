"""The registry: what requests get, what the models' list shows, and what the reasons say."""

import asyncio
import gc
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import generate_latest

from service.errors import SignError
from service.metrics import Metrics
from service.pipelines.rows import ModelRows
from service.registry import registry as registry_module
from service.registry.registry import Registry
from tests.service.registry.conftest import Gate
from tests.service.registry.graphs import draft, inputs, linear, output, publish, rows_of

pytestmark = pytest.mark.anyio
Opened = Callable[..., AbstractAsyncContextManager[Registry]]
GOOD, NAN = linear(), linear(np.full((3, 2), np.nan, np.float32))


async def _refusal(registry: Registry, name: str = "letters", version: int | None = None) -> SignError:
    with pytest.raises(SignError) as caught:
        await registry.get(name, version)
    return caught.value


def _states(registry: Registry, name: str = "letters") -> dict[int, str]:
    return {version.version: version.state for version in registry.state(name).versions}


# scores


async def test_a_served_model_gives_one_row_of_probabilities_for_each_window(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        model = await registry.get("letters")
        nothing = ModelRows.none((3,))
        scores = await model.score([rows_of([0, 0, 9]), rows_of([1, 0, 0], [3, 0, 0]), nothing])
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores[0], [0.5, 0.5])
    np.testing.assert_allclose(scores[1], np.exp([2, 0]) / np.exp([2, 0]).sum(), rtol=1e-6)
    np.testing.assert_array_equal(scores[2], [0, 0])


async def test_windows_without_any_rows_need_no_inference(root: Path, opened: Opened) -> None:
    publish(
        root,
        labels=["yes"],
        output=output(shape=["batch", 1], activation="sigmoid"),
        graph=linear(np.ones((3, 1), np.float32)),
    )
    async with opened() as registry:
        model = await registry.get("letters")
        np.testing.assert_array_equal(await model.score([ModelRows.none((3,))] * 2), np.zeros((2, 2)))
        assert (await model.score([])).shape == (0, 2)
        np.testing.assert_allclose(await model.score([rows_of([0, 0, 0])]), [[0.5, 0.5]])


async def test_numbers_that_are_none_fail_the_caller_who_sent_the_rows(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        model = await registry.get("letters")
        good, bad = await asyncio.gather(
            model.score([rows_of([1, 2, 3])]), model.score([rows_of([np.nan, 0, 0])]), return_exceptions=True
        )
    assert isinstance(good, np.ndarray)
    assert isinstance(bad, SignError)
    assert (bad.code, "NaN" in bad.detail) == ("model-failed", True)


async def test_rows_of_another_shape_fail_their_caller_with_both_shapes(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        model = await registry.get("letters")
        with pytest.raises(SignError, match=r"takes rows of \(3,\), its pipeline made \(4,\)"):
            await model.score([rows_of([1, 2, 3, 4])])


async def test_inferences_are_measured(root: Path, opened: Opened, metrics: Metrics) -> None:
    publish(root)
    async with opened() as registry:
        await (await registry.get("letters")).score([rows_of([1, 2, 3], [4, 5, 6])])
    text = generate_latest(metrics.registry).decode()
    assert 'sign_batch_rows_sum{model="letters"} 2.0' in text
    assert 'sign_inference_seconds_count{model="letters",version="1"} 1.0' in text


# which one is served


async def test_the_highest_version_is_served_under_the_bare_name(root: Path, opened: Opened) -> None:
    for _ in range(3):
        publish(root)
    async with opened() as registry:
        assert (await registry.get("letters")).manifest.version == 3
        assert registry.state("letters").default_version == 3
        assert _states(registry) == {3: "ready", 2: "available", 1: "available"}


async def test_a_pinned_version_is_served_instead(root: Path, opened: Opened) -> None:
    for _ in range(3):
        publish(root)
    async with opened(model_versions=("letters=2",)) as registry:
        assert (await registry.get("letters")).manifest.version == 2
        assert (await registry.get("letters", 3)).manifest.version == 3
        assert (await registry.get("letters")).manifest.version == 2


async def test_a_pinned_version_that_is_not_there_is_no_reason_to_serve_another(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened(model_versions=("letters=7",)) as registry:
        error = await _refusal(registry)
        assert (error.code, "pins version 7" in error.detail, registry.ready) == ("model-failed", True, False)


@pytest.mark.parametrize("graph", [NAN, b"garbage"])
async def test_where_the_highest_cannot_be_served_the_next_one_is(root: Path, opened: Opened, graph: bytes) -> None:
    publish(root)
    publish(root, graph=graph)
    async with opened() as registry:
        assert (await registry.get("letters")).manifest.version == 1
        assert _states(registry) == {2: "refused", 1: "ready"}
        assert registry.ready


async def test_a_version_asked_for_by_number_is_loaded_once_for_all_who_wait(
    root: Path, opened: Opened, gate: Callable[[int], Gate]
) -> None:
    publish(root)
    publish(root)
    async with opened() as registry:
        held = gate(1)
        asking = [asyncio.create_task(registry.get("letters", 1)) for _ in range(20)]
        await asyncio.sleep(0.05)
        assert _states(registry)[1] == "loading"
        asking[0].cancel()
        held.open()
        models = await asyncio.gather(*asking[1:])
        assert {model.manifest.version for model in models} == {1}
        assert len({id(model) for model in models}) == held.begun == 1
        assert registry.state("letters").default_version == 2


async def test_a_version_that_loads_for_long_is_answered_with_come_again(
    root: Path, opened: Opened, gate: Callable[[int], Gate], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "LOAD_WAIT_S", 0.02)
    publish(root)
    publish(root)
    async with opened() as registry:
        held = gate(1)
        error = await _refusal(registry, version=1)
        assert (error.code, error.retry_after_s) == ("model-loading", 2.0)
        held.open()
        await registry.load("letters", 1)
        assert (await registry.get("letters", 1)).manifest.version == 1


async def test_a_bare_name_that_loads_for_the_first_time_does_not_wait(
    root: Path, opened: Opened, gate: Callable[[int], Gate]
) -> None:
    publish(root)
    held = gate(1)
    async with opened(settle=False) as registry:
        error = await _refusal(registry)
        assert (error.code, error.retry_after_s) == ("model-loading", 2.0)
        assert not registry.ready
        assert "still loading" in registry.missing
        held.open()
        await registry.wait_until_loaded()
        assert registry.ready
        assert registry.missing == ""


# what is not there


async def test_an_unknown_model_is_answered_with_names_that_are_close(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root, "words")
    async with opened() as registry:
        close, far = await _refusal(registry, "leters"), await _refusal(registry, "qqqq", 1)
        assert (close.code, "Did you mean letters?" in close.detail) == ("model-unknown", True)
        assert (far.code, "There are: letters, words." in far.detail) == ("model-unknown", True)


async def test_an_unknown_version_is_answered_with_those_that_are_there(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened() as registry:
        error = await _refusal(registry, version=9)
        assert (error.code, "there are: 2, 1" in error.detail) == ("version-unknown", True)


async def test_a_model_whose_versions_are_all_refused_says_why(root: Path, opened: Opened, metrics: Metrics) -> None:
    publish(root, graph=NAN)
    async with opened() as registry:
        for version in (None, 1):
            error = await _refusal(registry, version=version)
            assert (error.code, "NaN on a trial" in error.detail) == ("model-failed", True)
        assert "NaN on a trial" in registry.missing
        assert "NaN on a trial" in (registry.version_state("letters", 1).reason or "")
    assert "sign_model_refused 1.0" in generate_latest(metrics.registry).decode()


async def test_a_model_that_takes_a_network_which_is_not_here_says_how_to_get_it(
    root: Path, opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.observe.landmark_files.FOLDER", tmp_path / "landmarks")
    layout = [{"part": "pose", "points": [0, 1, 2], "axes": ["x"]}]
    sampling = {"rate": 10}
    pipeline = {"kind": "keypoints", "source": "holistic", "complexity": 2, "layout": layout, "sampling": sampling}
    publish(root, pipeline=pipeline)
    async with opened() as registry:
        error = await _refusal(registry)
        assert error.code == "model-failed"
        assert "27 MB" in error.detail
        assert "make landmarks HEAVY=--heavy" in error.detail
    (tmp_path / "landmarks").mkdir()
    (tmp_path / "landmarks" / "pose-heavy.onnx").touch()
    async with opened() as registry:
        assert await registry.get("letters") is not None


async def test_a_store_that_is_not_there_is_what_is_missing(root: Path, opened: Opened) -> None:
    async with opened() as registry:
        assert not registry.ready
        assert registry.missing == f"the model store {root} cannot be read: No such file or directory"
        assert registry.snapshot() == ()


async def test_a_default_model_that_is_not_in_the_store_is_what_is_missing(root: Path, opened: Opened) -> None:
    publish(root, "words")
    async with opened() as registry:
        assert registry.missing == f"the default model letters is not in the model store {root}"
        assert (await registry.get("words")).manifest.name == "words"


# what the list shows


async def test_the_snapshot_shows_every_version_with_state_task_and_reason(
    root: Path, opened: Opened, metrics: Metrics
) -> None:
    publish(root)
    publish(root)
    publish(root, graph=b"garbage")
    publish(root, "words")
    (root / "words" / "1" / "model.onnx").unlink()
    async with opened() as registry:
        letters, words = registry.snapshot()
        shown = [(version.version, version.state, version.is_default, version.task) for version in letters.versions]
        assert shown == [(3, "refused", False, "sign"), (2, "ready", True, "sign"), (1, "available", False, "sign")]
        assert [bool(version.reason) for version in letters.versions] == [True, False, False]
        assert [version.memory_bytes > 0 for version in letters.versions] == [False, True, False]
        assert (words.default_version, words.versions[0].task) == (None, None)
        assert words.versions[0].reason == "model.onnx is missing, though the manifest lists it"
        text = generate_latest(metrics.registry).decode()
    assert 'sign_model_info{model="letters",state="ready",task="sign",version="2"} 1.0' in text
    assert 'sign_model_info{model="words",state="refused",task="unknown",version="1"} 1.0' in text
    assert 'state="loading"' not in text
    assert "sign_model_refused 2.0" in text


async def test_a_manifest_is_shown_of_every_version_that_has_one(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened() as registry:
        assert [version.manifest and version.manifest.version for version in registry.state("letters").versions] == [
            2,
            1,
        ]


# models that read from others


def _head(root: Path, *, version: int = 1, width: int = 2, **changes: object) -> None:
    publish(
        root,
        "head",
        linear(np.ones((width, 2), np.float32)),
        inputs=inputs(["batch", width]),
        requires={"name": "backbone", "version": version},
        **changes,
    )


async def test_a_required_model_is_loaded_with_the_one_that_reads_from_it(root: Path, opened: Opened) -> None:
    publish(root, "backbone")
    publish(root, "backbone")
    _head(root)
    async with opened() as registry:
        head = await registry.get("head")
        assert head.required is not None
        assert head.required is await registry.get("backbone", 1)
        with pytest.raises(SignError, match="is read by head version 1") as caught:
            await registry.unload("backbone", 1)
        assert caught.value.code == "model-state"
        await registry.unload("head", 1)
        assert (await registry.unload("backbone", 1)).state == "unloaded"


@pytest.mark.parametrize(
    ("head", "says"),
    [
        ({"version": 7}, "requires backbone version 7, which is not in the store"),
        ({"width": 5}, "which gives 2 numbers; the input takes 5"),
    ],
)
async def test_a_model_whose_requirement_is_not_met_is_refused(
    root: Path, opened: Opened, head: dict[str, int], says: str
) -> None:
    publish(root, "backbone")
    _head(root, **head)
    async with opened() as registry:
        assert says in (await _refusal(registry, "head")).detail


async def test_a_model_whose_required_one_is_refused_says_so(root: Path, opened: Opened) -> None:
    publish(root, "backbone", graph=b"garbage")
    _head(root)
    async with opened() as registry:
        assert (
            "requires backbone version 1, which is refused: model.onnx cannot"
            in (await _refusal(registry, "head")).detail
        )


async def test_models_that_require_each_other_are_refused_and_nothing_waits_forever(root: Path, opened: Opened) -> None:
    for name, other in (("one", "two"), ("two", "one"), ("self", "self")):
        graph = linear(np.eye(2, dtype=np.float32))
        publish(root, name, graph, inputs=inputs(["batch", 2]), requires={"name": other, "version": 1})
    async with asyncio.timeout(10), opened() as registry:
        for name in ("one", "two", "self"):
            assert "itself requires another" in (await _refusal(registry, name)).detail


# memory


async def test_beyond_the_memory_budget_nothing_more_is_loaded_and_the_reason_has_figures(
    root: Path, opened: Opened
) -> None:
    publish(root)
    publish(root, "words")
    async with opened(model_memory_bytes=12 * 2**20) as registry:
        assert registry.ready
        error = await _refusal(registry, "words")
        assert (error.code, "needs about 8 MiB of memory, 4 MiB of 12 MiB are free" in error.detail) == (
            "model-failed",
            True,
        )
        with pytest.raises(SignError, match="8 MiB of memory"):
            await registry.load("words", 1)
        assert registry.ready


async def test_room_is_made_by_the_version_that_was_not_asked_for_longest(root: Path, opened: Opened) -> None:
    for _ in range(4):
        publish(root)
    async with opened(model_memory_bytes=28 * 2**20) as registry:  # room for three
        for version in (1, 2, 1):
            await registry.get("letters", version)
        await registry.get("letters", 3)
        gc.collect()
        assert _states(registry) == {4: "ready", 3: "ready", 2: "available", 1: "ready"}


async def test_a_model_in_use_counts_until_the_last_request_has_ended(
    root: Path, opened: Opened, metrics: Metrics
) -> None:
    publish(root, "words")
    publish(root)

    def memory() -> float:
        gc.collect()
        return metrics.registry.get_sample_value("sign_model_memory_bytes") or 0.0

    async with opened() as registry:
        both = memory()
        held = await registry.get("words")
        await registry.unload("words", 1)
        assert memory() == both
        np.testing.assert_allclose(await held.score([rows_of([0, 0, 0])]), [[0.5, 0.5]])
        del held
        assert memory() < both


async def test_a_refused_version_takes_no_memory(root: Path, opened: Opened, metrics: Metrics) -> None:
    publish(root, graph=linear(np.full((3, 2), np.nan, np.float32), ballast_bytes=1_000_000))
    async with opened():
        gc.collect()
        assert metrics.registry.get_sample_value("sign_model_memory_bytes") == 0


# the end


async def test_after_closing_nothing_is_served(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        model = await registry.get("letters")
    assert (await _refusal(registry)).code == "shutting-down"
    assert not registry.ready
    with pytest.raises(SignError):
        await model.score([rows_of([1, 2, 3])])


async def test_closing_ends_loads_that_are_under_way(root: Path, opened: Opened, gate: Callable[[int], Gate]) -> None:
    publish(root)
    held = gate(1)
    async with opened(settle=False) as registry:
        waiting = asyncio.create_task(registry.get("letters", 1))
        while not held.begun:  # noqa: ASYNC110 - it is another thread's doing
            await asyncio.sleep(0.001)
        closing = asyncio.create_task(registry.close())
        await asyncio.sleep(0.01)
        held.open()
        await closing
        assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], SignError)


async def test_a_manifest_laid_in_by_hand_is_enough(root: Path, opened: Opened) -> None:
    manifest = publish(root)
    folder = root / "by-hand" / "5"
    (root / "letters" / "1").rename(root / "moved")
    folder.parent.mkdir()
    (root / "moved").rename(folder)
    fields = {
        **draft("by-hand"),
        "schema": 1,
        "version": 5,
        "files": {"model.onnx": manifest.files["model.onnx"].model_dump()},
    }
    (folder / "manifest.json").write_text(json.dumps(fields))
    async with opened() as registry:
        assert (await registry.get("by-hand")).manifest.version == 5
