"""`convert compare`: people's own feature vectors of a clip, value by value beside what a model is given."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from convert.compare.observed import Observed, read_observed
from convert.compare.vectors import make_vectors
from convert.presets.table import PRESETS, fit_preset
from service.pipelines.keypoints import KeypointsSection
from tests.convert.compare.conventions import CONVENTIONS, minus_least, over_distance
from tests.convert.running import answer, command
from tests.convert.sklearn.models import FILES

SAMPLES = Path(__file__).parents[3] / "samples"
CLIPS = {False: SAMPLES / "letter_a_right_light.mp4", True: SAMPLES / "word_fly_right_tan.mp4"}
"""Mirrored by the author or not → a clip."""
PRESET = {False: "hand-min-origin", True: "hand-keypoints"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one model for each way to look at a clip."""
    folder = tmp_path_factory.mktemp("store")
    for mirrored, preset in PRESET.items():
        name = f"mirrored-{mirrored}".lower()
        answer("sklearn", FILES / "forest_sk1.3.2.p", "--name", name, "--pipeline", preset, "--store", folder)
    return folder


@pytest.fixture(scope="module")
def landmarks(store: Path) -> dict[bool, Path]:
    """What `service features` writes of the clips."""
    written = {}
    for mirrored, clip in CLIPS.items():
        written[mirrored] = store / f"{clip.stem}.npz"
        asked = ["--model", f"mirrored-{mirrored}".lower(), "--out", str(written[mirrored])]
        environment = {**os.environ, "SIGN_MODEL_STORE": str(store)}
        subprocess.run([sys.executable, "-m", "service", "features", str(clip), *asked], env=environment, check=True)
    return written


def section_of(preset: str) -> KeypointsSection:
    """The preset's section, as its author's graph takes it."""
    shape = (21, 2) if preset == "hand-pixels" else (PRESETS[preset].pipeline.input_shape or ())
    section = fit_preset(PRESETS[preset], shape).pipeline
    assert isinstance(section, KeypointsSection)
    return section


def by_script(observed: Observed, preset: str) -> npt.NDArray[np.float64]:
    """The convention's script on each frame of the clip with a hand."""
    track = observed.track
    hands = track.values[track.present].astype(np.float64).tolist()
    return np.array([CONVENTIONS[preset](hand, track.media.width, track.media.height) for hand in hands])


@pytest.mark.parametrize("preset", CONVENTIONS)
def test_a_preset_gives_of_a_real_clip_what_the_script_of_its_convention_does(
    preset: str, landmarks: dict[bool, Path]
) -> None:
    section = section_of(preset)
    observed = read_observed(landmarks[section.selfie], section)
    ours = make_vectors(observed.track, section).values
    assert len(ours) > 5
    scale = 1000.0 if ours.max() > 20 else 1.0  # pixels are whole numbers, float32 holds them exactly
    np.testing.assert_allclose(ours / scale, by_script(observed, preset) / scale, rtol=0, atol=1e-6)


def rows_of(landmarks: Path, *, script: Any = minus_least) -> npt.NDArray[np.float64]:
    """Rows of 42 of a clip, as a person's script writes them."""
    with np.load(landmarks) as stored:
        hands, width, height = stored["values"][stored["present"]], int(stored["widths"][0]), int(stored["heights"][0])
    return np.array([script(hand.astype(np.float64).tolist(), width, height) for hand in hands])


def compare(store: Path, landmarks: Path, features: Path) -> dict[str, Any]:
    return answer("compare", "mirrored-false", "--features", features, "--landmarks", landmarks, "--store", store)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".json", ".pickle"])
def test_rows_that_agree_are_said_to_in_every_kind_of_file(
    suffix: str, store: Path, landmarks: dict[bool, Path], tmp_path: Path
) -> None:
    rows, file = rows_of(landmarks[False]), tmp_path / f"rows{suffix}"
    match suffix:
        case ".npy":
            np.save(file, rows)
        case ".npz":
            np.savez(file, features=rows)
        case ".csv":
            heading = ",".join(f"v{place}" for place in range(42))
            np.savetxt(file, rows, delimiter=",", header=heading, comments="")
        case ".json":
            file.write_text(json.dumps(rows.tolist()))
        case _:
            file.write_bytes(pickle.dumps({"data": rows.tolist(), "labels": ["A"] * len(rows)}))
    said = compare(store, landmarks[False], file)
    assert said["agree"]
    assert said["largest_difference"] < 1e-6


def test_the_first_value_that_differs_is_named_with_both_values(
    store: Path, landmarks: dict[bool, Path], tmp_path: Path
) -> None:
    rows, file = rows_of(landmarks[False]), tmp_path / "rows.npy"
    rows[3, 9] += 0.25
    np.save(file, rows)
    first = compare(store, landmarks[False], file)["first"]
    assert (first["row"], first["place"], first["name"]) == (3, 9, "y of hand_THUMB_TIP (point 4)")
    assert first["yours"] - first["ours"] == pytest.approx(0.25)
    result = command("compare", "mirrored-false", "--features", file, "--landmarks", landmarks[False], "--store", store)
    assert result.exit_code == 4
    assert "1 of" in result.stdout


def test_the_layout_that_agrees_instead_is_found(store: Path, landmarks: dict[bool, Path], tmp_path: Path) -> None:
    file = tmp_path / "rows.npy"
    np.save(file, rows_of(landmarks[False], script=over_distance))
    nearest = compare(store, landmarks[False], file)["layouts"][0]
    assert (nearest["layout"], nearest["mirrored"]) == ("hand_distance_42", False)
    assert nearest["largest"] < 1e-6


def test_a_row_for_each_frame_is_paired_by_time(store: Path, landmarks: dict[bool, Path], tmp_path: Path) -> None:
    with np.load(landmarks[False]) as stored:
        frames = round(float(stored["durations"][0]) * float(stored["frame_rates"][0]))
        places = np.floor(stored["times"][stored["present"]] * stored["frame_rates"][0] + 1e-3).astype(int)
    every = np.zeros((frames, 42))
    every[places] = rows_of(landmarks[False])
    np.save(tmp_path / "rows.npy", every)
    said = compare(store, landmarks[False], tmp_path / "rows.npy")
    assert said["agree"]
    assert "paired by their time" in said["notes"][0]


@pytest.mark.parametrize(("shape", "says"), [((5, 42), "You have 5 rows"), ((12, 40), "12 × 40")])
def test_rows_that_cannot_be_paired_are_refused_with_both_figures(
    shape: tuple[int, int], says: str, store: Path, landmarks: dict[bool, Path], tmp_path: Path
) -> None:
    np.save(tmp_path / "rows.npy", np.zeros(shape))
    said = compare(store, landmarks[False], tmp_path / "rows.npy")
    assert said["kind"] == "mismatch"
    assert says in said["error"]


def test_what_was_written_with_another_model_or_is_no_such_file_is_refused(
    store: Path, landmarks: dict[bool, Path], tmp_path: Path
) -> None:
    rows = tmp_path / "rows.npy"
    np.save(rows, rows_of(landmarks[False]))
    assert "not written by `service features`" in compare(store, rows, rows)["error"]
    assert "There is no file" in compare(store, landmarks[False], tmp_path / "none.npy")["error"]
    said = answer("compare", "mirrored-false", "--features", rows, "--store", store)
    assert "--clip CLIP" in said["advice"]


def test_the_clip_itself_is_looked_at_where_it_is_named(
    store: Path, landmarks: dict[bool, Path], tmp_path: Path
) -> None:
    np.save(tmp_path / "rows.npy", rows_of(landmarks[False]))
    asked = ("--features", tmp_path / "rows.npy", "--clip", CLIPS[False], "--store", store)
    assert answer("compare", "mirrored-false", *asked)["agree"]
