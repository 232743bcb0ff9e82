"""A provider that no machine of the tests has: ONNX Runtime's CPU under another name, with a fault of one's choice."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from service.execution_providers import PROVIDERS

OPENVINO, CUDA = PROVIDERS["openvino"], PROVIDERS["cuda"]
CPU_NAME = "CPUExecutionProvider"


class FakeProviders:
    """What each provider does with a graph, by its own name; what is not named serves as the CPU does.

    drift: added to each answer. silent: it cannot start, which ONNX Runtime tells its own log alone. broken: the
    models (their names) whose graph it refuses. fails_in_runs: it loads a graph and fails when it is run.
    """

    def __init__(self) -> None:
        self.drift: dict[str, float] = {}
        self.silent: set[str] = set()
        self.broken: dict[str, set[str]] = {}
        self.fails_in_runs: set[str] = set()
        self.opened: list[tuple[str, dict[str, str], int]] = []

    def open(
        self, real: Any, path: str | bytes, options: ort.SessionOptions, providers: Sequence[tuple[str, Any]]
    ) -> Any:
        name, told = providers[0]
        self.opened.append((name, told, options.intra_op_num_threads))
        session = real(path, options, providers=[CPU_NAME])
        if name == CPU_NAME or name in self.silent:
            return session
        if isinstance(path, str) and Path(path).parents[1].name in self.broken.get(name, ()):
            raise ort_errors.EPFail("the operation X is not known here")
        return _Session(session, name, self.drift.get(name, 0.0), fails=name in self.fails_in_runs)


class _Session:
    def __init__(self, session: ort.InferenceSession, name: str, drift: float, *, fails: bool) -> None:
        self._session = session
        self._name = name
        self._drift = drift
        self._fails = fails

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def get_providers(self) -> list[str]:
        return [self._name, CPU_NAME]

    def run(self, *arguments: Any) -> list[Any]:
        if self._fails:
            raise ort_errors.EPFail("out of the device's memory")
        return [answer + self._drift for answer in self._session.run(*arguments)]
