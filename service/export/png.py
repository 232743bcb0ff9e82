"""The tension curve as a picture."""

import importlib.util
import io
import threading
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.export.answer import HighlightsExport
from service.export.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FONT_PACKAGE: Final = "koreanize_matplotlib"
"""A wheel that carries NanumGothic (SIL Open Font License). It is never imported: importing it changes matplotlib."""

INSTALLED_FONTS: Final = ("NanumGothic", "Noto Sans CJK KR", "Noto Sans KR", "Malgun Gothic", "Apple SD Gothic Neo")
FALLBACK_FONT: Final = "DejaVu Sans"

SIZE_INCHES: Final = (12.0, 4.0)
DOTS_PER_INCH: Final = 100
_MOST_BEYOND: Final = 10.0
"""A threshold so many times as high as the curve is beyond the picture: its line would make the curve one, too."""
CURVE, MOMENT = "#1f4e79", "#f2a900"

_one_at_a_time = threading.Lock()  # matplotlib keeps fonts and warnings per process


def tension_to_png(answer: HighlightsExport) -> bytes:
    """A picture of 1200 × 400 pixels: the curve, broken where it is unknown, the moments and their threshold.

    Warnings are a comment of the file.
    """
    return draw_png(SIZE_INCHES, lambda axes: _draw(axes, answer), " ".join(answer.warnings))


def draw_png(size_inches: tuple[float, float], draw: Callable[["Axes"], None], comment: str = "") -> bytes:
    """What `draw` draws, on a picture of this size at DOTS_PER_INCH; a comment stands in the file, not on it."""
    # matplotlib costs most of a second to import, and only pictures need it
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    with _one_at_a_time, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure = Figure(size_inches, dpi=DOTS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure.add_subplot())
        out = io.BytesIO()
        figure.savefig(out, format="png", metadata={"Software": None, "Comment": comment or None})
    return out.getvalue()


def _draw(axes: "Axes", answer: HighlightsExport) -> None:
    for moment in answer.moments:
        axes.axvspan(moment.start_s, moment.end_s, color=MOMENT, alpha=0.3, linewidth=0)
        axes.plot([moment.peak_s], [moment.score], marker="o", color=MOMENT, markeredgecolor=CURVE)
        axes.annotate(
            f"{moment.score:.2f}",
            (moment.peak_s, moment.score),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    times_s = [point.time_s for point in answer.tension]
    values = [float("nan") if point.value is None else point.value for point in answer.tension]
    axes.plot(times_s, values, color=CURVE, linewidth=1.5, marker=".", markersize=3)
    highest = max([1.0, *(abs(point.value) for point in answer.tension if point.value is not None)])
    if answer.threshold is not None and abs(answer.threshold) <= _MOST_BEYOND * highest:
        axes.axhline(answer.threshold, color=CURVE, linewidth=0.8, linestyle="--", alpha=0.6)
    end_s = max([answer.media.duration_s or 0.0, 1e-3, *times_s])
    axes.set_xlim(0.0, end_s)
    axes.margins(y=0.15)
    axes.xaxis.set_major_formatter(lambda seconds, _position: _clock(seconds))
    axes.grid(alpha=0.3)
    family = [*korean_fonts(), FALLBACK_FONT]
    axes.set_title(one_line(answer.media.name) if answer.media.name else "", family=family, parse_math=False)
    axes.set_ylabel(one_line(answer.title) if answer.title else "", family=family, parse_math=False)


def _clock(seconds: float) -> str:
    """Minutes and seconds, as players show them."""
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(abs(seconds), 60)
    return f"{sign}{int(minutes)}:{rest:04.1f}" if rest % 1 else f"{sign}{int(minutes)}:{int(rest):02}"


@cache
def korean_fonts() -> tuple[str, ...]:
    """Families that draw Korean, best first: the wheel's, then whichever the system has; none means empty boxes."""
    from matplotlib import font_manager  # noqa: PLC0415 - as above

    fonts = font_manager.fontManager
    package = importlib.util.find_spec(FONT_PACKAGE)
    found: list[str] = []
    for folder in (package.submodule_search_locations or []) if package else []:
        path = Path(folder) / "fonts" / "NanumGothic.ttf"
        if path.is_file():
            fonts.addfont(path)
            found.append(font_manager.FontProperties(fname=path).get_name())
    installed = {font.name for font in fonts.ttflist}
    return tuple(dict.fromkeys([*found, *(name for name in INSTALLED_FONTS if name in installed)]))
