"""WebVTT and SubRip: one cue for each sign or moment."""

import html
from collections.abc import Iterable
from datetime import timedelta

import srt
from webvtt import Caption, WebVTT

from service.export.answer import HighlightsExport, SignsExport
from service.export.text import one_line
from service.export.ticks import MILLISECONDS, Span, ticks


def signs_to_vtt(answer: SignsExport) -> str:
    """WebVTT with one cue for each sign; damaged stretches and warnings stand in comments before the first."""
    gaps = [
        f"Nothing could be read from {gap.start_s:.3f} s to {gap.end_s:.3f} s." for gap in answer.gaps if gap.duration_s
    ]
    return _vtt(answer.signs, _cue_texts(answer), [*gaps, *answer.warnings])


def moments_to_vtt(answer: HighlightsExport) -> str:
    """WebVTT with one cue for each moment that stands out: its score; warnings stand in comments before the first."""
    return _vtt(answer.moments, [f"{moment.score:.2f}" for moment in answer.moments], answer.warnings)


def signs_to_srt(answer: SignsExport) -> str:
    """SubRip. It has no escapes, so an arrow `-->` in a label, which is its own mark, is written as →."""
    texts = [text.replace("-->", "→") for text in _cue_texts(answer)]
    return str(
        srt.compose(
            srt.Subtitle(number, timedelta(milliseconds=start), timedelta(milliseconds=end), text)
            for number, ((start, end), text) in enumerate(
                zip(ticks(answer.signs, MILLISECONDS), texts, strict=True), start=1
            )
        )
    )


def _cue_texts(answer: SignsExport) -> list[str]:
    return [one_line(answer.texts.get(sign.label, sign.label)) for sign in answer.signs]


def _vtt(spans: Iterable[Span], texts: list[str], comments: Iterable[str]) -> str:
    captions = [
        Caption(_vtt_time(start), _vtt_time(end), html.escape(text, quote=False))
        for (start, end), text in zip(ticks(spans, MILLISECONDS), texts, strict=True)
    ]
    notes = [one_line(comment).replace("-->", "→") for comment in comments]  # the arrow would begin a cue
    return WebVTT(captions=captions, header_comments=notes).content.rstrip("\n") + "\n"


def _vtt_time(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
