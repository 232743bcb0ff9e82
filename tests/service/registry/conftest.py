"""Parts that the registry's tests share."""

import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import hypothesis
import onnxruntime as ort
import pytest

from service.metrics import Metrics
from service.registry.providers import Place
from service.registry.registry import Registry
from service.registry.session import ModelSession
from service.registry.store import StoredModel
from service.settings import Settings
from tests.service.registry.fake_provider import CUDA, OPENVINO, FakeProviders

hypothesis.settings.register_profile("without-clock", deadline=None)  # the machine may be busy
hypothesis.settings.load_profile("without-clock")

Opened = Callable[..., AbstractAsyncContextManager[Registry]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def opened(root: Path, metrics: Metrics) -> Opened:
    """Opens a registry on the store: started, its first models loaded unless `settle=False`, and closed at the end."""

    @asynccontextmanager
    async def opening(*, settle: bool = True, **changes: object) -> AsyncIterator[Registry]:
        values = {"model_store": root, "default_model": "letters", **changes}
        registry = Registry(Settings.model_validate(values), metrics)
        await registry.start()
        try:
            if settle:
                await registry.wait_until_loaded()
            yield registry
        finally:
            await registry.close()

    return opening


class Gate:
    """Holds up the loading of one version of every model, and counts how often it was begun."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.begun = 0
        self._open = threading.Event()

    def wait(self) -> None:
        self.begun += 1
        if not self._open.wait(20):
            raise TimeoutError("the gate was never opened")

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], Gate]]:
    """gate(2): version 2 of a model loads only after its gate was opened."""
    gates: dict[int, Gate] = {}

    class GatedSession(ModelSession):
        def __init__(
            self, stored: StoredModel, threads: int = 1, most_bytes: int = sys.maxsize, place: Place | None = None
        ) -> None:
            if held := gates.get(stored.manifest.version):
                held.wait()
            super().__init__(stored, threads, most_bytes, place)

    def make(version: int) -> Gate:
        gates[version] = Gate(version)
        return gates[version]

    monkeypatch.setattr("service.registry.placement.ModelSession", GatedSession)
    yield make
    for held in gates.values():
        held.open()


@pytest.fixture
def fake_providers(monkeypatch: pytest.MonkeyPatch) -> FakeProviders:
    """OpenVINO and CUDA as if both were there, in one runtime."""
    fake, real = FakeProviders(), ort.InferenceSession
    names = [CUDA.execution_provider, OPENVINO.execution_provider, "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: names)
    monkeypatch.setattr("onnxruntime.InferenceSession", lambda *given, **named: fake.open(real, *given, **named))
    monkeypatch.setattr("service.execution_providers.version", lambda _: "1")
    monkeypatch.setattr("service.execution_providers.installed_runtimes", lambda: ("onnxruntime-gpu",))
    return fake
