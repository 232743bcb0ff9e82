"""A provider beside the CPU's, graph by graph, in an environment with that provider's ONNX Runtime and NumPy.

    python tests/bench/providers.py --provider openvino --page docs/benchmarks/providers.md GRAPH.onnx …

Needs nothing of the service, so that it runs where a provider's package does. Per graph: how far the answers are
apart, and milliseconds of processor time a row on one thread, both taking turns: wall time would be that of
whatever else the machine does.
"""

import argparse
import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

EXECUTION = {"openvino": "OpenVINOExecutionProvider", "cuda": "CUDAExecutionProvider"}
OPTIONS = {
    "openvino": {
        "device_type": "CPU",
        "load_config": '{"CPU": {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1"}}',
    },
    "cuda": {"use_tf32": "0"},
}
OTHER_LENGTH = 16
DTYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}
TOLERANCE = 1e-4
Array = npt.NDArray[Any]


def session(path: Path, providers: list[Any]) -> Any:
    """One thread, as the service opens it."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=providers)


def feeds(opened: Any, rows: int) -> dict[str, Array]:
    """Smooth numbers in the range that the graph's first input is likely to take: gray levels for pictures."""
    made: dict[str, Array] = {}
    for node in opened.get_inputs():
        tail = [length if isinstance(length, int) else OTHER_LENGTH for length in node.shape[1:]]
        first = node.shape[0] if node.shape and isinstance(node.shape[0], int) else rows
        shape = (first, *tail)
        steps = np.linspace(0, 12, int(np.prod(shape))).reshape(shape)
        is_pictures = len(shape) > 3 or node.type == "tensor(uint8)"
        values = 127.5 + 100 * np.sin(steps * 7) if is_pictures else np.sin(steps * 7)
        made[node.name] = np.ascontiguousarray(values.astype(DTYPES.get(node.type, np.float32)))
    return made


def row_ms(opened: Any, given: dict[str, Array]) -> float:
    """Processor time of one run, a row."""
    began = time.process_time()
    opened.run(None, given)
    return (time.process_time() - began) * 1000 / len(next(iter(given.values())))


def measure(path: Path, provider: str, rounds: int, batch: int) -> str:
    """One line of the table."""
    usual = session(path, ["CPUExecutionProvider"])
    try:
        other = session(path, [(EXECUTION[provider], OPTIONS[provider]), "CPUExecutionProvider"])
        given = feeds(usual, 1)
        wanted, found = usual.run(None, given), other.run(None, given)
    except Exception as error:  # noqa: BLE001 - onnxruntime's errors share no class
        return f"fails: {str(error).splitlines()[0][:80]} | – | – | – | – |"
    if EXECUTION[provider] not in other.get_providers():
        return "cannot be started | – | – | – | – |"
    far = max(float(np.abs(a.astype(np.float64) - b).max()) for a, b in zip(wanted, found, strict=True))
    scale = max(1.0, *(float(np.abs(a.astype(np.float64)).max()) for a in wanted))
    several = feeds(usual, batch)
    takes_several = len(next(iter(several.values()))) == batch
    times: dict[str, list[float]] = {"cpu": [], provider: [], "together": []}
    for turn in range(rounds + 1):
        for name, opened, rows in (("cpu", usual, given), (provider, other, given), ("together", usual, several)):
            if name == "together" and not takes_several:
                continue
            taken = row_ms(opened, rows)
            if turn:
                times[name].append(taken)
    cpu, own = statistics.median(times["cpu"]), statistics.median(times[provider])
    together = f"{statistics.median(times['together']):.2f}" if takes_several else "–"
    holds = "yes" if far <= TOLERANCE * scale else "**no**"
    return f"{far / scale:.1e} ({holds}) | {cpu:.2f} | {own:.2f} | {cpu / own:.2f} × | {together} |"


def main() -> None:
    """Measure each graph, print, write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("graphs", type=Path, nargs="+")
    parser.add_argument("--provider", choices=[*EXECUTION], default="openvino")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--page", type=Path)
    asked = parser.parse_args()
    load = os.getloadavg()[0]
    other, batch = asked.provider, asked.batch
    columns = f"largest difference / scale (within {TOLERANCE:g}) | cpu, ms | {other}, ms | cpu / {other}"
    lines = [f"| graph | {columns} | cpu, {batch} rows together, ms a row |", "|---|---|---|---|---|---|"]
    for path in asked.graphs:
        name = path.parent.name if path.stem in ("onnx", "plain", "int8") else path.stem
        name = f"{path.parents[1].name} {path.parent.name}" if path.stem == "model" else name
        name += " INT8" if path.stem == "int8" else ""
        lines.append(f"| {name} | {measure(path, other, asked.rounds, batch)}")
        print(lines[-1], flush=True)
        if asked.page is not None:
            asked.page.write_text("\n".join([*_head(asked.rounds, load), *lines, ""]), encoding="utf-8")


def _head(rounds: int, load: float) -> list[str]:
    loads = f"load average {load:.0f} before and {os.getloadavg()[0]:.0f} after"
    on = f"ONNX Runtime {ort.__version__}, {platform.machine()}, {os.cpu_count()} cores, {loads}"
    return [
        "# Providers beside the CPU's",
        "",
        "Written by `tests/bench/providers.py`, not by hand. Milliseconds of processor time a row on one thread,",
        f"medians of {rounds}, all taking turns; {on}.",
        "",
    ]


if __name__ == "__main__":
    main()
