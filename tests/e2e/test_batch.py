"""batch: a corpus asked from the command line, ended in its middle, in shards, and as the plain commands answer."""

import os
import shutil
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import webvtt

from tests.running import ROOT, SAMPLES, wait_until

LETTER_A, LETTER_B, WORD = "letter_a_right_light.mp4", "letter_b_left_brown.mp4", "word_cab_left_brown.mp4"
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "service", "batch", *map(str, arguments)]


def run(*arguments: str | Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(*arguments), cwd=ROOT, env={**CLEAN, **environment},
        capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def rows(out: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(out / "results.parquet").to_pylist())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A letter, a word in a folder, and a broken video."""
    folder = tmp_path_factory.mktemp("corpus")
    (folder / "words").mkdir()
    shutil.copy(SAMPLES / LETTER_A, folder / "a.mp4")
    shutil.copy(SAMPLES / WORD, folder / "words" / "cab.mp4")
    (folder / "broken.mp4").write_bytes((SAMPLES / LETTER_A).read_bytes()[:3000])
    return folder


@pytest.fixture(scope="module")
def asked(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What it comes to, with captions."""
    out = tmp_path_factory.mktemp("out") / "new"
    done = run("timeline", corpus, "--output", out, "--format", "vtt")
    assert done.returncode == 0, done.stderr
    assert "1 of 3 media have no answer" in done.stderr
    return out


def test_a_corpus_becomes_a_row_a_segment_a_row_a_failure_and_a_file_each(asked: Path) -> None:
    found = rows(asked)
    assert [(row["file"], row["label"], row["error"]) for row in found] == [
        ("a.mp4", "A", None),
        ("broken.mp4", None, "media-corrupt"),
        *(("words/cab.mp4", letter, None) for letter in "CAB"),
    ]
    assert {(row["model"], row["version"]) for row in found} == {("asl-letters", 2)}
    cues = webvtt.read(str(asked / "files/words/cab.mp4.vtt")).captions
    assert [cue.text for cue in cues] == ["C", "A", "B"]
    assert [cue.start_in_seconds for cue in cues] == [int(row["start_s"]) for row in found[2:]]
    assert not (asked / "files/broken.mp4.vtt").exists()


def test_what_is_done_is_not_done_again_nor_mixed_with_another_question(corpus: Path, asked: Path) -> None:
    before = (asked / "results.parquet").read_bytes()
    again = run("timeline", corpus, "--output", asked, "--format", "vtt")
    assert again.returncode == 0, again.stderr
    assert "3 of 3 media are done already" in again.stderr
    assert (asked / "results.parquet").read_bytes() == before
    other = run("timeline", corpus, "--output", asked, "--format", "vtt", "--stride", "0.2")
    assert other.returncode == 2
    assert "go on with that" in other.stderr


def test_a_run_that_is_killed_goes_on_with_what_is_left(tmp_path: Path) -> None:
    corpus, out = tmp_path / "corpus", tmp_path / "out"
    corpus.mkdir()
    for number in range(6):
        shutil.copy(SAMPLES / (LETTER_A if number % 2 else LETTER_B), corpus / f"{number}.mp4")
    arguments = ("predict", corpus, "--output", out)
    with subprocess.Popen(command(*arguments), cwd=ROOT, env={**CLEAN, "SIGN_SLOTS": "1"}) as killed:
        wait_until(lambda: bool(list((out / "parts").glob("*.parquet"))), 90, "nothing is done")
        killed.send_signal(signal.SIGKILL)
    assert not (out / "results.parquet").exists()
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert "of 6 media are done already" in done.stderr
    assert [(row["file"], row["label"]) for row in rows(out)] == [
        (f"{number}.mp4", "A" if number % 2 else "B") for number in range(6)
    ]


def test_shards_together_are_the_whole_and_features_are_files(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text(f"path\n{corpus / 'a.mp4'}\n{corpus / 'broken.mp4'}\n")
    out = tmp_path / "out"
    for number in (1, 2):
        done = run("features", tmp_path / "list.csv", "--output", out, "--shard", f"{number}/2")
        assert done.returncode == 0, done.stderr
        assert not (out / "results.parquet").exists()
    merged = run("merge", out)
    assert merged.returncode == 0, merged.stderr
    assert [(Path(row["file"]).name, row["error"]) for row in rows(out)] == [
        ("a.mp4", None),
        ("broken.mp4", "media-corrupt"),
    ]
    (features,) = (path for path in (out / "files").rglob("*") if path.is_file())
    assert features.name == "a.mp4.npz"


def test_what_cannot_be_asked_is_said_before_anything_is_read(corpus: Path, tmp_path: Path) -> None:
    done = run("timeline", corpus, "--output", tmp_path / "out", "--model", "face-motion")
    assert done.returncode == 1
    assert "face-motion" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: an environment of locks/ray.lock, pytest in it")
def test_on_ray_the_answers_are_the_same(corpus: Path, tmp_path: Path) -> None:
    for name, more in (("here", ()), ("ray", ("--ray", "local"))):
        done = run("predict", corpus, "--output", tmp_path / name, *more)
        assert done.returncode == 0, done.stderr
    assert rows(tmp_path / "ray") == rows(tmp_path / "here")
