"""Labeled clips are found in each of the usual forms, and what is not used is said."""

import csv
import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pympi import Elan

from service.evaluation.data import DataError, LabeledData
from service.evaluation.reading import read_data

PNG = b"\x89PNG\r\n\x1a\n"


def labels(data: LabeledData) -> list[tuple[str, str]]:
    return [(clip.name, clip.label) for clip in data.clips]


def laid(path: Path, content: bytes = PNG) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_folders_are_labels_and_hidden_files_are_none(tmp_path: Path) -> None:
    laid(tmp_path / "b/two/2.png")
    laid(tmp_path / "a/1.png")
    laid(tmp_path / "a/.DS_Store")
    laid(tmp_path / ".cache/x.png")
    laid(tmp_path / "a/notes.txt", b"hello")
    data = read_data(tmp_path)
    assert labels(data) == [("a/1.png", "a"), ("b/two/2.png", "b")]
    assert list(data.left_out) == ["a/notes.txt"]
    assert data.name == tmp_path.name


def test_a_table_names_paths_beside_itself(tmp_path: Path) -> None:
    laid(tmp_path / "clips/1.png")
    table = tmp_path / "list.csv"
    table.write_text("﻿label,path\r\n안녕,clips/1.png\r\n\r\n사랑,clips/2.png\r\nshort\r\n", encoding="utf-8")
    data = read_data(table)
    assert labels(data) == [("line 2: clips/1.png", "안녕")]
    assert data.clips[0].path == tmp_path / "clips/1.png"
    assert data.left_out == {"line 4: clips/2.png": "there is no such file.", "line 5": "it has 1 columns."}


def test_rows_of_pixels_are_pictures_with_a_number_or_its_letter(tmp_path: Path) -> None:
    gray = np.arange(784, dtype=np.uint8)
    table = tmp_path / "sign_mnist_test.csv"
    with table.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", *(f"pixel{i}" for i in range(1, 785))])
        writer.writerow([24, *gray])
        writer.writerow([3, *gray[:-1]])
        writer.writerow([3, *gray[:-1], 300])
        writer.writerow([3, *gray[:-1], "x"])
    data = read_data(table)
    (clip,) = data.clips
    assert (clip.label, clip.or_label) == ("24", "Y")
    with clip.medium(tmp_path) as medium, Image.open(medium.path) as picture:
        assert picture.mode == "L"
        assert np.array_equal(np.asarray(picture), gray.reshape(28, 28))
    assert not Path(medium.path).exists()
    assert list(data.left_out) == ["line 3", "line 4", "line 5"]


def test_an_aihub_folder_gives_a_clip_for_each_morpheme(tmp_path: Path) -> None:
    laid(tmp_path / "video/01/A.mp4")
    entries = [
        {"start": 1.5, "end": 2.75, "attributes": [{"name": "왼쪽"}]},
        {"start": 3, "end": 3, "attributes": [{"name": "오른쪽"}]},
        {"start": 4, "end": 5, "attributes": []},
    ]
    text = json.dumps({"metaData": {"name": "A.mp4", "duration": 6.0}, "data": entries}).encode()
    laid(tmp_path / "label/01/A_morpheme.json", text)
    laid(tmp_path / "label/B_morpheme.json", text)
    laid(tmp_path / "video/C.mp4")
    laid(tmp_path / "label/C_morpheme.json", b'{"data": [{"start": -1}]}')
    data = read_data(tmp_path)
    (clip,) = data.clips
    assert (clip.label, clip.start_s, clip.duration_s) == ("왼쪽", 1.5, 1.25)
    assert clip.path == tmp_path / "video/01/A.mp4"
    assert list(data.left_out) == [
        "A.mp4 3–3 s (1)",
        "A.mp4 4–5 s (2)",
        "label/B_morpheme.json",
        "label/C_morpheme.json",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"file,sign\n1.png,A\n", "names no columns that are known: file, sign"),
        (b"path,label\n1.png,\xff\xff\n", "neither UTF-8 nor CP949"),
        (b"path,label\n", "lists nothing that could be read"),
        (b"", "names no columns"),
    ],
)
def test_a_table_that_is_none_is_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_data(laid(tmp_path / "x.csv", content))


def test_a_folder_without_class_folders_is_refused_in_words(tmp_path: Path) -> None:
    laid(tmp_path / "loose.png")
    with pytest.raises(DataError, match="one folder of media for each label"):
        read_data(tmp_path)
    with pytest.raises(DataError, match="There is no"):
        read_data(tmp_path / "nowhere")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_aihub_labels_are_read_in_whatever_they_are_written(tmp_path: Path, encoding: str) -> None:
    laid(tmp_path / "video" / "왼쪽.mp4", b"")
    name = unicodedata.normalize("NFD", "왼쪽")
    entry = '{"data": [{"start": 0.5, "end": 1.5, "attributes": [{"name": "왼쪽"}]}]}'
    laid(tmp_path / "label" / f"{name}_morpheme.json", entry.encode(encoding))
    [clip] = read_data(tmp_path).clips
    assert clip.label == "왼쪽"


def annotated(path: Path, *linked: tuple[str, str | None], origin_ms: int | None = None, **tiers: object) -> Path:
    """An EAF with media, given by address and relative address, and (start, end, label) on each tier."""
    document = Elan.Eaf()
    for address, relative in linked:
        document.add_linked_file(address, relpath=relative, mimetype="video/mp4", time_origin=origin_ms)
    document.remove_tier("default")
    for tier, annotations in tiers.items():
        document.add_tier(tier)
        for start_ms, end_ms, label in annotations:  # type: ignore[attr-defined]
            document.add_annotation(tier, start_ms, end_ms, label)
    path.parent.mkdir(parents=True, exist_ok=True)
    document.to_file(str(path))
    return path


def test_annotations_of_elan_are_clips_of_the_video_that_they_link_to(tmp_path: Path) -> None:
    video = laid(tmp_path / "films/왼쪽 50%.mp4")
    spans = [(500, 1500, " 왼쪽 "), (2000, 2600, "오른쪽"), (3000, 3500, "")]
    file = annotated(
        tmp_path / "notes/a.eaf", ("file:///gone/x.mp4", "../films/왼쪽 50%25.mp4"), signs=spans, notes=[(0, 9, "hm")]
    )
    data = read_data(file)
    assert [(clip.name, clip.label, clip.start_s, clip.duration_s) for clip in data.clips] == [
        ("a.eaf 0.5–1.5 s (0)", "왼쪽", 0.5, 1.0),
        ("a.eaf 2–2.6 s (1)", "오른쪽", 2.0, pytest.approx(0.6)),
    ]
    assert {clip.path and clip.path.resolve() for clip in data.clips} == {video}
    assert list(data.left_out) == ["a.eaf (2)"]
    assert [clip.label for clip in read_data(file, "notes").clips] == ["hm"]


def test_a_video_that_begins_later_than_the_document_is_cut_where_elan_plays_it(tmp_path: Path) -> None:
    laid(tmp_path / "a.mp4")
    file = annotated(tmp_path / "a.eaf", ("file:///x/a.mp4", None), origin_ms=1500, gloss=[(500, 1000, "A")])
    (clip,) = read_data(file).clips
    assert (clip.path, clip.start_s, clip.duration_s) == (tmp_path / "a.mp4", 2.0, 0.5)


def test_a_folder_of_annotations_is_read_and_what_cannot_be_is_said(tmp_path: Path) -> None:
    laid(tmp_path / "b.mp4")
    annotated(tmp_path / "b.eaf", left=[(0, 100, "A")])
    laid(tmp_path / "c.mp4")
    annotated(tmp_path / "c.eaf", left=[(0, 100, "A")], right=[(0, 100, "B")])
    annotated(tmp_path / "d.eaf", ("file:///C:/films/d.mp4", "./d.mp4"), left=[(0, 100, "A")])
    laid(tmp_path / "e.eaf", b"<html>")
    data = read_data(tmp_path)
    assert labels(data) == [("b.eaf 0–0.1 s (0)", "A")]
    assert data.left_out == {
        "c.eaf": "--tier says which tier has the labels; with annotations of their own times: left, right.",
        "d.eaf": "its video is not there: file:///C:/films/d.mp4.",
        "e.eaf": "it is no annotation that ELAN could open.",
    }
    with pytest.raises(DataError, match="there is no such tier: x"):
        read_data(tmp_path / "b.eaf", "x")
    with pytest.raises(DataError, match="only they have tiers"):
        read_data(laid(tmp_path / "x.csv", b""), "x")
