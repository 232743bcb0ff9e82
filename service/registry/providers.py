"""Places for a model's graph: which providers it tries in which order, and how each is told to compute."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

import onnxruntime as ort

from service.execution_providers import AUTO, CPU, PROVIDERS, Provider, automatic, model_providers
from service.registry.manifest import Manifest
from service.settings import Settings, allowed_cores

Precision = Literal["float32", "tf32", "bf16"]
Optimization = Literal["all", "extended", "basic"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how a graph runs. options: of the provider, in ONNX Runtime's words."""

    provider: Provider = CPU
    threads: int = 1
    options: Mapping[str, str] = field(default_factory=dict)
    optimization: Optimization = "all"


def available_providers() -> tuple[str, ...]:
    """The execution providers that the installed ONNX Runtime has, by its own names."""
    return tuple(ort.get_available_providers())


def providers_for(manifest: Manifest, settings: Settings) -> tuple[Provider, ...]:
    """What a model tries, the best first; the CPU is always the last.

    What an operator says of the model goes before its manifest, and that before what is said of all models. Of the
    manifest what is not here is left out: it was tuned on another machine.
    """
    available = available_providers()
    chosen = model_providers(settings.model_providers).get(manifest.name)
    if chosen is None and manifest.runtime is not None and manifest.runtime.providers:
        chosen = tuple(name for name in manifest.runtime.providers if PROVIDERS[name].execution_provider in available)
    found: list[Provider] = []
    for name in chosen or settings.providers:
        found += automatic(available) if name == AUTO else (PROVIDERS[name],)
    before = found[: found.index(CPU)] if CPU in found else found
    return (*dict.fromkeys(before), CPU)


@cache
def find_libraries(provider: Provider) -> None:
    """Load what the provider's package needs and brings in packages of its own: ONNX Runtime does not look there."""
    if provider.package == "onnxruntime-gpu":
        ort.preload_dlls()


def place_of(manifest: Manifest, provider: Provider, settings: Settings, device_bytes: int | None = None) -> Place:
    """How the model's graph runs on this provider. device_bytes: most that it may take of the device's memory."""
    find_libraries(provider)
    runtime = manifest.runtime
    threads = settings.session_threads
    if runtime is not None and runtime.threads is not None:
        threads = min(runtime.threads, max(threads, allowed_cores()))  # it may have been tuned on a larger machine
    optimization: Optimization = "all" if runtime is None else runtime.optimization
    options = provider_options(provider, settings.precision, threads, device_bytes)
    return Place(provider, threads, options, optimization)


def provider_options(
    provider: Provider, precision: Precision, threads: int, device_bytes: int | None = None
) -> dict[str, str]:
    """What a provider is told: to compute in float32 unless less was asked for, and how much it may take."""
    exact = precision == "float32"
    if provider.name == "cuda":
        limit = {} if device_bytes is None else {"gpu_mem_limit": str(device_bytes)}
        return {"use_tf32": "0" if exact else "1", "cudnn_conv_algo_search": "HEURISTIC", **limit}
    if provider.name == "tensorrt":
        limit = {} if device_bytes is None else {"trt_max_workspace_size": str(device_bytes)}
        return {"trt_fp16_enable": "0", "trt_bf16_enable": "1" if precision == "bf16" else "0", **limit}
    if provider.name == "openvino":
        hint = "bf16" if precision == "bf16" else "f32"
        config = f'{{"CPU": {{"INFERENCE_PRECISION_HINT": "{hint}", "INFERENCE_NUM_THREADS": "{threads}"}}}}'
        return {"device_type": "CPU", "load_config": config}
    return {}
