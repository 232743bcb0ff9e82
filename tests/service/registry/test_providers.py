"""Execution providers: which are tried, which serve, and what is said of those that do not."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest
from prometheus_client import generate_latest
from pydantic import ValidationError
from structlog.testing import capture_logs

from service.metrics import Metrics
from service.registry.manifest import SAMPLE_FILE
from service.registry.registry import Registry, VersionState
from service.registry.store import Store
from service.settings import Settings
from tests.service.registry.fake_provider import CUDA, OPENVINO, FakeProviders
from tests.service.registry.graphs import draft, linear, publish, rows_of

pytestmark = pytest.mark.anyio
Opened = Callable[..., AbstractAsyncContextManager[Registry]]
FLOAT_NOISE = 1e-7


def _state(registry: Registry, name: str = "letters") -> VersionState:
    return registry.state(name).versions[0]


async def test_models_run_on_the_cpu_where_nothing_else_is_asked_for(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        state = _state(registry)
    assert (state.provider, state.fallbacks, state.parity) == ("cpu", (), None)


async def test_the_first_provider_that_answers_as_the_cpu_does_serves(
    root: Path, opened: Opened, fake_providers: FakeProviders
) -> None:
    publish(root)
    fake_providers.drift[OPENVINO.execution_provider] = FLOAT_NOISE
    async with opened(providers="openvino,cpu") as registry:
        state = _state(registry)
        answer = await (await registry.get("letters")).score([rows_of([0, 0, 9])])
    assert (state.provider, state.fallbacks) == ("openvino", ())
    assert state.parity is not None
    assert 0 < state.parity.max_abs_diff <= 1e-6 < state.parity.bound
    assert state.parity.against == "cpu"
    np.testing.assert_allclose(answer, [[0.5, 0.5]])


async def test_a_provider_whose_answers_differ_is_refused_and_the_cpu_serves(
    root: Path, opened: Opened, metrics: Metrics, fake_providers: FakeProviders
) -> None:
    publish(root)
    fake_providers.drift[OPENVINO.execution_provider] = 0.01
    with capture_logs() as logs:
        async with opened(providers="openvino") as registry:
            state = _state(registry)
            answer = await (await registry.get("letters")).score([rows_of([0, 0, 9])])
    assert state.provider == "cpu"
    assert state.fallbacks == ("openvino: its answers are 0.01 from the CPU's, 0.0001 are allowed",)
    np.testing.assert_allclose(answer, [[0.5, 0.5]])
    counted = 'sign_provider_fallbacks_total{model="letters",provider="openvino",why="parity"} 1.0'
    assert counted in generate_latest(metrics.registry).decode()
    assert [line["served_on"] for line in logs if line["event"] == "model falls back"] == ["cpu"]


async def test_the_manifests_own_tolerance_is_the_bound(
    root: Path, opened: Opened, fake_providers: FakeProviders
) -> None:
    measured = {"reference": "numpy", "samples": 8, "max_abs_diff": 0.0}
    publish(root, "strict", parity={**measured, "tolerance": 1e-5})
    publish(root, "letters", parity={**measured, "tolerance": 0.1})
    fake_providers.drift[OPENVINO.execution_provider] = 0.01
    async with opened(providers="openvino") as registry:
        assert (_state(registry).provider, _state(registry, "strict").provider) == ("openvino", "cpu")


async def test_answers_that_are_no_numbers_are_not_the_cpus(
    root: Path, opened: Opened, fake_providers: FakeProviders
) -> None:
    publish(root)
    fake_providers.drift[OPENVINO.execution_provider] = float("nan")
    async with opened(providers="openvino") as registry:
        assert _state(registry).provider == "cpu"


async def test_a_model_that_a_provider_does_not_load_goes_to_the_next_and_others_stay(
    root: Path, opened: Opened, fake_providers: FakeProviders
) -> None:
    publish(root)
    publish(root, "words")
    fake_providers.broken = {CUDA.execution_provider: {"letters"}}
    async with opened(providers="cuda,openvino,cpu") as registry:
        letters, words = _state(registry), _state(registry, "words")
    assert (letters.provider, words.provider) == ("openvino", "cuda")
    assert len(letters.fallbacks) == 1
    assert "cuda: model.onnx cannot be loaded" in letters.fallbacks[0]
    assert "the operation X is not known here" in letters.fallbacks[0]


async def test_a_provider_that_cannot_start_is_told_though_the_runtime_keeps_quiet(
    root: Path, opened: Opened, fake_providers: FakeProviders
) -> None:
    publish(root)
    fake_providers.silent = {CUDA.execution_provider}
    async with opened(providers="cuda") as registry:
        state = _state(registry)
    assert (state.provider, state.fallbacks) == (
        "cpu",
        ("cuda: CUDAExecutionProvider cannot be started: its libraries or device fail",),
    )


async def test_a_provider_that_fails_in_a_run_goes_to_the_next(
    root: Path, opened: Opened, fake_providers: FakeProviders
) -> None:
    publish(root)
    fake_providers.fails_in_runs = {CUDA.execution_provider}
    async with opened(providers="cuda,openvino") as registry:
        assert _state(registry).provider == "openvino"


@pytest.mark.usefixtures("fake_providers")
async def test_a_model_that_the_cpu_refuses_is_refused(root: Path, opened: Opened) -> None:
    publish(root, graph=linear(np.full((3, 2), np.nan, np.float32)))
    async with opened(providers="openvino") as registry:
        state = _state(registry)
    assert (state.state, state.provider) == ("refused", None)
    assert "NaN on a trial" in (state.reason or "")


@pytest.mark.usefixtures("fake_providers")
async def test_the_stored_sample_is_what_counts_where_there_is_one(root: Path, opened: Opened, tmp_path: Path) -> None:
    values = np.array([[1, 2, 3]], np.float32)
    for name, outputs in (("letters", values[:, :2]), ("wrong", values[:, 1:])):
        np.savez(tmp_path / f"{name}.npz", values=values, outputs=outputs)
        files = {"model.onnx": linear(), SAMPLE_FILE: (tmp_path / f"{name}.npz").read_bytes()}
        Store(root).publish(draft(name), files)
    async with opened(providers="openvino") as registry:
        good, wrong = _state(registry), _state(registry, "wrong")
    assert good.parity is not None
    assert (good.provider, good.parity.against, good.parity.samples) == ("openvino", "stored", 1)
    assert (wrong.provider, wrong.fallbacks[0]) == (
        "cpu",
        "openvino: its answers are 1 from the CPU's, 0.0003 are allowed",
    )


async def test_less_precision_is_allowed_only_where_it_is_asked_for(
    root: Path, opened: Opened, fake_providers: FakeProviders
) -> None:
    publish(root)
    fake_providers.drift[OPENVINO.execution_provider] = 0.01
    async with opened(providers="openvino", precision="bf16") as registry:
        state = _state(registry)
    assert (state.provider, state.parity and round(state.parity.max_abs_diff, 4)) == ("openvino", 0.01)
    told = [options["load_config"] for name, options, _ in fake_providers.opened if name == OPENVINO.execution_provider]
    assert '"INFERENCE_PRECISION_HINT": "bf16"' in told[0]


async def test_a_gpu_computes_in_float32_and_within_its_memory(
    root: Path, opened: Opened, fake_providers: FakeProviders
) -> None:
    publish(root)
    async with opened(providers="cuda", device_memory_bytes=64 << 20) as registry:
        assert _state(registry).provider == "cuda"
    (told,) = [options for name, options, _ in fake_providers.opened if name == CUDA.execution_provider]
    assert (told["use_tf32"], told["gpu_mem_limit"]) == ("0", str(64 << 20))


@pytest.mark.usefixtures("fake_providers")
async def test_a_model_for_which_the_device_has_no_room_goes_to_the_next(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root, "words", graph=linear(ballast_bytes=2 << 20))
    async with opened(providers="cuda", device_memory_bytes=12 << 20) as registry:
        letters, words = _state(registry), _state(registry, "words")
    assert (letters.provider, words.provider) == ("cuda", "cpu")
    assert words.fallbacks[0].startswith("cuda: it needs 12 MiB, ")


async def test_an_operators_word_on_a_model_goes_before_its_manifest_and_that_before_all_others(
    root: Path, opened: Opened, fake_providers: FakeProviders
) -> None:
    tuned = {"providers": ["openvino"], "threads": 2}
    publish(root, "letters", runtime=tuned)
    publish(root, "words", runtime=tuned)
    publish(root, "faces")
    async with opened(providers="cuda", model_providers="words=cpu") as registry:
        served = {name: _state(registry, name).provider for name in ("letters", "words", "faces")}
    assert served == {"letters": "openvino", "words": "cpu", "faces": "cuda"}
    assert [threads for name, _, threads in fake_providers.opened if name == OPENVINO.execution_provider] == [2]


async def test_a_manifest_that_was_tuned_for_what_is_not_here_is_served_all_the_same(
    root: Path, opened: Opened
) -> None:
    publish(root, runtime={"providers": ["openvino"], "threads": 1})
    async with opened() as registry:
        assert (_state(registry).provider, _state(registry).fallbacks) == ("cpu", ())


async def test_threads_of_a_larger_machine_are_cut_to_the_cores_that_are_here(
    root: Path, opened: Opened, fake_providers: FakeProviders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.registry.providers.allowed_cores", lambda: 2)
    publish(root, runtime={"threads": 16})
    async with opened() as registry:
        assert _state(registry).provider == "cpu"
    assert {threads for _, _, threads in fake_providers.opened} == {2}


async def test_auto_is_what_is_there(root: Path, opened: Opened, fake_providers: FakeProviders) -> None:
    publish(root)
    fake_providers.silent = {CUDA.execution_provider}
    async with opened(providers="auto") as registry:
        assert _state(registry).provider == "openvino"


# settings


def _none_installed(name: str) -> str:
    if name != "onnxruntime":
        raise PackageNotFoundError(name)
    return "1"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"providers": "openvino,cpu"}, "the extra openvino"),
        ({"providers": "tensorrt,cuda,cpu"}, "needs onnxruntime-gpu in the place of onnxruntime, the extra cuda"),
        ({"providers": "gpu"}, "'gpu' is no provider; there are: auto, tensorrt, cuda,"),
        ({"model_providers": "letters=openvino+cpu"}, "the extra openvino"),
        ({"model_providers": "letters"}, "'letters' is not NAME=PROVIDER"),
    ],
)
def test_a_provider_that_is_asked_for_and_missing_is_an_error_that_names_its_extra(
    changes: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.execution_providers.version", _none_installed)
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(changes)
    assert says in str(caught.value)


def test_two_runtimes_in_one_environment_are_an_error_where_one_of_them_is_meant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.execution_providers.version", lambda _: "1")
    with pytest.raises(ValidationError, match="overwrite each other; keep one"):
        Settings.model_validate({"providers": "cuda"})
    assert Settings.model_validate({"providers": "cpu"}).providers == ("cpu",)


async def test_two_runtimes_are_told_at_the_start_whatever_is_asked_for(
    root: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.registry.registry.installed_runtimes", lambda: ("onnxruntime", "onnxruntime-openvino"))
    publish(root)
    with capture_logs() as logs:
        async with opened():
            pass
    (told,) = [line for line in logs if line["event"] == "several ONNX Runtimes"]
    assert told["installed"] == ("onnxruntime", "onnxruntime-openvino")
