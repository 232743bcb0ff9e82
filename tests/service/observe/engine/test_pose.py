"""Heat maps: where they move a point, and where they leave it."""

import numpy as np
import pytest

from service.observe.engine.pose import _refined

CELLS = 64
POINTS = 3


def heat(row: int, column: int, level: float = 20.0) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Maps of POINTS points, cold but for one cell of each."""
    maps = np.full((CELLS, CELLS, POINTS), -60.0, np.float32)
    maps[row, column] = level
    return maps


def refined(place: tuple[float, float], row: int, column: int, level: float = 20.0) -> list[float]:
    places = np.tile(np.array(place), (POINTS, 1))
    moved = _refined(places, heat(row, column, level))
    assert (moved == moved[0]).all()
    return [float(value) for value in moved[0]]


@pytest.mark.parametrize(("row", "column"), [(20, 30), (16, 26), (24, 34)])
def test_a_point_moves_to_the_hot_cell_within_four_cells(row: int, column: int) -> None:
    assert refined((30.5 / CELLS, 20.5 / CELLS), row, column) == pytest.approx([column / CELLS, row / CELLS], abs=1e-6)


@pytest.mark.parametrize(("row", "column", "level"), [(25, 30, 20.0), (20, 35, 20.0), (20, 30, -0.1)])
def test_a_point_stays_where_nothing_near_is_sure(row: int, column: int, level: float) -> None:
    place = (30.5 / CELLS, 20.5 / CELLS)
    assert refined(place, row, column, level) == list(place)


def test_a_point_a_little_below_the_region_counts_and_one_beyond_another_side_does_not() -> None:
    assert refined((30.5 / CELLS, 1.01), 63, 30) == pytest.approx([30 / CELLS, 63 / CELLS], abs=1e-6)
    for place in [(1.01, 0.5), (-0.05, 0.5), (0.5, -0.05), (0.5, 1.2)]:
        assert refined(place, 32, 32) == list(place)


def test_the_hottest_and_the_coldest_maps_overflow_nowhere() -> None:
    maps = np.full((CELLS, CELLS, POINTS), -200.0, np.float32)
    maps[32, 32] = 200.0
    with np.errstate(all="raise"):
        _refined(np.full((POINTS, 2), 0.5), maps)
