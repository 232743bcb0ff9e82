"""Label pickles become plain data; what is not plain never becomes a label."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.errors import RefusalError
from convert.labels import read_labels
from convert.pickles.reader import run

DATA = Path(__file__).parents[2] / "data" / "pickles"


def content(folder: Path, value: Any, protocol: int = 4) -> Any:
    path = folder / "info.pkl"
    path.write_bytes(pickle.dumps(value, protocol))
    return run({"path": str(path)}, folder)["content"]


@pytest.mark.parametrize("protocol", range(6))
def test_what_authors_keep_beside_a_model_is_plain_data(protocol: int, tmp_path: Path) -> None:
    info = {
        "labels": np.array(["ㄴ", "ㄱ"]),
        "names": np.array(["b", "a"], dtype=object),
        "max_length": np.int64(208),
        "mean": np.zeros((2, 2), np.float32),
        "set": {"y", "x"},
        "bytes": [b"ab", b"\xff"],
        np.int64(3): 0.5,
    }
    assert content(tmp_path, info, protocol) == {
        "labels": ["ㄴ", "ㄱ"],
        "names": ["b", "a"],
        "max_length": 208,
        "mean": [[0.0, 0.0], [0.0, 0.0]],
        "set": ["x", "y"],
        "bytes": ["ab", "<bytes>"],
        "3": 0.5,
    }


def test_a_label_encoder_gives_its_classes_in_their_order() -> None:
    assert read_labels(str(DATA / "label_encoder.pkl"), "utf-8").names == ("ㄱ", "ㄴ", "ㄷ")


@pytest.mark.parametrize("name", ["objects_of_a_buffer.pkl", "object_in_a_row.pkl"])
def test_an_array_that_takes_the_files_bytes_for_a_pointer_is_no_labels(name: str) -> None:
    with pytest.raises(RefusalError, match=r"holds no labels that are understood: numpy"):
        read_labels(str(DATA / name), "utf-8")


def test_an_object_is_never_a_label(tmp_path: Path) -> None:
    path = tmp_path / "labels.pkl"
    path.write_bytes(pickle.dumps({"labels": ["a", RefusalError("x", "y")]}))
    with pytest.raises(RefusalError, match="no labels that are understood"):
        read_labels(str(path), "utf-8")


def test_more_values_than_labels_need_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="more than 50000 values"):
        content(tmp_path, list(range(60_000)))
