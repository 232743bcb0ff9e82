"""The tension curve as a picture."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from service.export.answer import HighlightsExport, MediaFile
from service.export.png import korean_fonts, tension_to_png
from service.spotting.tension import TensionPoint
from tests.service.export.answers_made import MEDIA, highlights

ANSWER = highlights((31.5, 37.0, 34.0, 0.91))


def _pixels(answer: HighlightsExport) -> np.ndarray:
    with Image.open(io.BytesIO(tension_to_png(answer))) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).astype(int)


def test_the_curve_is_a_picture_of_1200_by_400_pixels() -> None:
    assert _pixels(ANSWER).shape == (400, 1200, 3)


def test_the_curve_is_broken_where_the_tension_is_unknown() -> None:
    bare = replace(ANSWER, moments=(), media=MediaFile("", "video", "mp4", 60.0, 30.0), title="")
    curve = (np.abs(_pixels(bare) - [0x1F, 0x4E, 0x79]).sum(axis=2) < 60).any(axis=0)
    columns = np.flatnonzero(curve)
    jumps = np.diff(columns)
    widest = int(jumps.argmax())
    broken_at = (columns[widest] - columns[0]) / (columns[-1] - columns[0])
    assert 0.31 <= broken_at <= 0.34
    assert jumps[widest] > 60


def test_moments_are_marked() -> None:
    with_moments, without = _pixels(ANSWER), _pixels(replace(ANSWER, moments=()))
    assert (with_moments != without).any()


def test_what_a_moment_had_to_reach_is_a_line_across() -> None:
    changed = (_pixels(replace(ANSWER, threshold=0.5)) != _pixels(ANSWER)).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert len(rows) <= 3
    assert columns[-1] - columns[0] > 1000


@pytest.mark.parametrize("threshold", [1e308, -1.7e308])
def test_a_threshold_far_beyond_the_curve_is_no_line(threshold: float) -> None:
    assert (_pixels(replace(ANSWER, threshold=threshold)) == _pixels(ANSWER)).all()


def test_korean_names_are_drawn_with_a_font_that_has_them() -> None:
    assert korean_fonts()
    one, other = (replace(ANSWER, media=replace(MEDIA, name=name)) for name in ("가.mp4", "힣.mp4"))
    assert (_pixels(one) != _pixels(other)).any()


def test_what_no_font_has_and_what_looks_like_a_formula_is_drawn_without_complaint() -> None:
    for name in ("$x^$", "\u1234\U0001f600\x00", "a\nb", "$" * 40):
        assert tension_to_png(replace(ANSWER, media=replace(MEDIA, name=name), title=name))


def test_an_answer_without_a_single_known_point_is_drawn() -> None:
    assert tension_to_png(HighlightsExport(MediaFile("", "video", "mp4", None, None), (), ()))
    unknown = [TensionPoint(point.time_s, None) for point in highlights().tension]
    assert tension_to_png(replace(highlights(), tension=unknown))
