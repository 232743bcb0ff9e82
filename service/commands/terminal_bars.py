"""Bars: probabilities as a person reads them on a terminal."""

from collections.abc import Iterable

from rich.cells import cell_len

from service.export.text import one_line

CELLS = 50
FULL, EMPTY = "█", "░"


def terminal_bars(shares: Iterable[tuple[str, float]]) -> str:
    """One line for each label and its probability, the most probable first; Korean takes two columns a letter."""
    ranked = [(one_line(label), share) for label, share in sorted(shares, key=lambda entry: -entry[1])]
    width = max((cell_len(label) for label, _ in ranked), default=0)
    return "".join(f"{label}{' ' * (width - cell_len(label))}  {bar(share)}  {share:7.2%}\n" for label, share in ranked)


def bar(share: float) -> str:
    """A share of 0 to 1 as full and empty cells."""
    full = round(min(max(share, 0.0), 1.0) * CELLS)
    return FULL * full + EMPTY * (CELLS - full)
