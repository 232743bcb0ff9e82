"""Turning stored frames upright."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.media.upright import AS_STORED, read_turn
from tests.media_made import MATRICES, corners, stored_as


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_of_the_eight_turns_gives_the_upright_picture(orientation: int) -> None:
    a, b, c, d = (65536 * value for value in MATRICES[orientation])
    turn = read_turn(struct.pack("=9i", a, b, 0, c, d, 0, 0, 0, 1 << 30))
    stored = stored_as(corners(), orientation)
    assert np.array_equal(turn.apply(stored), corners())
    assert turn.size(stored.shape[1], stored.shape[0]) == (64, 48)


@given(st.binary(max_size=60))
def test_any_matrix_turns_a_picture_to_one_of_the_same_pixels(matrix: bytes) -> None:
    stored = corners()
    turned = read_turn(matrix).apply(stored)
    assert turned.flags.c_contiguous
    assert sorted(turned.reshape(-1, 3).tolist()) == sorted(stored.reshape(-1, 3).tolist())


def test_without_a_whole_matrix_nothing_is_turned() -> None:
    assert read_turn(b"") == AS_STORED
