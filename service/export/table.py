"""CSV after RFC 4180: comma, double quotes, CRLF, UTF-8 without a mark, one header line."""

import csv
import io
from collections.abc import Iterable, Sequence

from service.export.answer import HighlightsExport, Moment, Sample, SignsExport
from service.export.ticks import MILLISECONDS, ticks

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "'")

SIGNS_HEADER = ("start_time", "end_time", "class_idx", "class_name", "confidence")
MOMENTS_HEADER = ("start_time", "end_time", "peak_time", "score")
SERIES_HEADER = ("time", "tension", "highlight", "box_x", "box_y", "box_width", "box_height")


def signs_to_csv(answer: SignsExport) -> str:
    """One row for each sign; times in seconds to the millisecond."""
    rows = (
        (_seconds(start), _seconds(end), sign.class_idx, cell(sign.label), f"{sign.confidence:.4f}")
        for sign, (start, end) in zip(answer.signs, ticks(answer.signs, MILLISECONDS), strict=True)
    )
    return _csv(SIGNS_HEADER, rows)


def moments_to_csv(answer: HighlightsExport) -> str:
    """One row for each moment; where the series was asked for, one for each sample instead.

    `highlight` is the number of the moment that the sample lies in, from 1; unknown values are empty.
    """
    if answer.samples:
        return _series_csv(answer)
    rows = (
        (_seconds(start), _seconds(end), f"{moment.peak_s:.3f}", f"{moment.score:.4f}")
        for moment, (start, end) in zip(answer.moments, ticks(answer.moments, MILLISECONDS), strict=True)
    )
    return _csv(MOMENTS_HEADER, rows)


def cell(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula: what starts like one gets an apostrophe before it.

    A text that starts with an apostrophe gets another, so that taking one away always gives the text back.
    """
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text


def _series_csv(answer: HighlightsExport) -> str:
    channels = list(dict.fromkeys(name for sample in answer.samples for name in sample.values))
    tension = {round(point.time_s * MILLISECONDS): point.value for point in answer.tension}
    rows = (
        (
            f"{sample.time_s:.3f}",
            _number(tension.get(round(sample.time_s * MILLISECONDS))),
            _moment_number(sample, answer.moments),
            *(map(_number, sample.box) if sample.box else [""] * 4),
            *(_number(sample.values.get(name)) for name in channels),
        )
        for sample in answer.samples
    )
    return _csv((*SERIES_HEADER, *map(cell, channels)), rows)


def _moment_number(sample: Sample, moments: Sequence[Moment]) -> str:
    inside = (str(n) for n, moment in enumerate(moments, 1) if moment.start_s <= sample.time_s < moment.end_s)
    return next(inside, "")


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds // 1000}.{milliseconds % 1000:03}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
