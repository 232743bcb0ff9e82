"""CSV, read back by Python's reader in its strict mode."""

import csv
import io

import pytest
from hypothesis import given

from service.export.answer import SignsExport
from service.export.table import cell, moments_to_csv, signs_to_csv
from service.export.ticks import MILLISECONDS, ticks
from tests.service.export.answers_made import answers, highlights, labels, signs


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_a_timeline_as_csv_reads_like_this() -> None:
    assert signs_to_csv(signs((0.8, 1.9, "hello"), (2.0, 3.0, 'say "hi", please'))) == (
        "start_time,end_time,class_idx,class_name,confidence\r\n"
        "0.800,1.900,0,hello,0.9000\r\n"
        '2.000,3.000,1,"say ""hi"", please",0.9000\r\n'
    )


@given(answer=answers())
def test_csv_gives_back_the_times_and_labels(answer: SignsExport) -> None:
    rows = _rows(signs_to_csv(answer))
    times = [(round(float(row["start_time"]) * 1000), round(float(row["end_time"]) * 1000)) for row in rows]
    assert times == ticks(answer.signs, MILLISECONDS)
    assert [_uncelled(row["class_name"]) for row in rows] == [sign.label for sign in answer.signs]


def _uncelled(text: str) -> str:
    return text.removeprefix("'")


@given(label=labels)
def test_an_apostrophe_is_added_only_to_what_starts_like_a_formula_and_can_be_taken_away(label: str) -> None:
    assert _uncelled(cell(label)) == label


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_no_label_is_taken_for_a_formula(label: str) -> None:
    assert cell(label) == f"'{label}"
    assert _rows(signs_to_csv(signs((0.0, 1.0, label))))[0]["class_name"] == f"'{label}"


def test_moments_are_rows() -> None:
    assert _rows(moments_to_csv(highlights((31.5, 37.0, 34.0, 0.91)))) == [
        {"start_time": "31.500", "end_time": "37.000", "peak_time": "34.000", "score": "0.9100"}
    ]


def test_the_series_is_one_row_for_each_sample_and_empty_where_nothing_is_known() -> None:
    rows = _rows(moments_to_csv(highlights((31.5, 37.0, 34.0, 0.91), series=True)))
    assert len(rows) == 120
    assert rows[40] == {
        "time": "20.000",
        "tension": "",
        "highlight": "",
        "box_x": "",
        "box_y": "",
        "box_width": "",
        "box_height": "",
        "happiness": "",
    }
    inside = [row for row in rows if row["highlight"] == "1"]
    assert [inside[0]["time"], inside[-1]["time"]] == ["31.500", "36.500"]
    assert inside[0]["box_width"] == "0.3000"
    assert inside[0]["happiness"] == "0.5000"
