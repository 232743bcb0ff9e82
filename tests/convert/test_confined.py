"""The commands as they are typed: confined, published by their parent, and with one of four exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from convert import confined
from convert.confined import run_command
from convert.errors import UnsafeError
from convert.onnx import trial
from convert.onnx.trial import try_out
from convert.publication import answer_question
from service.registry.manifest import MODEL_FILE, manifest_json
from service.registry.memory import memory_estimate_bytes
from service.registry.store import Store, check_fields
from tests.convert.running import answer, command
from tests.running import ROOT
from tests.service.registry.graphs import draft, linear

FILES = ROOT / "tests" / "hostile" / "files"


def _typed(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "convert", *map(str, words)], capture_output=True, text=True, cwd=ROOT, check=False
    )


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    file = tmp_path / "labels.txt"
    file.write_text("a\nb\nc\n")
    return file


def test_a_confined_command_publishes_what_it_would_publish_by_itself(tmp_path: Path, labels: Path) -> None:
    made = []
    for run, store in ((_typed, tmp_path / "confined"), (command, tmp_path / "plain")):
        done = run("onnx", FILES / "loop_data.onnx", "--name", "m", "--labels", labels, "--store", store)
        assert "its input may decide how long it runs and how much memory it takes: Loop" in done.stdout
        stored = Store(store).read("m", 1)
        made.append((stored.manifest.model_dump(exclude={"created"}), stored.graph.read_bytes()))
    assert made[0] == made[1]


def test_a_refused_file_leaves_no_store_behind(tmp_path: Path, labels: Path) -> None:
    store = tmp_path / "new" / "store"
    assert _typed("onnx", labels, "--name", "m", "--labels", labels, "--store", store).returncode == 3
    assert not store.parent.exists()


def test_a_name_with_escape_sequences_is_printed_escaped(tmp_path: Path, labels: Path) -> None:
    done = _typed("onnx", FILES / "ansi.onnx", "--name", "m", "--labels", labels, "--store", tmp_path / "store")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr
    assert "\\x1b[31mOUT" in done.stdout


def test_inspect_says_how_far_its_processes_were_confined() -> None:
    document = json.loads(_typed("inspect", FILES / "ansi.onnx", "--verbose", "--json").stdout)
    assert document["confinement"] == {
        "complete": not document["confinement"]["missing"],
        "missing": document["confinement"]["missing"],
    }


def test_a_store_that_cannot_be_written_is_a_wrong_call(tmp_path: Path, labels: Path) -> None:
    (tmp_path / "store").write_text("no folder")
    done = _typed("onnx", FILES / "ansi.onnx", "--name", "m", "--labels", labels, "--store", tmp_path / "store")
    assert done.returncode == 2
    assert "store cannot be written" in done.stderr


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("kill -11 $$", "crashed the process that did it (signal 11)"),
        ("kill -9 $$", "was killed"),
        ("exit 77", "ended with 77"),
    ],
)
def test_whatever_becomes_of_the_process_the_command_ends_with_one_of_its_codes(
    does: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda _, **options: start(["/bin/sh", "-c", does], **options))
    assert run_command(["inspect", "x.onnx"], answer_question) == 3
    assert says in capsys.readouterr().err


def test_a_fault_of_ours_ends_with_4_and_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyError("unforeseen")

    monkeypatch.setattr("convert.work.inspect_file", fail)
    document = answer("inspect", FILES / "ansi.onnx")
    assert (document["exit_code"], document["kind"]) == (4, "fault")
    assert "KeyError in test_confined.py" in document["error"]


def test_what_takes_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("convert.work.inspect_file", fail)
    assert answer("inspect", FILES / "ansi.onnx")["exit_code"] == 3


@pytest.mark.parametrize("model", ["link", "../outside", "missing", "pipe", "/etc/passwd"])
def test_a_child_cannot_have_the_parent_publish_what_it_may_not_read_itself(tmp_path: Path, model: str) -> None:
    folder, store = tmp_path / "scratch", tmp_path / "store"
    folder.mkdir()
    (tmp_path / "outside").write_bytes(linear())
    (folder / "link").symlink_to(tmp_path / "outside")
    os.mkfifo(folder / "pipe")
    manifest = manifest_json(check_fields(draft(), [MODEL_FILE]))
    reply = json.loads(answer_question(json.dumps({"manifest": manifest, "model": model}), folder, store))
    assert "refused" in reply
    assert not store.exists()


@pytest.mark.parametrize(
    "question", ["", "[]", "{}", '{"manifest": "{}", "model": "m"}', '{"manifest": 1, "model": 2}']
)
def test_a_question_that_is_none_is_refused(tmp_path: Path, question: str) -> None:
    assert "refused" in json.loads(answer_question(question, tmp_path, tmp_path / "store"))


def test_paths_are_found_wherever_they_stand_in_a_call(tmp_path: Path) -> None:
    for name in ("m.onnx", "l.csv", "x.npy", "y.npy"):
        (tmp_path / name).touch()
    call = ["onnx", f"{tmp_path}/m.onnx", f"--labels={tmp_path}/l.csv:name", "--golden", f"{tmp_path}/x.npy,y.npy"]
    assert set(confined._named_paths(call)) == {f"{tmp_path}/m.onnx", f"{tmp_path}/l.csv", str(tmp_path)}


def test_a_graph_that_does_not_end_is_refused_on_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "TRIAL_S", 0.3)
    inputs = [{"name": "x", "dtype": "float", "shape": [None, 20, 126]}]
    with pytest.raises(UnsafeError, match="did not come to an end"):
        try_out(FILES / "loop_forever.onnx", inputs, [{"name": "y", "dtype": "float"}], 0, None)


def test_a_graph_that_grows_counts_as_what_it_takes(tmp_path: Path, labels: Path) -> None:
    document = answer(
        "onnx", FILES / "cos_1500m.onnx", "--name", "m", "--labels", labels, "--store", tmp_path / "store"
    )
    assert any("MiB of memory when it was tried out" in note for note in document["findings"]["warnings"])
    assert memory_estimate_bytes(Store(tmp_path / "store").read("m", 1).manifest) > 1_500_000_000
