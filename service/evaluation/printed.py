"""An evaluation as text for a terminal: figures, a table by class, the confusion matrix; Korean aligned."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len

from service.evaluation.figures import Figures, confused
from service.export.text import one_line

MOST_COLUMNS: Final = 40
"""Of more labels than these no matrix is printed; the confused pairs are."""

_PAIRS: Final = 10
_DECLINED: Final = "declined"


def figures_text(result: Figures, threshold: float) -> str:
    """All that a person wants to know at once."""
    lines = [
        f"clips               {result.clips}",
        f"accuracy            {result.accuracy:.4f}   (the most probable label, whatever the threshold)",
        f"macro F1            {result.macro_f1:.4f}   (mean over the {len(result.classes)} labels in the data)",
        f"coverage            {result.coverage:.4f}   (answered at the threshold {threshold:g})",
        f"right of answered   {_decimal(result.right_of_answered)}",
        f"answered rightly    {result.right_of_all:.4f}",
    ]
    parts = ["\n".join(lines), _by_class(result)]
    if len(result.labels) <= MOST_COLUMNS:
        parts.append(_matrix(result))
    if pairs := confused(result)[:_PAIRS]:
        parts.append("\n".join(["most confused:", *(f"  {true} taken for {said}: {n}" for true, said, n in pairs)]))
    return "\n\n".join(parts) + "\n"


def _by_class(result: Figures) -> str:
    rows = [
        (one_line(entry.label), str(entry.clips), str(entry.answered), *map(_decimal, (entry.precision, entry.recall)),
         _decimal(entry.f1))
        for entry in result.classes
    ]  # fmt: skip
    return _aligned([("label", "clips", "answered", "precision", "recall", "F1"), *rows])


def _matrix(result: Figures) -> str:
    names = [one_line(label) for label in result.labels]
    rows = [
        (name, *(str(count) if count else "·" for count in counts))
        for name, counts in zip(names, result.confusion.tolist(), strict=True)
        if any(counts)
    ]
    return "true label ↓, answer →\n" + _aligned([("", *names, _DECLINED), *rows])


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """The first column from the left, the others from the right; a letter may be two columns wide."""
    widths = [max(cell_len(row[at]) for row in rows) for at in range(len(rows[0]))]

    def padded(row: Sequence[str]) -> str:
        first = row[0] + " " * (widths[0] - cell_len(row[0]))
        others = (" " * (width - cell_len(cell)) + cell for cell, width in zip(row[1:], widths[1:], strict=True))
        return "  ".join((first, *others)).rstrip()

    return "\n".join(padded(row) for row in rows)


def _decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
