"""Sessions: the graph has to be what its manifest says, and to run."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from service.errors import InvalidModelError, SignError
from service.registry.memory import SESSION_BYTES, memory_estimate_bytes
from service.registry.session import BATCH_BYTES, ModelSession
from service.registry.store import Store
from tests.service.registry.graphs import (
    FEATURES,
    LABELS,
    beside,
    cubic,
    draft,
    inputs,
    linear,
    masked_sum,
    output,
    publish,
    truly_one_row,
    width_known_to_the_run_alone,
)

ROWS = np.arange(6, dtype=np.float32).reshape(2, FEATURES)
MASKED = {
    "labels": ["A", "B", "C"],
    "inputs": [*inputs(["batch", 4, 3]), *inputs(["batch", 4], name="mask", **{"from": "mask"})],
    "output": output(shape=["batch", 3]),
}


def _session(root: Path, graph: bytes | None = None, **changes: object) -> ModelSession:
    manifest = publish(root, "letters", graph, **changes)
    return ModelSession(Store(root).read(manifest.name, manifest.version), threads=1)


def _refusal(root: Path, graph: bytes | None = None, **changes: object) -> str:
    with pytest.raises(InvalidModelError) as caught:
        _session(root, graph, **changes).try_out()
    return str(caught.value)


def test_a_session_gives_the_graphs_numbers_row_by_row(root: Path) -> None:
    session = _session(root)
    session.try_out()
    np.testing.assert_array_equal(session.run(ROWS, None), ROWS[:, :2])
    assert (session.row_shape, session.takes_mask, session.fixed_rows, session.output_width) == ((3,), False, None, 2)


def test_the_time_of_a_row_on_trial_is_that_of_a_graph_that_is_warm(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, 9.0, 10.0, 10.5])  # the first run's begin and end, the second's
    session = _session(root)
    monkeypatch.setattr("service.registry.session.time.perf_counter", lambda: next(clock))
    session.try_out()
    assert session.trial_row_s == 0.25


@pytest.mark.parametrize(
    ("graph", "changes", "says"),
    [
        (b"no graph at all", {}, "model.onnx cannot be loaded"),
        (b"", {}, "model.onnx cannot be loaded"),
        (None, {"inputs": inputs(["batch", 3], name="z")}, "takes the inputs ['x'], the manifest says ['z']"),
        (None, {"inputs": inputs(["batch", 4])}, "input x: the graph takes ['batch', 3], the manifest says"),
        (None, {"inputs": inputs(["batch", "any"])}, "input x: the graph takes"),
        (None, {"inputs": inputs(["batch", 1, 3])}, "input x: the graph takes"),
        (None, {"inputs": inputs(["batch", 3], dtype="float16")}, "the manifest says float16"),
        (None, {"output": output(name="scores")}, "gives the outputs ['y'], the manifest says 'scores'"),
        (None, {"output": output(shape=["batch", 3]), "labels": ["A", "B", "C"]}, "output y: the graph gives"),
        (linear(rows=1), {}, "input x: the graph takes [1, 3]"),
        (truly_one_row(), {}, "fails on a trial of 2 row(s)"),
        (linear(np.full((3, 2), np.nan, np.float32)), {}, "NaN on a trial"),
    ],
)
def test_a_graph_that_is_not_what_its_manifest_says_is_refused(
    root: Path, graph: bytes | None, changes: dict[str, object], says: str
) -> None:
    assert says in _refusal(root, graph, **changes)


def test_a_width_that_only_a_run_can_tell_has_to_be_that_of_the_labels(root: Path) -> None:
    wide = width_known_to_the_run_alone(5)
    assert "5 wide, the labels need 2" in _refusal(root, wide, output=output(shape=["batch", "any"]))


def test_a_graph_without_a_pipeline_that_cannot_be_tried_is_kept(root: Path) -> None:
    """Kind `tensor`: stored for its graph and labels; here its answer is a table for each row."""
    graph = cubic(FEATURES, len(LABELS))
    table: dict[str, object] = {
        "inputs": inputs(["batch", "time", FEATURES]),
        "output": output(shape=["batch", "time", len(LABELS)]),
    }
    _session(root, graph, **table).try_out()
    section = {"kind": "keypoints", "source": "hands", "layout": [{"part": "hand", "points": [0], "axes": ["x"]}]}
    with pytest.raises(InvalidModelError, match="the pipeline makes"):
        publish(root, "letters", graph, **table, pipeline={**section, "sampling": {"rate": 5}})


def test_an_output_of_whole_numbers_is_refused(root: Path) -> None:
    graph = linear(np.ones((3, 2), np.int64), element=TensorProto.INT64)
    assert "only floating point" in _refusal(root, graph, inputs=inputs(["batch", 3], dtype="int64"))


@pytest.mark.parametrize("location", ["../outside.bin", "/etc/hostname", "missing.bin"])
def test_weights_outside_the_folder_are_refused(root: Path, location: str) -> None:
    root.mkdir()
    (root / "letters").mkdir()
    (root / "letters" / "outside.bin").write_bytes(np.ones((3, 2), np.float32).tobytes())
    assert "model.onnx cannot be loaded" in _refusal(root, beside(location))


def test_weights_in_a_listed_file_are_loaded(root: Path) -> None:
    weights = np.ones((3, 2), np.float32).tobytes()
    Store(root).publish(draft(), {"model.onnx": beside("weights.bin"), "weights.bin": weights})
    session = ModelSession(Store(root).read("letters", 1), threads=1)
    np.testing.assert_array_equal(session.run(ROWS, None), [[3, 3], [12, 12]])


def test_a_mask_reaches_the_graph_and_is_all_ones_where_none_is_given(root: Path) -> None:
    session = _session(root, masked_sum(), **MASKED)
    session.try_out()
    values = np.ones((2, 4, 3), np.float32)
    mask = np.array([[1, 1, 0, 0], [1, 0, 0, 0]], np.float32)
    np.testing.assert_array_equal(session.run(values, mask), [[2, 2, 2], [1, 1, 1]])
    np.testing.assert_array_equal(session.run(values, None), np.full((2, 3), 4))


@pytest.mark.parametrize("rows", [1, 4])
def test_a_graph_of_fixed_rows_is_filled_up(root: Path, rows: int) -> None:
    session = _session(root, linear(rows=rows), inputs=inputs([rows, 3]), output=output(shape=[rows, 2]))
    session.try_out()
    assert session.most_rows(64) == session.fixed_rows == rows
    np.testing.assert_array_equal(session.run(ROWS[:1], None), ROWS[:1, :2])


def test_values_are_turned_into_what_the_graph_takes(root: Path) -> None:
    graph = linear(np.ones((3, 2), np.float16), element=TensorProto.FLOAT16)
    scores = _session(root, graph, inputs=inputs(["batch", 3], dtype="float16")).run(ROWS, None)
    assert scores.dtype == np.float32
    np.testing.assert_array_equal(scores, [[3, 3], [12, 12]])


def test_large_rows_go_together_in_smaller_batches(root: Path) -> None:
    wide = BATCH_BYTES // 4 // 10
    session = _session(root, linear(np.zeros((wide, 2), np.float32)), inputs=inputs(["batch", wide]))
    assert session.most_rows(64) == 10
    assert session.most_rows(4) == 4


def test_rows_that_the_graph_cannot_take_are_an_error_for_the_caller(root: Path) -> None:
    session = _session(root)
    with pytest.raises(SignError, match="letters version 1 cannot run on this input") as caught:
        session.run(np.zeros((1, 7), np.float32), None)
    assert caught.value.code == "model-failed"


def test_a_closed_session_says_so(root: Path) -> None:
    session = _session(root)
    session.close()
    with pytest.raises(SignError, match="unloaded"):
        session.run(ROWS, None)


def test_the_memory_estimate_grows_with_the_files(root: Path) -> None:
    small, large = publish(root), publish(root, graph=linear(ballast_bytes=5_000_000))
    assert SESSION_BYTES < memory_estimate_bytes(small) < SESSION_BYTES + 10_000
    assert memory_estimate_bytes(large) > SESSION_BYTES + 10_000_000


def test_the_converters_part_imports_neither_onnx_runtime_nor_the_web_framework() -> None:
    code = (
        "import sys, service.registry.manifest, service.registry.store\n"
        "assert not {'onnxruntime', 'fastapi', 'starlette', 'mediapipe', 'av', 'cv2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
