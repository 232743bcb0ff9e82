"""CMX3600 edit list: each highlight as one cut of the medium, one after the other, for an editing program."""

from typing import Final

from service.export.answer import HighlightsExport, MediaFile
from service.export.text import one_line
from service.export.ticks import ticks

MOST_EVENTS: Final = 999
"""CMX3600 counts events with three digits; of more moments the highest scores are kept."""

USUAL_RATE: Final = 30.0
"""Timecode needs a rate also where the medium has none (landmarks, variable frame rate)."""


def moments_to_edl(answer: HighlightsExport) -> str:
    """An edit list of the moments. Source timecode counts the medium's frames from 00:00:00:00, non-drop-frame.

    So at 29.97 frames a second timecode runs 0.1 % behind the clock, as editing programs count it, too.
    """
    rate = frame_rate(answer.media)
    base = max(round(rate), 1)
    best = sorted(answer.moments, key=lambda moment: -moment.score)[:MOST_EVENTS]
    moments = sorted(best, key=lambda moment: moment.start_s)
    name = one_line(answer.media.name)
    lines = [f"TITLE: {name[:70]}", "FCM: NON-DROP FRAME", ""]
    lines += [f"* WARNING: {one_line(warning)}" for warning in answer.warnings]
    at = 0
    for number, (moment, (start, end)) in enumerate(zip(moments, ticks(moments, rate), strict=True), start=1):
        cut = " ".join(_timecode(frames, base) for frames in (start, end, at, at + end - start))
        lines += [
            f"{number:03}  AX       V     C        {cut}",
            f"* FROM CLIP NAME: {name}",
            f"* COMMENT: PEAK {moment.peak_s:.3f} S, SCORE {moment.score:.4f}",
            "",
        ]
        at += end - start
    return "\n".join(lines)


def frame_rate(media: MediaFile) -> float:
    """Frames a second that timecode counts: the medium's, halved until its frame numbers have two digits."""
    rate = media.frame_rate if media.frame_rate and media.frame_rate >= 1 else USUAL_RATE
    while rate >= 99.5:
        rate /= 2
    return rate


def _timecode(frames: int, base: int) -> str:
    seconds, rest = divmod(frames, base)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}:{rest:02}"
