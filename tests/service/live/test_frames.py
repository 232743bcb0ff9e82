"""Binary messages: any bytes are a frame or are said not to be one."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.live.frames import HEADER, LATEST_S, BrokenFrameError, FrameReader, looks_like_picture

PICTURES = st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\x01\x02\x03\x04WEBP"])
TIMES = st.floats(0, LATEST_S)


@given(st.integers(0, 2**32 - 1), TIMES, PICTURES, st.binary(max_size=64))
@example(0x00FFD8FF, 0.0, b"\xff\xd8\xff", b"")
def test_what_is_packed_is_read(seq: int, time_s: float, start: bytes, rest: bytes) -> None:
    """Also where the header's own bytes look like a picture."""
    frame = FrameReader(0.0).read(struct.pack("<Id", seq, time_s) + start + rest, 5.0)
    assert (frame.seq, frame.time_s, frame.picture, frame.arrived_s) == (seq, time_s, start + rest, 5.0)


@given(st.integers(0, 2**32 - 1), PICTURES, st.floats(0, 1e6), st.floats(0, 1e6))
def test_a_bare_picture_has_the_next_number_and_its_arrival(
    seq: int, start: bytes, began_s: float, passed_s: float
) -> None:
    reader = FrameReader(began_s)
    assert reader.read(start + bytes(20), began_s).seq == 0
    reader.read(struct.pack("<Id", seq, 0.0) + start, began_s)
    frame = reader.read(start + bytes(20), began_s + passed_s)
    assert frame.seq == (seq + 1) % 2**32
    assert frame.time_s == pytest.approx(passed_s, abs=1e-6)
    assert frame.picture == start + bytes(20)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_broken(message: bytes) -> None:
    try:
        frame = FrameReader(0.0).read(message, 1.0)
    except BrokenFrameError as error:
        assert str(error)
    else:
        assert looks_like_picture(frame.picture)
        assert 0 <= frame.time_s <= LATEST_S


@given(st.one_of(st.floats(max_value=-1e-9), st.floats(min_value=LATEST_S * 1.0001), st.just(float("nan"))))
def test_a_time_that_cannot_be_is_broken(time_s: float) -> None:
    with pytest.raises(BrokenFrameError, match="time_s"):
        FrameReader(0.0).read(HEADER.pack(1, time_s) + b"\xff\xd8\xff", 0.0)
