"""The table of formats."""

import html
import io
from dataclasses import replace

import pycmx
import pytest
import webvtt
from hypothesis import given, settings
from PIL import Image

from service.export.answer import MediaFile, SignsExport
from service.export.captions import signs_to_vtt
from service.export.formats import HIGHLIGHT_FORMATS, JSON_MEDIA_TYPE, TIMELINE_FORMATS
from tests.service.export.answers_made import MEDIA, answers, highlights, signs

WARNINGS = ("Cut off --> perhaps.", "얼굴이 둘")


def test_the_formats_are_those_of_the_contract() -> None:
    assert list(TIMELINE_FORMATS) == ["vtt", "srt", "eaf", "csv", "otio", "aihub"]
    assert list(HIGHLIGHT_FORMATS) == ["vtt", "csv", "edl", "otio", "png"]


@pytest.mark.parametrize("table", [TIMELINE_FORMATS, HIGHLIGHT_FORMATS])
def test_accept_tells_all_formats_apart(table: dict[str, object]) -> None:
    types = [one.essence for one in (TIMELINE_FORMATS if table is TIMELINE_FORMATS else HIGHLIGHT_FORMATS).values()]
    assert len({*types, JSON_MEDIA_TYPE}) == len(types) + 1


@settings(deadline=None, max_examples=30)
@given(answer=answers())
def test_any_timeline_is_written_in_every_format(answer: SignsExport) -> None:
    for one in TIMELINE_FORMATS.values():
        assert isinstance(one.file(answer), bytes)


def test_highlights_are_written_in_every_format() -> None:
    for one in HIGHLIGHT_FORMATS.values():
        assert one.file(highlights((1.0, 2.0, 1.5, 0.5)))


@pytest.mark.parametrize("name", ["vtt", "eaf"])
def test_warnings_stand_in_a_timelines_file_where_it_has_room(name: str) -> None:
    warned = replace(signs((0.0, 1.0, "A")), warnings=WARNINGS)
    written = html.unescape(TIMELINE_FORMATS[name].file(warned).decode())
    for warning in ("Cut off → perhaps.", "얼굴이 둘"):
        assert warning in written.replace("-->", "→")
    assert "Cut off" not in TIMELINE_FORMATS[name].file(signs((0.0, 1.0, "A"))).decode()


def test_warnings_are_comments_before_the_first_caption() -> None:
    written = signs_to_vtt(replace(signs((0.0, 1.0, "A")), warnings=WARNINGS))
    assert written.startswith("WEBVTT\n\nNOTE Cut off → perhaps.\n\nNOTE 얼굴이 둘\n\n00:00:00.000")
    assert len(webvtt.WebVTT.from_string(written, strict=True)) == 1


def test_warnings_stand_in_a_highlights_file_where_it_has_room() -> None:
    warned = replace(highlights((1.0, 2.0, 1.5, 0.5)), warnings=WARNINGS)
    assert "NOTE 얼굴이 둘" in HIGHLIGHT_FORMATS["vtt"].file(warned).decode()
    edit_list = HIGHLIGHT_FORMATS["edl"].file(warned).decode()
    assert "* WARNING: 얼굴이 둘" in edit_list
    assert len(list(pycmx.parse_cmx3600(io.StringIO(edit_list)).events)) == 1
    with Image.open(io.BytesIO(HIGHLIGHT_FORMATS["png"].file(warned))) as picture:
        assert "얼굴이 둘" in picture.info["Comment"]


def test_files_are_named_after_the_medium() -> None:
    assert TIMELINE_FORMATS["vtt"].file_name(MEDIA) == "수어 영상.vtt"
    assert TIMELINE_FORMATS["eaf"].file_name(MediaFile("", "video", "mp4", 1.0, None)) == "media.eaf"
    assert TIMELINE_FORMATS["srt"].file_name(MediaFile("a.b.mp4", "video", "mp4", 1.0, None)) == "a.b.srt"
