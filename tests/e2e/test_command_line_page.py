"""docs/command-line.md: every command on the page is run, and does what the page says."""

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pixel_models import publish_means
from tests.running import ROOT, SAMPLES
from tests.service.teaching.takes_made import make_takes, write_landmarks

PAGE = (ROOT / "docs/command-line.md").read_text()
pytestmark = pytest.mark.timeout(600)  # whichever test comes first waits for all commands

BLOCKS = re.findall(r"^```sh\n(.*?)^```", PAGE, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [command for block in BLOCKS for command in block.splitlines()]
DOCUMENTED = {
    name for row in re.findall(r"^\| (`.*?) \|", PAGE, flags=re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
}
OF_NUMBERS = {"channels", "boxes", "statistics", "statistics_names", "reported", "reported_statistics"}
CLIPS = ("letter_a_right_light", "letter_b_left_brown", "letter_k_right_brown")
MADE_BEFORE = ("predict out/", "--report out/", "--version 3", "evaluate out/", "--model two-signs")
"""What commands are given that the page's others made."""
USED = (*CLIPS, "digit_3_left_tan", "word_cab_left_brown", "word_fly_right_tan")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the page has it: some samples, a store with a model of hands' pictures, and labeled clips."""
    home = tmp_path_factory.mktemp("page")
    shutil.copytree(ROOT / "model_store", home / "model_store")
    pipeline: dict[str, object] = {
        "kind": "hand_crop",
        "resize": {"w": 32, "h": 32, "library": "opencv"},
        "sampling": {"rate": 5},
    }
    publish_means(home / "model_store", "my-hands", pipeline, (32, 32, 3))
    pipeline = {"kind": "image", "resize": {"w": 28, "h": 28, "library": "opencv"}, "sampling": {"rate": 5}}
    publish_means(home / "model_store", "my-letters", pipeline, (28, 28, 3), labels=["A", "B", "C"])
    with (home / "sign_mnist_test.csv").open("w", newline="") as file:
        header = ["label", *(f"pixel{number}" for number in range(1, 785))]
        csv.writer(file).writerows([header, [0, *[90] * 784], [1, *[90] * 784], [9, *[90] * 784]])
    for name in ("samples", "aihub/video", "aihub/label", "clips"):
        (home / name).mkdir(parents=True)
    for name in USED:
        (home / f"samples/{name}.mp4").symlink_to(SAMPLES / f"{name}.mp4")
    for name in CLIPS:
        label = name.split("_")[1].upper()
        (home / "clips" / label).mkdir()
        (home / f"clips/{label}/{name}.mp4").symlink_to(SAMPLES / f"{name}.mp4")
    write_landmarks(home / "takes.npz", make_takes(("up", "side"), 2))
    write_landmarks(home / "others.npz", make_takes(("up", "side", "circle"), 2, first_seed=40))
    (home / "clips/A/wrong.mp4").symlink_to(SAMPLES / "letter_b_left_brown.mp4")
    with (home / "clips/list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["path", "label"], [f"A/{CLIPS[0]}.mp4", "a"], ["missing.mp4", "b"]])
    (home / "aihub/video/cab.mp4").symlink_to(SAMPLES / "word_cab_left_brown.mp4")
    truth = json.loads((SAMPLES / "word_cab_left_brown.json").read_text())["segments"]
    entries = [
        {"start": sign["start_time"], "end": sign["end_time"], "attributes": [{"name": sign["label"]}]}
        for sign in truth
    ]
    (home / "aihub/label/cab_morpheme.json").write_text(json.dumps({"metaData": {}, "data": entries}))
    return home


Ran = dict[str, "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def ran(folder: Path) -> Ran:
    """What each command of the page did, in their order; what needs no other's files is run two at a time."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}
    environment = {**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "120", "SIGN_SLOTS": "1"}

    def run(command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, *shlex.split(command)[1:]],
            cwd=folder, env=environment, capture_output=True, text=True, timeout=200, check=False,
        )  # fmt: skip

    first = [command for command in COMMANDS if not any(made in command for made in MADE_BEFORE)]
    with ThreadPoolExecutor(2) as pool:
        ran = dict(zip(first, pool.map(run, first), strict=True))
    ran |= {command: run(command) for command in COMMANDS if command not in ran}
    return {command: ran[command] for command in COMMANDS}


def of(ran: Ran, start: str) -> "subprocess.CompletedProcess[str]":
    """The page's command that begins like this."""
    return next(done for command, done in ran.items() if command.startswith(f"python -m service {start}"))


def test_every_command_of_the_page_does_its_work(ran: Ran) -> None:
    assert len(COMMANDS) > 20
    assert {command: done.stderr for command, done in ran.items() if done.returncode} == {}


def test_answers_are_printed_as_the_page_says(ran: Ran) -> None:
    answer = json.loads(of(ran, "predict samples/letter_a_right_light.mp4").stdout)
    assert answer["predicted_class_name"] == "A"
    lines = of(ran, "predict samples/letter_a_right_light.mp4 samples/digit").stdout.splitlines()
    assert [json.loads(line)["file"].partition("_")[0] for line in lines] == ["samples/letter", "samples/digit"]
    bars = of(ran, "predict samples/letter_k").stdout.splitlines()
    assert (bars[0], len(bars)) == ("samples/letter_k_right_brown.mp4: K", 7)
    cues = of(ran, "timeline samples/word_cab_left_brown.mp4 --format vtt").stdout.split("\n\n")
    assert [cue.splitlines()[-1] for cue in cues] == ["WEBVTT", "C", "A", "B"]


def test_files_lie_where_the_page_says(folder: Path, ran: Ran) -> None:
    assert len(ran) == len(COMMANDS)
    assert sorted(path.relative_to(folder / "out").as_posix() for path in folder.glob("out/**/*.*")) == sorted(
        [
            *(f"answers/{name}.json" for name in USED),
            "asl-letters.etf",
            "cab.eaf",
            "labels/word_cab_left_brown_morpheme.json",
            "labels/word_fly_right_tan_morpheme.json",
            "tension.png",
            "one_hand.npz",
            "landmarks.npz",
            "letter_a.csv",
            "letter_a.pose",
            "poses/word_cab_left_brown.pose",
            "poses/word_fly_right_tan.pose",
            "faces.csv",
            *(path.relative_to(folder / "out").as_posix() for path in folder.glob("out/crops/*.png")),
            "confusion.png",
            "aihub.json",
            "report.json",
        ]
    )


def test_features_are_laid_out_as_the_page_says(folder: Path, ran: Ran) -> None:
    with np.load(folder / "out/landmarks.npz") as file:
        arrays = dict(file)
    assert sorted(arrays) == sorted(name for name in DOCUMENTED if name not in OF_NUMBERS)
    assert [Path(name).stem for name in arrays["files"]] == sorted(USED)
    with (folder / "out/letter_a.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    at = sorted(USED).index("letter_a_right_light")
    part = slice(arrays["starts"][at], arrays["starts"][at + 1])
    assert [float(row["hand_INDEX_FINGER_TIP_x"]) for row in rows] == pytest.approx(
        arrays["values"][part, 8, 0].tolist(), rel=1e-6
    )
    assert of(ran, "features samples/word_fly_right_tan.mp4 --model face-motion").stderr == ""
    header = (folder / "out/faces.csv").read_text().splitlines()[0]
    assert header.startswith("file,label,time,present,mouth_opening,smile_width")


def test_a_pose_file_is_answered_as_its_video(ran: Ran) -> None:
    from_video = json.loads(of(ran, "predict samples/letter_a_right_light.mp4").stdout)
    from_pose = json.loads(of(ran, "predict out/letter_a.pose").stdout)
    assert from_pose["predicted_class_name"] == from_video["predicted_class_name"]
    assert from_pose["confidence"] == pytest.approx(from_video["confidence"], abs=1e-4)
    assert from_pose["evidence"]["handedness"] == from_video["evidence"]["handedness"]


def test_crops_are_hands_on_white_squares(folder: Path, ran: Ran) -> None:
    assert len(ran) == len(COMMANDS)
    crops = sorted((folder / "out/crops").glob("letter_a_right_light_*.png"))
    assert len(crops) == 12
    with Image.open(crops[6]) as crop:
        assert (crop.size, crop.mode) == ((32, 32), "RGB")
        colors = np.asarray(crop).reshape(-1, 3)
    assert (colors == 255).all(axis=1).sum() > 50
    red, _, blue = colors[(colors < 250).any(axis=1)].mean(axis=0)
    assert red > blue


def test_evaluations_say_what_is_right_and_what_was_left_out(ran: Ran) -> None:
    folders = of(ran, "evaluate clips").stdout
    assert "accuracy            0.7500" in folders
    table = of(ran, "evaluate clips/list.csv")
    assert "accuracy            1.0000" in table.stdout
    assert "line 3: missing.mp4: left out, there is no such file." in table.stderr
    assert "clips               3" in of(ran, "evaluate aihub").stdout
    annotated = of(ran, "evaluate out/cab.eaf").stdout
    assert "clips               3" in annotated
    assert "accuracy            1.0000" in annotated  # its own answers, looked up in the video
    pixels = of(ran, "evaluate sign_mnist_test.csv")
    assert "accuracy            0.5000" in pixels.stdout  # a gray picture is as red as it is green: the first label
    assert "my-letters does not know these labels, so 1 of the clips are left out: J (1)" in pixels.stderr


def test_what_was_fitted_is_published_as_the_next_version(folder: Path, ran: Ran) -> None:
    fit = json.loads((folder / "out/report.json").read_text())["fit"]
    published = json.loads((folder / "model_store/asl-letters/3/manifest.json").read_text())
    assert published["output"]["temperature"] == fit["temperature"]
    assert published["output"]["threshold"] == fit["threshold"]
    fitted = of(ran, "evaluate clips --fit").stdout.splitlines()
    after = of(ran, "evaluate clips --version 3").stdout.splitlines()
    assert after[0] == "asl-letters version 3"
    assert after[1:8] == fitted[1:8]


def test_a_model_is_taught_from_landmarks(folder: Path, ran: Ran) -> None:
    assert of(ran, "teach").stdout.startswith("two-signs version 1: 2 signs from 4 takes")
    assert (folder / "model_store/two-signs/1/model.onnx").is_file()
    measured = of(ran, "evaluate --from-landmarks").stdout
    assert measured.startswith("two-signs version 1\n\nclips               6\n")
    labels = dict(re.findall(r"^(up|side|unknown) +(\d)", measured, flags=re.MULTILINE))
    assert labels == {"up": "2", "side": "2", "unknown": "2"}
