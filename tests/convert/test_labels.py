"""Label files of all kinds become names in output order, or are refused with what to do."""

import json
import pickle
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.errors import CallError, RefusalError
from convert.labels import check_against_graph, read_labels


def written(folder: Path, name: str, content: str | bytes, encoding: str = "utf-8") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return str(path)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("labels.txt", "무한\n미국\n\n수학\n", ("무한", "미국", "수학")),
        ("labels.txt", "\ufeff무한\n미국\n", ("무한", "미국")),
        ("labels.txt", "0 Class One\n1 둘\n2 Drei\n", ("Class One", "둘", "Drei")),
        ("labels.txt", "1\n10\n2\n", ("1", "10", "2")),
        ("labels.json", '["b", "a"]', ("b", "a")),
        ("labels.json", '{"b": 1, "a": 0}', ("a", "b")),
        ("class_indices.json", '{"1": 0, "10": 1, "2": 2}', ("1", "10", "2")),
        ("labels.json", '{"0": "x", "1": "y"}', ("x", "y")),
        ("labels.csv", "Open\nClose\n", ("Open", "Close")),
    ],
)
def test_an_authors_order_is_kept(name: str, content: str, expected: tuple[str, ...], tmp_path: Path) -> None:
    assert read_labels(written(tmp_path, name, content), "utf-8").names == expected


def test_a_csv_column_gives_its_sorted_unique_values(tmp_path: Path) -> None:
    source = written(tmp_path, "train.csv", "file,label\na,월세\nb,미국\nc,월세\n")
    assert read_labels(f"{source}:label", "utf-8").names == ("미국", "월세")
    with pytest.raises(CallError, match="no column"):
        read_labels(f"{source}:nothing", "utf-8")


def test_class_folders_are_in_string_order(tmp_path: Path) -> None:
    for name in ("0", "1", "2", "10"):
        (tmp_path / name).mkdir()
    assert read_labels(str(tmp_path), "utf-8").names == ("0", "1", "10", "2")


def test_korean_windows_files_are_read_with_their_encoding(tmp_path: Path) -> None:
    source = written(tmp_path, "labels.txt", "무한\n미국\n", "cp949")
    assert read_labels(source, "cp949").names == read_labels(source, "utf-8").names == ("무한", "미국")
    with pytest.raises(CallError, match="neither UTF-8"):
        read_labels(written_bytes(tmp_path, "other.txt", bytes([255, 255, 10])), "utf-8")


def written_bytes(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
@pytest.mark.parametrize(
    ("name", "text"),
    [("labels.txt", "무한\n미국\n"), ("labels.json", '["무한", "미국"]'), ("labels.csv:sign", "sign\n무한\n미국\n")],
)
def test_label_files_are_read_in_whatever_they_are_written(name: str, text: str, encoding: str, tmp_path: Path) -> None:
    file, colon, column = name.partition(":")
    source = written_bytes(tmp_path, file, text.encode(encoding)) + colon + column
    assert set(read_labels(source, "utf-8").names) == {"무한", "미국"}


def test_names_that_macos_wrote_letter_by_letter_become_whole(tmp_path: Path) -> None:
    source = written_bytes(tmp_path, "labels.txt", unicodedata.normalize("NFD", "무한\n미국\n").encode())
    assert read_labels(source, "utf-8").names == ("무한", "미국")


@pytest.mark.parametrize("labels", [["b", "a"], np.array(["b", "a"]), {"b": 0, "a": 1}, {0: "b", 1: "a"}])
def test_a_model_info_pickle_gives_labels_and_its_other_entries(labels: Any, tmp_path: Path) -> None:
    info = {"labels": labels, "max_length": 208, "n_features": np.int64(114), "mean": np.zeros(3)}
    found = read_labels(written(tmp_path, "model_info.pkl", pickle.dumps(info)), "utf-8")
    assert found.names == ("b", "a")
    assert found.others["max_length"] == 208
    check_against_graph(found.others, (None, 208, 114), 2)
    with pytest.raises(RefusalError, match="114"):
        check_against_graph(found.others, (None, 208, 63), 2)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.txt", "a\nb\na\n"),
        ("labels.txt", "\n\n"),
        ("labels.json", '{"a": 0, "b": 2}'),
        ("labels.json", '{"a": {"b": 1}}'),
        ("labels.json", "[1, 2"),
        ("labels.json", json.dumps([[1], [2]])),
    ],
)
def test_unclear_labels_are_refused(name: str, content: str, tmp_path: Path) -> None:
    with pytest.raises(RefusalError):
        read_labels(written(tmp_path, name, content), "utf-8")
