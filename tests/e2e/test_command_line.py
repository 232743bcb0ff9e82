"""The command line: what a person types and reads."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.jobs_made import long_clip
from tests.running import ROOT, SAMPLES, wait_until

LETTER_A = str(SAMPLES / "letter_a_right_light.mp4")
LETTER_B = str(SAMPLES / "letter_b_left_brown.mp4")
WORD_CAB = str(SAMPLES / "word_cab_left_brown.mp4")


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}
    return subprocess.run(
        [sys.executable, "-m", "service", *arguments],
        cwd=ROOT, env={**clean, **environment}, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


def test_predict_prints_the_answer_for_a_file() -> None:
    done = run("predict", LETTER_A, "--top-k", "3", "--return-probabilities")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["predicted_class_name"] == "A"
    assert len(answer["top"]) == 3
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_files_that_fail_are_said_and_the_others_are_answered_in_order(tmp_path: Path) -> None:
    done = run("predict", LETTER_B, str(tmp_path / "nosuch.mp4"), str(ROOT / "README.md"), LETTER_A)
    assert done.returncode == 1
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(entry["file"], entry["predicted_class_name"]) for entry in answers] == [(LETTER_B, "B"), (LETTER_A, "A")]
    assert f"{tmp_path}/nosuch.mp4: No such file" in done.stderr
    assert "README.md: This kind of file is not supported: The file looks like text." in done.stderr


def test_show_probs_draws_a_bar_for_each_label_best_first() -> None:
    done = run("predict", LETTER_A, "--show-probs")
    title, *lines = done.stdout.rstrip("\n").split("\n")
    assert title == f"{LETTER_A}: A"
    assert len(lines) == 27
    shares = [float(line.rpartition(" ")[2].rstrip("%")) for line in lines]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(100, abs=0.2)
    label, cells, share = lines[0].split()
    assert (label, cells.count("█") + cells.count("░"), len(cells)) == ("A", 50, 50)
    assert cells.count("█") == round(float(share.rstrip("%")) / 2)


def test_a_folder_is_written_as_a_folder_of_captions_and_what_is_there_is_kept(tmp_path: Path) -> None:
    media, out = tmp_path / "media", tmp_path / "out"
    (media / "inner").mkdir(parents=True)
    shutil.copy(WORD_CAB, media / "inner/cab.mp4")
    shutil.copy(LETTER_A, media / "a.mp4")
    (media / "notes.txt").write_text("hello")
    out.mkdir()
    (out / "a.vtt").write_text("mine")
    refused = run("timeline", str(media), "--format", "vtt", "--output", str(out))
    assert refused.returncode == 1
    assert "Left out, as no media: 1 (notes.txt)" in refused.stderr
    assert f"{out}/a.vtt: it is there already" in refused.stderr
    cues = (out / "inner/cab.vtt").read_text().split("\n\n")
    assert cues[0] == "WEBVTT"
    assert [cue.splitlines()[1] for cue in cues[1:]] == ["C", "A", "B"]
    assert (out / "a.vtt").read_text() == "mine"
    assert sorted(path.name for path in out.rglob("*") if path.is_file()) == ["a.vtt", "cab.vtt"]
    skipped = run("timeline", str(media), "--format", "vtt", "--output", str(out), "--skip-existing")
    assert (skipped.returncode, skipped.stderr.count("skipped")) == (0, 2)


def test_the_output_s_name_says_the_format_and_bars_are_printed_beside_it(tmp_path: Path) -> None:
    done = run("timeline", WORD_CAB, "--output", str(tmp_path / "cab_morpheme.json"), "--show-probs", "--stride", "0.1")
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / "cab_morpheme.json").read_text())
    assert [entry["attributes"][0]["name"] for entry in written["data"]] == ["C", "A", "B"]
    assert done.stdout.startswith(f"{WORD_CAB}: CAB\n0.00–")


def test_a_bar_shows_on_a_terminal_how_far_it_is() -> None:
    done = run("predict", LETTER_A, LETTER_B, TTY_COMPATIBLE="1", TTY_INTERACTIVE="1", COLUMNS="100")
    assert "predict" in done.stderr
    assert "━" in done.stderr
    assert "2/2" in done.stderr
    assert len(done.stdout.splitlines()) == 2


def test_a_wrong_setting_is_named_with_what_is_wrong() -> None:
    done = run("serve", SIGN_PORT="70000")
    assert done.returncode == 2
    assert done.stderr.startswith("SIGN_PORT: ")


def test_models_lists_the_store() -> None:
    done = run("models", COLUMNS="120")
    assert done.returncode == 0
    assert "asl-letters" in done.stdout
    assert "good" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--help"], ["serve", "--help"]])
def test_help_names_the_commands(arguments: list[str]) -> None:
    done = run(*arguments)
    assert "serve" in done.stdout + done.stderr


def test_nobody_who_stopped_reading_is_bothered_with_errors() -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "service", "predict", LETTER_A, LETTER_B],
        cwd=ROOT, env={**clean, "SIGN_SLOTS": "1"}, stdout=writing, stderr=subprocess.PIPE, timeout=100, check=False,
    )  # fmt: skip
    os.close(writing)
    said = [
        line for line in done.stderr.splitlines() if not line.startswith(b"predict: ")
    ]  # on a slow machine: how far
    assert (done.returncode, said) == (1, [])


def test_a_preset_looks_before_there_is_any_model(tmp_path: Path) -> None:
    out = tmp_path / "hands.npz"
    nowhere = {"SIGN_MODEL_STORE": str(tmp_path / "nosuch")}
    done = run("features", LETTER_A, LETTER_B, "--pipeline", "hand-min-origin", "--out", str(out), **nowhere)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    with np.load(out, allow_pickle=False) as file:
        assert str(file["model"]) == "pipeline:hand-min-origin"
        assert file["values"].shape[1:] == (21, 4)
        assert file["present"].mean() > 0.9


def test_features_of_many_are_written_as_they_come_and_stay_when_it_is_ended(tmp_path: Path) -> None:
    long, out = long_clip(tmp_path / "long.mp4", 40), tmp_path / "all.npz"
    command = [sys.executable, "-m", "service", "features", LETTER_A, str(long), "--out", str(out)]
    environment = {**os.environ, "SIGN_SLOTS": "1"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(out.exists, 90, "nothing was written")
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.wait(30) != 0
        finally:
            process.kill()
    with np.load(out) as kept:
        assert kept["files"].tolist() == [LETTER_A]


def test_a_section_of_ones_own_looks_too_and_what_is_wrong_with_it_is_said(tmp_path: Path) -> None:
    section = {"kind": "keypoints", "source": "hands", "layout": [{"part": "hand", "points": [0, 8], "axes": ["x"]}]}
    own = tmp_path / "mine.json"
    own.write_text(json.dumps({**section, "sampling": {"rate": 5}}))
    done = run("features", LETTER_A, "--pipeline", str(own), "--out", str(tmp_path / "a.csv"))
    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 1 + 12
    own.write_text(json.dumps({**section, "sampling": {"rate": -5}}))
    wrong = run("features", LETTER_A, "--pipeline", str(own), "--out", str(tmp_path / "b.csv"))
    assert wrong.returncode == 2
    assert "sampling" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--pipeline", "nosuch"), "is no preset. There are: ksl-words"),
        (("--pipeline", "one-hand", "--model", "asl-letters"), "leave out --model"),
        (("--pipeline", "nosuch.json"), "No such file"),
        (("--pipeline", "one-hand", "--crops", "crops"), "no single pictures"),
    ],
)
def test_a_pipeline_that_cannot_look_is_refused_in_words(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = run("features", LETTER_A, *arguments, "--out", str(tmp_path / "a.npz"))
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
