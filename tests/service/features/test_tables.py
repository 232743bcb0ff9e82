"""Features of several media in one file, as docs/command-line.md lays them out."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from service.features.gathering import Features
from service.features.tables import Gathered, features_to_csv, features_to_npz
from service.pipelines.series import SeriesSection, tensor
from service.track import Window
from tests.service.features.features_made import landmarks_of


def loaded(gathered: list[Gathered]) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(features_to_npz(gathered, "letters:1")), allow_pickle=False) as file:
        return dict(file)


def numbers(seed: int) -> Features:
    """Two channels of a sample, and what is reported of them."""
    made = landmarks_of(("hand",), seed)
    values = np.random.default_rng(seed).normal(size=(len(made.track), 2)).astype(np.float32)
    values[~made.track.present] = 0
    track = replace(made.track, values=values, parts=(), handedness=None)
    reported = np.where(track.present[:, None], values / 2, np.float32(np.nan))
    return Features(track, made.preprocessing, channels=("joy", "=sum"), reported=reported)


def test_each_medium_is_a_slice_of_the_arrays() -> None:
    first, second = landmarks_of(("hand",), 1), landmarks_of(("hand",), 2, frames=5)
    arrays = loaded([Gathered("A/1.mp4", "A", first), Gathered("나/2.mp4", "나", second)])
    assert arrays["files"].tolist() == ["A/1.mp4", "나/2.mp4"]
    assert arrays["labels"].tolist() == ["A", "나"]
    assert arrays["starts"].tolist() == [0, 12, 17]
    part = slice(arrays["starts"][1], arrays["starts"][2])
    assert np.array_equal(arrays["values"][part], second.track.values, equal_nan=True)
    assert np.array_equal(arrays["times"][part], second.track.times_s)
    assert np.array_equal(arrays["present"][part], second.track.present)
    assert second.track.handedness is not None
    assert np.array_equal(arrays["handedness"][part], second.track.handedness)
    assert arrays["points"][8] == "hand_INDEX_FINGER_TIP"
    assert arrays["axes"].tolist() == ["x", "y", "z", "visibility"]
    assert str(arrays["model"]) == "letters:1"


def test_statistics_are_those_that_a_head_is_given() -> None:
    made = numbers(3)
    arrays = loaded([Gathered("1.mp4", "", made)])
    section = SeriesSection(statistics=("mean", "std", "max", "min"))
    given = tensor(made.track, Window(0, 99), section).values[0]
    assert arrays["statistics"].reshape(-1) == pytest.approx(given)
    assert arrays["statistics_names"].tolist() == ["mean", "std", "max", "min"]
    assert np.nanmax(np.abs(arrays["reported_statistics"] * 2 - arrays["statistics"])) < 1e-6


def test_a_medium_in_which_nothing_was_seen_has_no_statistics() -> None:
    made = numbers(3)
    nothing = replace(made, track=replace(made.track, present=np.zeros(len(made.track), bool)))
    assert np.isnan(loaded([Gathered("1.mp4", "", nothing)])["statistics"]).all()


def test_csv_has_a_named_column_for_each_number_that_gives_the_same_number_back() -> None:
    made = landmarks_of(("hand",), 7)
    rows = list(csv.DictReader(io.StringIO(features_to_csv([Gathered("=1.mp4", "A", made)]), newline="")))
    assert len(rows) == len(made.track)
    for place, row in enumerate(rows):
        assert row["file"] == "'=1.mp4"
        assert float(row["time"]) == pytest.approx(made.track.times_s[place], abs=1e-6)
        assert row["present"] == str(int(made.track.present[place]))
        given = row["hand_PINKY_TIP_y"]
        assert (given == "") == np.isnan(made.track.values[place, 20, 1])
        assert not given or np.float32(given) == made.track.values[place, 20, 1]


def test_csv_says_what_a_model_s_graph_gives_and_what_is_reported_of_it() -> None:
    made = numbers(5)
    rows = list(csv.DictReader(io.StringIO(features_to_csv([Gathered("1.mp4", "", made)]), newline="")))
    assert list(rows[0])[4:] == ["joy", "'=sum", "joy_reported", "'=sum_reported"]
    place = int(np.flatnonzero(made.track.present)[0])
    assert float(rows[place]["joy_reported"]) == pytest.approx(float(rows[place]["joy"]) / 2)
    missing = int(np.flatnonzero(~made.track.present)[0])
    assert (rows[missing]["joy"], rows[missing]["joy_reported"]) == ("", "")
