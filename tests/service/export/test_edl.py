"""Edit lists, read back by pycmx."""

import io

import pycmx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.export.answer import HighlightsExport, MediaFile
from service.export.edl import frame_rate, moments_to_edl
from service.export.ticks import ticks
from service.spotting.highlights import Highlight
from tests.service.export.answers_made import highlights


def _events(text: str) -> list[pycmx.Edit]:
    return [edit for event in pycmx.parse_cmx3600(io.StringIO(text)).events for edit in event.edits]


def _frames(timecode: str, base: int) -> int:
    hours, minutes, seconds, frames = map(int, timecode.split(":"))
    assert frames < base
    return (hours * 3600 + minutes * 60 + seconds) * base + frames


def test_moments_as_an_edit_list_read_like_this() -> None:
    assert moments_to_edl(highlights((31.5, 37.0, 34.0, 0.91), (40.0, 41.0, 40.5, 0.6))).splitlines() == [
        "TITLE: 수어 영상.mp4",
        "FCM: NON-DROP FRAME",
        "",
        "001  AX       V     C        00:00:31:15 00:00:37:00 00:00:00:00 00:00:05:15",
        "* FROM CLIP NAME: 수어 영상.mp4",
        "* COMMENT: PEAK 34.000 S, SCORE 0.9100",
        "",
        "002  AX       V     C        00:00:40:00 00:00:41:00 00:00:05:15 00:00:06:15",
        "* FROM CLIP NAME: 수어 영상.mp4",
        "* COMMENT: PEAK 40.500 S, SCORE 0.6000",
    ]


@given(
    lengths=st.lists(st.floats(0.5, 600), min_size=1, max_size=8),
    rate=st.sampled_from([None, 0.0, 12.0, 23.976, 25.0, 29.97, 59.94, 120.0, 240.0]),
)
def test_pycmx_gives_back_the_frames(lengths: list[float], rate: float | None) -> None:
    moments, at_s = [], 0.0
    for length_s in lengths:
        moments.append(Highlight(at_s, at_s + length_s, at_s, 0.5))
        at_s += length_s + 0.5
    media = MediaFile("a.mp4", "video", "mp4", at_s, rate)
    events = _events(moments_to_edl(HighlightsExport(media, moments, ())))
    counted = frame_rate(media)
    base = round(counted)
    found = [(_frames(one.source_in, base), _frames(one.source_out, base)) for one in events]
    assert found == ticks(moments, counted)
    records = [(_frames(one.record_in, base), _frames(one.record_out, base)) for one in events]
    assert [end - start for start, end in records] == [end - start for start, end in found]
    assert [start for start, _ in records] == [0, *(end for _, end in records[:-1])]


def test_of_more_events_than_the_format_counts_the_best_are_kept_in_order_of_time() -> None:
    moments = [Highlight(float(n), n + 0.5, float(n), 0.0 if n == 7 else 1.0) for n in range(1000)]
    events = _events(moments_to_edl(HighlightsExport(MediaFile("a", "video", "mp4", 1e4, 25.0), moments, ())))
    assert len(events) == 999
    assert [one.source_in for one in events[6:8]] == ["00:00:06:00", "00:00:08:00"]


@pytest.mark.parametrize("rate", [99.4, 100.0, 240.0, 1000.0])
def test_frame_numbers_have_two_digits(rate: float) -> None:
    assert round(frame_rate(MediaFile("a", "video", "mp4", 1.0, rate))) <= 99
