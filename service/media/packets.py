"""Decoding packet by packet: what is damaged is counted and passed over."""

from collections.abc import Callable, Generator, Iterator
from typing import cast

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

_MOST_BETWEEN_PACKETS = 1024  # bytes; headers of blocks and clusters take less than 30

# FFmpeg's errors are OSErrors or ValueErrors by their number; a few come without PyAV's own class.
FFMPEG_ERRORS = (av.error.FFmpegError, OSError, ValueError)

Seconds = Callable[["VideoFrame | Packet[VideoStream]", float], float]
"""Where a frame or packet lies on the timeline; the second number where it does not say it."""


class PacketDecoder:
    """Decodes one stream of a container, from wherever that stands.

    packets, damaged: how many were read, and were damaged. damaged_s: when, as far as is known. read_until_s: where
    the last packet of any stream ends that was read.
    """

    def __init__(self, container: InputContainer, stream: VideoStream, demuxer: str, seconds: Seconds) -> None:
        self._container = container
        self._stream = stream
        self._reads_all = demuxer == "matroska"
        self._seconds = seconds
        self._sound = False
        self.packets = 0
        self.damaged = 0
        self.damaged_s: list[float] = []
        self.read_until_s = float("-inf")

    def forget(self) -> None:
        """What was read lies elsewhere now: decoding begins anew."""
        self._sound = False
        self.damaged_s.clear()

    def frames(self) -> Generator[VideoFrame]:
        """What can be decoded."""
        packets: Iterator[Packet[VideoStream]]
        packets = self._all_packets() if self._reads_all else self._container.demux(self._stream)
        time_s = 0.0
        while True:
            try:
                packet = next(packets, None)
            except FFMPEG_ERRORS:
                self.packets += 1
                self._note_damage(time_s)
                packet = None
            if packet is None:
                return
            self.packets += packet.size > 0
            time_s = self._seconds(packet, time_s)
            if packet.is_corrupt:
                self.damaged_s.append(time_s)
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except FFMPEG_ERRORS:
                self._note_damage(time_s)
                continue
            for frame in frames:
                if frame.is_corrupt and self._sound:  # those before lack what they refer to, after a jump
                    self._note_damage(self._seconds(frame, time_s))
                    continue
                self._sound |= not frame.is_corrupt
                yield frame

    def _all_packets(self) -> "Iterator[Packet[VideoStream]]":
        """The video's packets from a file whose demuxer passes over damage without a word.

        Bytes between two packets that belong to neither are lost ones; sound is read along to know its share, and
        whether the file goes on where the picture ends.
        """
        end: int | None = None
        time_s = 0.0
        for packet in self._container.demux():
            if packet.pos is not None and packet.pos >= 0:
                if end is not None and packet.pos - end > _MOST_BETWEEN_PACKETS:
                    self.damaged_s.append(time_s)
                end = packet.pos + packet.size
            if packet.pts is not None:
                until_s = self._seconds(cast("Packet[VideoStream]", packet), 0.0)
                self.read_until_s = max(self.read_until_s, until_s)
            if packet.stream is self._stream:
                wanted = cast("Packet[VideoStream]", packet)
                time_s = self._seconds(wanted, time_s)
                yield wanted

    def _note_damage(self, time_s: float) -> None:
        """Note that a packet or a frame is damaged."""
        self.damaged += 1
        self.damaged_s.append(time_s)
