"""Execution providers: what ONNX Runtime can compute on, which package brings each, and what of it is installed here.

One environment holds one ONNX Runtime: the packages bring the same module, and where two are installed, which files of
it are whose is chance (ADR 0035).
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

AUTO = "auto"
CPU_NAME = "cpu"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. extra: the package's extra that brings it, None where the usual ONNX Runtime does.

    package: the ONNX Runtime that has it. system: the only one it exists on. has_memory: it computes in a memory of
    its own.
    """

    name: str
    execution_provider: str
    package: str = "onnxruntime"
    extra: str | None = None
    system: str | None = None
    has_memory: bool = False


PROVIDERS: dict[str, Provider] = {
    one.name: one
    for one in (
        Provider("tensorrt", "TensorrtExecutionProvider", "onnxruntime-gpu", "cuda", has_memory=True),
        Provider("cuda", "CUDAExecutionProvider", "onnxruntime-gpu", "cuda", has_memory=True),
        Provider("coreml", "CoreMLExecutionProvider", system="darwin"),
        Provider("directml", "DmlExecutionProvider", "onnxruntime-directml", "directml", "win32", has_memory=True),
        Provider("openvino", "OpenVINOExecutionProvider", "onnxruntime-openvino", "openvino"),
        Provider(CPU_NAME, "CPUExecutionProvider"),
    )
}
"""By name, in the order in which `auto` prefers them."""

CPU = PROVIDERS[CPU_NAME]
_NOT_IN_AUTO = ("tensorrt",)  # it compiles each graph for minutes, which somebody has to want
_RUNTIMES = ("onnxruntime", *dict.fromkeys(one.package for one in PROVIDERS.values() if one.extra))


def installed_runtimes() -> tuple[str, ...]:
    """The ONNX Runtimes of this environment; there should be one."""
    return tuple(name for name in _RUNTIMES if _is_installed(name))


def automatic(available: Iterable[str]) -> tuple[Provider, ...]:
    """What `auto` stands for, where ONNX Runtime says that it has these execution providers."""
    there = set(available)
    return tuple(one for one in PROVIDERS.values() if one.execution_provider in there and one.name not in _NOT_IN_AUTO)


def check_providers(names: Iterable[str]) -> None:
    """ValueError where one of them is unknown or missing here: it says what to install."""
    for name in names:
        if name == AUTO:
            continue
        if name not in PROVIDERS:
            raise ValueError(f"{name!r} is no provider; there are: {', '.join((AUTO, *PROVIDERS))}")
        _check_is_here(PROVIDERS[name])


def check_one_runtime(names: Iterable[str]) -> None:
    """ValueError where providers other than the CPU's are asked for and several ONNX Runtimes are installed."""
    if set(names) <= {CPU_NAME} or len(installed_runtimes()) < 2:
        return
    raise ValueError(explain_runtimes())


def explain_runtimes() -> str:
    """What is wrong with several ONNX Runtimes, and how it is mended."""
    found = installed_runtimes()
    return (
        f"{' and '.join(found)} are both installed, and overwrite each other; keep one: "
        f"`pip uninstall -y {' '.join(found)}`, then `pip install --no-deps` the one"
    )


def model_providers(entries: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """NAME=PROVIDER+PROVIDER… by model; ValueError where an entry is none, or a provider is not here."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        model, equals, wanted = entry.partition("=")
        names = tuple(name.strip() for name in wanted.split("+") if name.strip())
        if not (model and equals and names):
            raise ValueError(f"{entry!r} is not NAME=PROVIDER+PROVIDER")
        check_providers(names)
        found[model] = names
    return found


def _check_is_here(one: Provider) -> None:
    if one.system is not None and sys.platform != one.system:
        raise ValueError(f"{one.name} exists on {one.system} alone")
    if one.extra is not None and not _is_installed(one.package):
        raise ValueError(
            f"{one.name} needs {one.package} in the place of onnxruntime, the extra {one.extra}: `pip uninstall -y "
            f"onnxruntime`, then `pip install --no-deps --require-hashes -r locks/{one.extra}.lock`, or "
            f"`pip install --no-deps {one.package}`"
        )


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
