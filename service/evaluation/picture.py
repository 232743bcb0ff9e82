"""The confusion matrix as a picture."""

from typing import TYPE_CHECKING, Final

import numpy as np

from service.evaluation.figures import Figures
from service.export.png import FALLBACK_FONT, draw_png, korean_fonts
from service.export.text import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DECLINED: Final = "(declined)"
MOST_NUMBERS: Final = 40
"""Up to so many labels the counts stand in the cells."""

_INCHES_A_LABEL: Final = 0.32
_LEAST_INCHES, _MOST_INCHES = 4.0, 40.0


def confusion_png(result: Figures) -> bytes:
    """True labels from top to bottom, answers from left to right; a cell is the darker the more of its row it holds."""
    side = min(max(_LEAST_INCHES, 2.0 + _INCHES_A_LABEL * (len(result.labels) + 1)), _MOST_INCHES)
    return draw_png((side + 0.5, side), lambda axes: _draw(axes, result))


def _draw(axes: "Axes", result: Figures) -> None:
    counts = result.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=1.0, aspect="auto", interpolation="nearest")
    family = [*korean_fonts(), FALLBACK_FONT]
    names = [one_line(label) for label in result.labels]
    size = 9 if len(names) <= 100 else 4
    axes.set_xticks(range(len(names) + 1), [*names, DECLINED], rotation=90, family=family, fontsize=size)
    axes.set_yticks(range(len(names)), names, family=family, fontsize=size)
    for text in (*axes.get_xticklabels(), *axes.get_yticklabels()):
        text.set_parse_math(False)
    axes.set_xlabel("answer")
    axes.set_ylabel("true label")
    axes.set_title(f"{result.clips} clips, accuracy {result.accuracy:.3f}, answered {result.coverage:.3f}", fontsize=10)
    if len(names) > MOST_NUMBERS:
        return
    for row, column in zip(*np.nonzero(counts), strict=True):
        dark = shares[row, column] > 0.5
        axes.text(
            column, row, str(counts[row, column]), ha="center", va="center",
            fontsize=8, color="white" if dark else "black",
        )  # fmt: skip
