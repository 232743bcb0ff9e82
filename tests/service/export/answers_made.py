"""Answers for the tests of the exports: any labels, times as spotting gives them."""

from datetime import UTC, datetime

import numpy as np
from hypothesis import strategies as st

from service.export.answer import HighlightsExport, MediaFile, Sample, SignsExport
from service.spotting.highlights import Highlight
from service.spotting.segment import Segment
from service.spotting.tension import TensionPoint
from service.track import Window

CREATED = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
MEDIA = MediaFile("수어 영상.mp4", "video", "mp4", 60.0, 30.0)

AWKWARD = (
    "-->",
    "<b>&amp;</b>",
    '"quoted", =cmd()',
    "two\r\nlines\n\nand a third",
    "안녕하세요",
    "00:01.000 --> 00:02.000",
)
labels = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=30))


def signs(*held: tuple[float, float, str], gaps: tuple[Window, ...] = ()) -> SignsExport:
    """An answer with these signs, of class 0, 1, …"""
    segments = tuple(Segment(start, end, index, label, 0.9) for index, (start, end, label) in enumerate(held))
    return SignsExport(MEDIA, segments, CREATED, model="asl-letters 1", gaps=gaps)


def highlights(*moments: tuple[float, float, float, float], series: bool = False) -> HighlightsExport:
    """An answer with these moments (start, end, peak, score) over a curve that is unknown in its middle."""
    times_s = [index / 2 for index in range(120)]
    points = tuple(
        TensionPoint(time_s, None if 20 <= time_s < 25 else 0.5 + 0.4 * float(np.sin(time_s / 3))) for time_s in times_s
    )
    samples = tuple(
        Sample(point.time_s) if point.value is None else Sample(point.time_s, (0.1, 0.2, 0.3, 0.4), {"happiness": 0.5})
        for point in points
    )
    return HighlightsExport(
        MEDIA, tuple(Highlight(*moment) for moment in moments), points, "얼굴의 움직임", samples if series else ()
    )


@st.composite
def answers(draw: st.DrawFn) -> SignsExport:
    """Signs in order, with any labels; some touch, some are shorter than a millisecond, hours may pass between."""
    held: list[tuple[float, float, str]] = []
    at_s = 0.0
    for _ in range(draw(st.integers(0, 6))):
        start_s = at_s + draw(st.sampled_from([0.0, 0.0004, 0.3333, 7.77, 3599.9996]))
        at_s = start_s + draw(st.one_of(st.floats(0.001, 5.0), st.sampled_from([0.0004, 0.0015, 1.0])))
        held.append((start_s, at_s, draw(labels)))
    gaps = (Window(at_s + 1, at_s + 2),) if draw(st.booleans()) else ()
    return signs(*held, gaps=gaps)


@st.composite
def lasting(draw: st.DrawFn) -> SignsExport:
    """Signs of at least a millisecond, as spotting gives them."""
    answer = draw(answers())
    return SignsExport(MEDIA, [one for one in answer.signs if one.end_s - one.start_s >= 0.001], CREATED)
