"""Probabilities as bars."""

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from service.commands.terminal_bars import CELLS, EMPTY, FULL, terminal_bars


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text(min_size=1), st.floats(0, 1)), min_size=1))
def test_every_line_is_as_wide_as_the_others_and_the_best_is_first(shares: list[tuple[str, float]]) -> None:
    lines = terminal_bars(shares).splitlines()
    assert len(lines) == len(shares)
    assert len({cell_len(line) for line in lines}) == 1
    shown = [float(line.rpartition(" ")[2].rstrip("%")) for line in lines]
    assert shown == sorted(shown, reverse=True)


def test_korean_is_aligned_and_cells_are_full_by_halves_of_two_percent() -> None:
    assert terminal_bars([("A", 0.25), ("왼쪽", 0.7549)]) == (
        f"왼쪽  {FULL * 38}{EMPTY * 12}   75.49%\nA     {FULL * 12}{EMPTY * 38}   25.00%\n"
    )
    assert terminal_bars([("A", 1.0)]) == f"A  {FULL * CELLS}  100.00%\n"
