"""Binary messages: a header and a picture, or a picture alone."""

import math
import struct
from dataclasses import dataclass

HEADER = struct.Struct("<Id")
LATEST_S = 4e9
"""No frame is later: beyond it (the year 2096, should times be Unix times) doubles are too coarse for sampling."""

_MOST_SEQ = 2**32


class BrokenFrameError(Exception):
    """A message that holds no frame, and why."""


@dataclass(frozen=True, slots=True)
class SentFrame:
    """One frame as it came: its number and time (seconds, the sender's clock), and an encoded picture.

    arrived_s: when it came, by this process's monotonic clock.
    """

    seq: int
    time_s: float
    picture: bytes
    arrived_s: float


def looks_like_picture(data: bytes) -> bool:
    """Whether bytes begin as a JPEG, PNG or WebP picture does."""
    return data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")


class FrameReader:
    """Reads a session's binary messages. began_s: the monotonic time that pictures without a header count from."""

    def __init__(self, began_s: float) -> None:
        self._began_s = began_s
        self._seq = -1

    def read(self, message: bytes, arrived_s: float) -> SentFrame:
        """The frame in a message; BrokenFrameError where there is none.

        A picture behind twelve bytes is a frame with a header, even where the header itself looks like a picture's
        beginning; no picture has another one there. One without a header has the next number and its time of arrival.
        """
        picture = message[HEADER.size :]
        if looks_like_picture(picture):
            seq, time_s = HEADER.unpack_from(message)
            if not (math.isfinite(time_s) and 0 <= time_s <= LATEST_S):
                raise BrokenFrameError(f"time_s is {time_s:g}; it must lie between 0 and {LATEST_S:g} s.")
        elif looks_like_picture(message[: HEADER.size]):
            seq, time_s, picture = (self._seq + 1) % _MOST_SEQ, arrived_s - self._began_s, message
        else:
            raise BrokenFrameError(
                "Send uint32 seq and float64 time_s (little-endian, 12 bytes), then a JPEG, PNG or WebP picture."
            )
        self._seq = seq
        return SentFrame(seq, time_s, picture, arrived_s)
