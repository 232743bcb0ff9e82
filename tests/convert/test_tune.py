"""`convert tune`: every way to run a model takes its turn, and of those that answer alike the fastest is kept."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from convert.errors import CallError
from convert.tune import Graph, Way, choose, list_ways, table
from service.execution_providers import CPU, PROVIDERS
from service.registry.manifest import SAMPLE_FILE, read_manifest
from service.registry.parity_sample import read_sample
from service.registry.providers import Place
from service.registry.session import ModelSession
from service.registry.store import Store
from tests.convert.running import answer, command
from tests.service.registry.fake_provider import CUDA, OPENVINO, FakeProviders
from tests.service.registry.graphs import draft, linear

GRAPH = Graph(b"", "float", np.zeros((1, 2), np.float32))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    Store(tmp_path / "store").publish(draft("letters"), {"model.onnx": linear()})
    return tmp_path / "store"


def _way(throughput: float, alone_ms: float = 1.0, reason: str | None = None) -> Way:
    return Way(GRAPH, Place(), row_ms=[alone_ms], rows_per_s=[throughput], reason=reason)


def test_the_next_version_runs_as_was_found_fastest_and_brings_its_sample(store: Path) -> None:
    report = answer("tune", "letters", "--store", store, "--threads", "1,2")
    assert report["published"]["version"] == 2
    assert len(report["ways"]) == 4  # threads × optimizations
    assert all(way["reason"] is None and way["rows_per_s"] > 0 for way in report["ways"])
    stored = Store(store).read("letters", 2)
    runtime = stored.manifest.runtime
    assert runtime is not None
    assert (runtime.threads, runtime.optimization) == (report["chosen"]["threads"], report["chosen"]["optimization"])
    assert runtime.providers == ()  # nothing else was there to compare with
    assert runtime.machine is not None
    assert "ONNX Runtime" in runtime.machine
    sample = read_sample(stored)
    session = ModelSession(stored, threads=1)
    np.testing.assert_array_equal(session.run(sample.values, sample.mask), sample.outputs)
    before = read_manifest(store / "letters" / "1" / "manifest.json")
    changed = {"version", "runtime", "created", "files"}
    assert stored.manifest.model_dump(exclude=changed) == before.model_dump(exclude=changed)


def test_a_dry_run_publishes_nothing(store: Path) -> None:
    said = command("tune", "letters", "--store", store, "--threads", "1", "--dry-run").stdout
    assert "← chosen" in said
    assert "a row alone" in said
    assert [path.name for path in (store / "letters").iterdir()] == ["1"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--providers", "cuda"), "The provider cuda is not here; there are: cpu"),
        (("--threads", "two"), "numbers, with commas between them"),
        (("--int8", "."), "--int8 is for models of clips"),
    ],
)
def test_what_cannot_be_tried_is_said(store: Path, arguments: tuple[str, ...], says: str) -> None:
    done = command("tune", "letters", "--store", store, *arguments)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_provider_that_answers_otherwise_is_no_way_however_fast(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from convert import tune  # noqa: PLC0415 - its module's ONNX Runtime is another one below
    from convert.tuning import TuneOptions, tune_model  # noqa: PLC0415

    fake, real = FakeProviders(), ort.InferenceSession
    fake.drift = {CUDA.execution_provider: 0.01}
    names = [CUDA.execution_provider, OPENVINO.execution_provider, "CPUExecutionProvider"]
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: names)
    monkeypatch.setattr("onnxruntime.InferenceSession", lambda *given, **named: fake.open(real, *given, **named))
    monkeypatch.setattr(tune, "BURST_S", 0.01)
    report = tune_model("letters", store, TuneOptions(threads=(1,)))
    ways = {way["provider"]: way for way in report.document["ways"]}
    assert ways["cuda"]["reason"] == "answers otherwise: 0.01, 0.0001 are allowed"
    assert ways["openvino"]["reason"] is None
    manifest = read_manifest(store / "letters" / "2" / "manifest.json")
    assert manifest.runtime is not None
    assert "cuda" not in manifest.runtime.providers
    assert manifest.runtime.providers[-1] == "cpu"
    assert SAMPLE_FILE in manifest.files


def test_the_usual_way_stays_unless_another_is_clearly_faster() -> None:
    usual, slightly, clearly = _way(100), _way(103), _way(120)
    assert choose([usual, slightly]) is usual
    assert choose([usual, slightly, clearly]) is clearly


def test_what_is_faster_in_some_rounds_alone_may_be_chance() -> None:
    usual, lucky, faster = _way(100), _way(100), _way(100)
    usual.rows_per_s, lucky.rows_per_s, faster.rows_per_s = [90, 100, 110], [85, 150, 160], [120, 125, 130]
    assert choose([usual, lucky]) is usual
    assert choose([usual, lucky, faster]) is faster


def test_a_row_alone_or_all_cores_together_is_what_is_to_be_fast() -> None:
    usual, many, quick = _way(100, 2.0), _way(150, 2.0), _way(90, 1.0)
    assert choose([usual, many, quick]) is many
    assert choose([usual, many, quick], for_latency=True) is quick


def test_where_no_way_is_left_it_is_said() -> None:
    with pytest.raises(CallError, match="No way to run the model"):
        choose([_way(1, reason="fails: x")])


def test_a_gpu_is_tried_on_one_thread_and_only_the_cpu_with_other_layouts() -> None:
    ways = list_ways([GRAPH], [PROVIDERS["cuda"], PROVIDERS["openvino"], CPU], [1, 2])
    assert [way.name for way in ways] == [
        "cpu, 1 thread, all, float",
        "cpu, 1 thread, extended, float",
        "cpu, 2 threads, all, float",
        "cpu, 2 threads, extended, float",
        "cuda, 1 thread, all, float",
        "openvino, 1 thread, all, float",
        "openvino, 2 threads, all, float",
    ]
    assert "fails: x" in table([_way(1), _way(2, reason="fails: x")], ways[0])[-1]
