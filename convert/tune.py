"""Tuning: how a published graph runs fastest on this machine, of all ways in which it still answers alike.

A way is a provider, threads of one inference, how far ONNX Runtime rewrites the graph (its layouts of convolutions
come with `all`), and float or INT8. All take turns, so that what else the machine does meets all of them.
"""

import io
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from convert.errors import CallError
from service.execution_providers import CPU, PROVIDERS, Provider, automatic
from service.registry.manifest import Manifest
from service.registry.parity_sample import Sample
from service.registry.providers import Optimization, Place, provider_options
from service.system import cores

OPTIMIZATIONS: tuple[Optimization, ...] = ("all", "extended")
TOLERANCE = 1e-4
"""Largest difference from the CPU's answers, times the largest of them (at least 1), where the manifest names none."""
ROUNDS = 5
BURST_S = 0.3
MARGIN = 1.05
"""What is less than that much faster, or not in every round, may be noise."""
_ERRORS_ONLY = 3
_LEVELS = {
    "all": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL,
    "extended": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED,
    "basic": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC,
}
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Graph:
    """One form of the model, and how it was made; answers: what it gives for the sample on the CPU."""

    content: bytes
    form: str
    answers: Array


@dataclass(slots=True)
class Way:
    """One way to run a graph. difference: from the graph's answers on one thread of the CPU; reason: why it is none."""

    graph: Graph
    place: Place
    session: Any = None
    difference: float = 0.0
    reason: str | None = None
    row_ms: list[float] = field(default_factory=list)
    rows_per_s: list[float] = field(default_factory=list)

    @property
    def alone_ms(self) -> float:
        """Milliseconds of one row, with nothing beside it."""
        return statistics.median(self.row_ms) if self.row_ms else float("inf")

    @property
    def throughput(self) -> float:
        """Rows a second where inferences fill all cores, as the service runs them."""
        return statistics.median(self.rows_per_s) if self.rows_per_s else 0.0

    @property
    def name(self) -> str:
        threads = f"{self.place.threads} thread{'s' if self.place.threads > 1 else ''}"
        return f"{self.place.provider.name}, {threads}, {self.place.optimization}, {self.graph.form}"


def find_providers(asked: Sequence[str] | None) -> tuple[Provider, ...]:
    """The providers to try: those asked for, else all that are here. CallError where one is not here."""
    here = set(onnxruntime.get_available_providers())
    if not asked:
        return automatic(here)
    for name in asked:
        if name not in PROVIDERS or PROVIDERS[name].execution_provider not in here:
            there = ", ".join(one.name for one in automatic(here))
            raise CallError(f"The provider {name} is not here; there are: {there}.", "docs/operations.md says how.")
    return tuple(PROVIDERS[name] for name in asked)


def list_ways(graphs: Sequence[Graph], providers: Sequence[Provider], threads: Sequence[int] | None) -> list[Way]:
    """Every way to run these graphs; optimizations other than all are the CPU's alone."""
    providers = sorted(providers, key=lambda one: one is not CPU)
    counts = threads or [count for count in (1, 2, 4, 8, 16, 32) if count <= max(1, cores())]
    return [
        Way(graph, Place(provider, count, provider_options(provider, "float32", count), optimization))
        for graph in graphs
        for provider in providers
        for count in ((1,) if provider.has_memory else counts)
        for optimization in (OPTIMIZATIONS if provider is CPU else OPTIMIZATIONS[:1])
    ]


def measure(ways: Sequence[Way], manifest: Manifest, sample: Sample, rounds: int = ROUNDS) -> None:
    """Open each way, compare its answers, and let those that answer alike take turns."""
    feeds = feeds_of(manifest, sample)
    for way in ways:
        _open(way, manifest, feeds)
    fit = [way for way in ways if way.reason is None]
    for _ in range(rounds):
        for way in fit:
            _measure_alone(way, manifest, feeds)
        for way in fit:
            _measure_full(way, manifest, feeds)


def feeds_of(manifest: Manifest, sample: Sample) -> dict[str, Array]:
    """What the graph is given for the sample."""
    feeds = {}
    for entry in manifest.inputs:
        if entry.source == "track":
            feeds[entry.name] = np.ascontiguousarray(sample.values, dtype=np.dtype(entry.dtype))
        else:
            steps = np.ones(sample.values.shape[:2]) if sample.mask is None else sample.mask
            feeds[entry.name] = np.ascontiguousarray(steps, dtype=np.dtype(entry.dtype))
    return feeds


def answers_of(content: bytes, manifest: Manifest, feeds: dict[str, Array]) -> Array:
    """What a graph gives on one thread of the CPU."""
    (given,) = _session(content, Place()).run([manifest.output.name], feeds)
    return np.asarray(given, np.float32)


def choose(ways: Sequence[Way], *, for_latency: bool = False) -> Way:
    """The fastest of those that answer alike; the first, as models run untuned, unless another is clearly faster."""
    fit = [way for way in ways if way.reason is None and way.row_ms]
    if not fit:
        raise CallError("No way to run the model was left.", "; ".join(str(way.reason) for way in ways[:3]))

    def figures(way: Way) -> list[float]:
        return [1 / taken for taken in way.row_ms] if for_latency else way.rows_per_s

    def beats(way: Way, usual: Way) -> bool:
        always = all(one > other for one, other in zip(figures(way), figures(usual), strict=True))
        return always and statistics.median(figures(way)) >= MARGIN * statistics.median(figures(usual))

    usual = fit[0]
    rivals = fit[1:] if usual is not ways[0] else [way for way in fit[1:] if beats(way, usual)]
    return max((usual, *rivals), key=lambda way: statistics.median(figures(way)))


def table(ways: Sequence[Way], chosen: Way) -> list[str]:
    """Each way in a line, the fastest first, those that do not do last."""
    lines = [f"  {'way':44} {'a row alone':>12} {'all cores':>13}  difference"]
    for way in sorted(ways, key=lambda one: (one.reason is not None, -one.throughput)):
        if way.reason is not None:
            lines.append(f"  {way.name:44} {'–':>12} {'–':>13}  {way.reason}")
            continue
        mark = "  ← chosen" if way is chosen else ""
        said = f"{way.alone_ms:9.1f} ms {way.throughput:9.1f} /s"
        lines.append(f"  {way.name:44} {said}    {way.difference:.2g}{mark}")
    return lines


def sample_file(values: Array, mask: Array | None, answers: Array) -> bytes:
    """The sample as the store keeps it."""
    file = io.BytesIO()
    if mask is None:
        np.savez_compressed(file, values=values, outputs=answers)
    else:
        np.savez_compressed(file, values=values, outputs=answers, mask=mask)
    return file.getvalue()


def machine() -> str:
    """What the figures are of."""
    return f"{os.cpu_count()} cores ({_processor()}), ONNX Runtime {onnxruntime.__version__}"


def load() -> str:
    """What else the machine does, as far as it says so."""
    busy = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if busy <= cores() + 1:
        return ""
    return f"The machine is busy (load average {busy:.1f}): measure again when it is not, these figures are of chance."


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - not everywhere
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "unknown")
    except OSError:
        return "unknown"


def _session(content: bytes, place: Place) -> Any:  # noqa: ANN401 - onnxruntime has no types
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    options.intra_op_num_threads = place.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = _LEVELS[place.optimization]
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    providers = [(place.provider.execution_provider, dict(place.options))]
    if place.provider is not CPU:
        providers.append((CPU.execution_provider, {}))
    return onnxruntime.InferenceSession(content, options, providers=providers)


def _open(way: Way, manifest: Manifest, feeds: dict[str, Array]) -> None:
    """Load it, and say why it is no way where it fails or answers otherwise."""
    try:
        session = _session(way.graph.content, way.place)
        (given,) = session.run([manifest.output.name], feeds)
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no class; whatever it is, this is no way
        way.reason = f"fails: {str(error).splitlines()[0][:120]}"
        return
    if way.place.provider.execution_provider not in session.get_providers():
        way.reason = "cannot be started here"
        return
    wanted = way.graph.answers
    way.difference = float(np.abs(given.astype(np.float64) - wanted).max())
    bound = 0.0 if manifest.parity is None else manifest.parity.tolerance
    bound = bound or TOLERANCE * max(1.0, float(np.abs(wanted).max()))
    if not way.difference <= bound:
        way.reason = f"answers otherwise: {way.difference:.2g}, {bound:.2g} are allowed"
        return
    way.session = session


def _one_row(manifest: Manifest, feeds: dict[str, Array]) -> dict[str, Array]:
    """A row of the sample, or all of them where the graph takes only so many."""
    fixed = isinstance(manifest.inputs[0].shape[0], int)
    return feeds if fixed else {name: values[:1] for name, values in feeds.items()}


def _runs(way: Way, manifest: Manifest, row: dict[str, Array], until: float) -> Iterator[float]:
    """Run a row again and again; the milliseconds of each."""
    while True:
        began = time.perf_counter()
        way.session.run([manifest.output.name], row)
        now = time.perf_counter()
        yield (now - began) * 1000
        if now >= until:
            return


def _measure_alone(way: Way, manifest: Manifest, feeds: dict[str, Array]) -> None:
    row = _one_row(manifest, feeds)
    taken = list(_runs(way, manifest, row, time.perf_counter() + BURST_S / 2))
    way.row_ms.append(statistics.median(taken) / len(next(iter(row.values()))))


def _measure_full(way: Way, manifest: Manifest, feeds: dict[str, Array]) -> None:
    """As many inferences side by side as fill the cores."""
    row = _one_row(manifest, feeds)
    lanes = 1 if way.place.provider.has_memory else max(1, cores() // way.place.threads)
    began = time.perf_counter()
    with ThreadPoolExecutor(lanes) as threads:
        counts = threads.map(lambda _: len(list(_runs(way, manifest, row, began + BURST_S))), range(lanes))
        rows = sum(counts) * len(next(iter(row.values())))
    way.rows_per_s.append(rows / (time.perf_counter() - began))
