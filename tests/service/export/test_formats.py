"""The table of formats."""

import pytest
from hypothesis import given, settings

from service.export.answer import MediaFile, SignsExport
from service.export.formats import HIGHLIGHT_FORMATS, JSON_MEDIA_TYPE, TIMELINE_FORMATS
from tests.service.export.answers_made import MEDIA, answers, highlights


def test_the_formats_are_those_of_the_contract() -> None:
    assert list(TIMELINE_FORMATS) == ["vtt", "srt", "eaf", "csv", "aihub"]
    assert list(HIGHLIGHT_FORMATS) == ["vtt", "csv", "edl", "png"]


@pytest.mark.parametrize("table", [TIMELINE_FORMATS, HIGHLIGHT_FORMATS])
def test_accept_tells_all_formats_apart(table: dict[str, object]) -> None:
    accepts = [one.accept for one in (TIMELINE_FORMATS if table is TIMELINE_FORMATS else HIGHLIGHT_FORMATS).values()]
    assert len({*accepts, JSON_MEDIA_TYPE}) == len(accepts) + 1


@settings(deadline=None, max_examples=30)
@given(answer=answers())
def test_any_timeline_is_written_in_every_format(answer: SignsExport) -> None:
    for one in TIMELINE_FORMATS.values():
        assert isinstance(one.file(answer), bytes)


def test_highlights_are_written_in_every_format() -> None:
    for one in HIGHLIGHT_FORMATS.values():
        assert one.file(highlights((1.0, 2.0, 1.5, 0.5)))


def test_files_are_named_after_the_medium() -> None:
    assert TIMELINE_FORMATS["vtt"].file_name(MEDIA) == "수어 영상.vtt"
    assert TIMELINE_FORMATS["eaf"].file_name(MediaFile("", "video", "mp4", 1.0, None)) == "media.eaf"
    assert TIMELINE_FORMATS["srt"].file_name(MediaFile("a.b.mp4", "video", "mp4", 1.0, None)) == "a.b.srt"
