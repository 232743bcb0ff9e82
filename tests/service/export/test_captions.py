"""WebVTT and SubRip, read back by FFmpeg's demuxers and by another library than the one that wrote them."""

import html
import io
import itertools
from dataclasses import replace
from typing import Any

import av
import srt
import webvtt
from av.container import InputContainer
from av.packet import Packet
from hypothesis import given, settings

from service.export.answer import SignsExport
from service.export.captions import moments_to_vtt, signs_to_srt, signs_to_vtt
from service.export.text import one_line
from service.export.ticks import MILLISECONDS, ticks
from service.track import Window
from tests.service.export.answers_made import answers, highlights, signs


def _by_ffmpeg(text: str, demuxer: str) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds and the raw text of each cue."""
    with av.open(io.BytesIO(text.encode()), format=demuxer) as container:
        assert isinstance(container, InputContainer)
        return [_cue(packet) for packet in container.demux() if packet.size]


def _cue(packet: "Packet[Any]") -> tuple[int, int, str]:
    assert packet.pts is not None
    assert packet.duration is not None
    start, end = packet.pts * packet.time_base, (packet.pts + packet.duration) * packet.time_base
    return round(start * 1000), round(end * 1000), bytes(packet).decode()


def test_a_timeline_as_webvtt_reads_like_this() -> None:
    answer = signs((0.8, 1.9, "hello"), (2.0, 3661.5, "A & B"))
    assert signs_to_vtt(answer) == (
        "WEBVTT\n\n00:00:00.800 --> 00:00:01.900\nhello\n\n00:00:02.000 --> 01:01:01.500\nA &amp; B\n"
    )


def test_a_timeline_as_subrip_reads_like_this() -> None:
    assert signs_to_srt(signs((0.8, 1.9, "hello"))) == "1\n00:00:00,800 --> 00:00:01,900\nhello\n\n"


@settings(deadline=None)
@given(answer=answers())
def test_webvtt_gives_back_the_times_and_labels(answer: SignsExport) -> None:
    expected = [(*times, one_line(sign.label)) for times, sign in zip(_ms(answer), answer.signs, strict=True)]
    written = signs_to_vtt(answer)
    if expected:
        found = _by_ffmpeg(written, "webvtt")
        assert [(start, end, html.unescape(text)) for start, end, text in found] == expected
    cues = webvtt.WebVTT.from_string(written, strict=True)
    assert [html.unescape(cue.raw_text) for cue in cues.captions] == [label for _, _, label in expected]


@settings(deadline=None)
@given(answer=answers())
def test_subrip_gives_back_the_times_and_labels(answer: SignsExport) -> None:
    expected = [
        (*times, one_line(sign.label).replace("-->", "→"))
        for times, sign in zip(_ms(answer), answer.signs, strict=True)
    ]
    written = signs_to_srt(answer)
    found = [
        (round(cue.start.total_seconds() * 1000), round(cue.end.total_seconds() * 1000), cue.content)
        for cue in srt.parse(written)
    ]
    assert found == expected
    if expected:
        cues = webvtt.from_buffer(io.BytesIO(written.encode()), format="srt")
        assert [(cue.start_time.in_milliseconds(), cue.end_time.in_milliseconds()) for cue in cues.captions] == _ms(
            answer
        )
        assert [cue[:2] for cue in _by_ffmpeg(written, "srt")] == _ms(answer)


def test_captions_write_what_a_label_stands_for() -> None:
    answer = replace(signs((0.0, 1.0, "THANKS")), texts={"THANKS": "thank you"})
    assert "thank you" in signs_to_vtt(answer)
    assert "thank you" in signs_to_srt(answer)


def test_a_damaged_stretch_is_named_in_a_comment() -> None:
    written = signs_to_vtt(signs((0.0, 1.0, "A"), gaps=(Window(1.0, 2.5),)))
    assert "NOTE Nothing could be read from 1.000 s to 2.500 s." in written
    assert len(webvtt.WebVTT.from_string(written, strict=True)) == 1


def test_a_timeline_without_signs_is_a_valid_empty_file() -> None:
    assert signs_to_vtt(signs()) == "WEBVTT\n"
    assert signs_to_srt(signs()) == ""


def test_moments_are_cues_with_their_scores() -> None:
    found = _by_ffmpeg(moments_to_vtt(highlights((31.5, 37.0, 34.0, 0.91), (40.0, 41.0, 40.5, 0.6))), "webvtt")
    assert found == [(31500, 37000, "0.91"), (40000, 41000, "0.60")]


def _ms(answer: SignsExport) -> list[tuple[int, int]]:
    rounded = ticks(answer.signs, MILLISECONDS)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(rounded))
    return rounded
