"""Video: frames with exact times, upright, from a file that nobody vouches for. Only workers import this."""

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

import av
import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation
from av.video.stream import VideoStream

from service.errors import SignError
from service.media.boxes import boxes_are_whole
from service.media.medium import SHORTER_PART, ColorMatrix, MediaLimits, Medium, Orientation, too_long
from service.media.sniff import MediaType
from service.media.upright import AS_STORED, Pixels, Turn, read_turn
from service.track import MediaInfo, Window

MOST_FRAMES_PER_SECOND = 480.0
_SEEK_FROM_S = 2.0
_SEEKABLE = ("mov", "matroska", "avi")
_MICROSECONDS = 1_000_000
_MISSING_TAIL_S = 0.5
_DAMAGE_BEFORE_S = 0.5  # MPEG-TS marks the packet before a loss, and decoders give frames later than they read packets
_MOST_BETWEEN_PACKETS = 1024  # bytes; headers of blocks and clusters take less than 30
_THREADS = 1  # one process runs on each core: FFmpeg's own threads only get in the other slots' way
_FARTHER_BACK_S = (0.0, 10.0, 60.0)
_DEMUXER_LISTS = {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}


# FFmpeg's errors are OSErrors or ValueErrors by their number; a few come without PyAV's own class.
_FFMPEG_ERRORS = (av.error.FFmpegError, OSError, ValueError)


class _UnnamedFile:
    """A file without a name: PyAV would take a name for a hint, and FFmpeg would open what it names."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame, turned and converted to RGB only when its pixels are asked for.

    index: how many frames were decoded before it since the first or since the last seek. time_s: from the medium's
    start. until_s: when it ends, as far as the file says.
    """

    index: int
    time_s: float
    until_s: float
    turn: Turn
    color: ColorMatrix
    stored: VideoFrame

    def pixels(self) -> Pixels:
        """The upright picture, H × W × 3, RGB."""
        if self.color == "bt601":
            rgb = self.stored.reformat(  # OpenCV's arithmetic: bicubic where colors are stored at half of an odd height
                format="rgb24",
                src_colorspace=Colorspace.ITU601,
                dst_colorspace=Colorspace.ITU601,
                interpolation=Interpolation.BICUBIC,
                threads=_THREADS,
            )
        else:
            rgb = self.stored.reformat(format="rgb24", threads=_THREADS)
        return self.turn.apply(cast(Pixels, rgb.to_ndarray()))


class Video:
    """An open video. info, gaps and warnings are complete once frames() has run to its end.

    gaps: stretches, as far as was read, of which no frame can be decoded: from the end of the last frame before the
    damage to the first one after it. Where frames are merely far apart, as in recordings of screens, there is none.
    info.duration is the header's; where that has none, the end of what has been decoded so far; corrected at the
    end of the file if the header was wrong.
    """

    def __init__(
        self,
        container: InputContainer,
        stream: VideoStream,
        kind: MediaType,
        limits: MediaLimits,
        color: ColorMatrix,
        orientation: Orientation,
    ) -> None:
        self._container = container
        self._stream = stream
        self._kind = kind
        self._limits = limits
        self._color = color
        self._start = Fraction(container.start_time or 0, _MICROSECONDS)
        self._packets = 0
        self._damaged = 0
        self._damaged_s: list[float] = []
        self._sound = False
        self._moved = False
        self.gaps: list[Window] = []
        self._ended_s: float | None = None
        self._declared_s = _declared_duration_s(container, stream, self._start)
        self._rate = _frame_rate(stream)
        self._decoded = self._decode()
        self._first = self._first_frame()
        self._turn = _turn(self._first) if orientation == "upright" else AS_STORED
        width, height = self._turn.size(self._first.width, self._first.height)
        self.info = MediaInfo("video", kind.format, width, height, self._declared_s, self._rate)
        self.decoded = 0

    @property
    def at_end(self) -> bool:
        """Whether its last frame has been decoded."""
        return self._ended_s is not None

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what is wrong with the file, as far as it was read."""
        found = []
        if self._damaged:
            found.append(f"{self._damaged} of {self._packets} packets are damaged; the answer is from the rest.")
        declared = self._declared_s
        if self._ended_s is not None and declared is not None and declared - self._ended_s > _MISSING_TAIL_S:
            found.append(
                f"The file says that it lasts {declared:.3g} s, but its frames end at {self._ended_s:.3g} s; "
                "it was perhaps cut off."
            )
        return tuple(found)

    def close(self) -> None:
        """Let go of what was decoded last: else it stays, with its decoder, until garbage is collected."""
        self._decoded.close()

    def frames(
        self, window: Window, counted: bool = False, keep_going: Callable[[], None] = lambda: None
    ) -> Iterator[Frame]:
        """The frames shown in the window, in order; once only.

        The first is the last one shown by window.start_s, the last the first one after the window, so that a
        sampler knows how long each is shown. `counted` gives every frame from the first of the file on, for samplers
        that count; else a start far in is sought. keep_going is called for each decoded frame and may raise.
        """
        before: Frame | None = None
        for frame in self._timed(self._source(window, counted)):
            keep_going()
            self._check(frame, window)
            if counted or frame.time_s > window.start_s:
                if before is not None:
                    yield before
                    before = None
                yield frame
            else:
                before = frame
            if frame.time_s >= window.end_s:
                return
        if before is not None:
            yield before

    def _source(self, window: Window, counted: bool) -> Iterator[VideoFrame]:
        far_in = not counted and window.start_s >= _SEEK_FROM_S and self._kind.demuxer in _SEEKABLE
        if not far_in or not self._seek(window.start_s):
            return chain([self._first], self._decoded)
        for back_s in _FARTHER_BACK_S:  # the nearest key frame may be damaged
            decoded = self._decode()
            landed = next(decoded, None)
            if landed is not None and self._seconds(landed, 0.0) <= window.start_s:
                return chain([landed], decoded)
            self._seek(max(0.0, window.start_s - back_s))
        self._seek(0.0)  # the file's index is wrong
        return self._decode()

    def _seek(self, time_s: float) -> bool:
        """Go to the key frame before a time; False where the file cannot, and nothing has moved."""
        offset = int((Fraction(time_s) + self._start) / _time_base(self._stream))
        try:
            self._container.seek(offset, stream=self._stream, backward=True)
        except _FFMPEG_ERRORS:
            return False
        self._moved, self._sound = True, False
        self._damaged_s.clear()
        return True

    def _timed(self, stored: Iterator[VideoFrame]) -> Iterator[Frame]:
        """Frames with times that never go back; the turn is that of the first frame."""
        step = 1.0 / (self._rate or 30.0)
        time_s = until_s = 0.0
        for index, frame in enumerate(stored):
            time_s = max(time_s, self._seconds(frame, until_s)) if index else self._seconds(frame, 0.0)
            if (index or not self._moved) and time_s - until_s > step / 2:
                self._note_gap(until_s, time_s)
            lasts = float(frame.duration * _time_base(self._stream)) if frame.duration else step
            until_s = time_s + lasts
            self.decoded += 1
            if self._declared_s is None:
                self.info = replace(self.info, duration=until_s)
            yield Frame(index, time_s, until_s, self._turn, self._color, frame)
        self._ended_s = until_s
        if self._declared_s is not None and abs(self._declared_s - until_s) > step / 2:
            self.info = replace(self.info, duration=until_s)

    def _seconds(self, shown: "VideoFrame | Packet[VideoStream]", otherwise: float) -> float:
        if shown.pts is None:
            return otherwise
        return float(shown.pts * (shown.time_base or _time_base(self._stream)) - self._start)

    def _note_gap(self, from_s: float, to_s: float) -> None:
        """Note a stretch without frames, if something was damaged in it or shortly before."""
        if any(from_s - _DAMAGE_BEFORE_S <= time_s < to_s for time_s in self._damaged_s):
            self.gaps.append(Window(from_s, to_s))
        self._damaged_s = [time_s for time_s in self._damaged_s if time_s >= to_s]

    def _check(self, frame: Frame, window: Window) -> None:
        _check_pixels(frame.stored.width, frame.stored.height, self._limits)
        seen_s = min(frame.time_s, window.end_s) - window.start_s
        if seen_s > self._limits.seconds:
            raise too_long(seen_s, self._limits.seconds, SHORTER_PART, is_least=True)

    def _first_frame(self) -> VideoFrame:
        first = next(self._decoded, None)
        if first is not None:
            _check_pixels(first.width, first.height, self._limits)
            return first
        if self._damaged:
            raise SignError("media-corrupt", f"None of the video's {self._packets} packets can be decoded.")
        raise SignError("media-no-frames", "The file declares a video, but holds not one frame of it.")

    def _decode(self) -> Generator[VideoFrame]:
        """What can be decoded; damaged packets are counted and passed over."""
        tells_losses = self._kind.demuxer != "matroska"
        packets: Iterator[Packet[VideoStream]]
        packets = self._container.demux(self._stream) if tells_losses else self._all_packets()
        time_s = 0.0
        while True:
            try:
                packet = next(packets, None)
            except _FFMPEG_ERRORS:
                self._packets += 1
                self._note_damage(time_s)
                packet = None
            if packet is None:
                return
            self._packets += packet.size > 0
            time_s = self._seconds(packet, time_s)
            if packet.is_corrupt:
                self._damaged_s.append(time_s)
            try:
                frames = packet.decode()
            except av.error.EOFError:
                return
            except _FFMPEG_ERRORS:
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

        Bytes between two packets that belong to neither are lost ones; sound is read along to know its share.
        """
        end: int | None = None
        time_s = 0.0
        for packet in self._container.demux():
            if packet.pos is not None and packet.pos >= 0:
                if end is not None and packet.pos - end > _MOST_BETWEEN_PACKETS:
                    self._damaged_s.append(time_s)
                end = packet.pos + packet.size
            if packet.stream is self._stream:
                wanted = cast("Packet[VideoStream]", packet)
                time_s = self._seconds(wanted, time_s)
                yield wanted

    def _note_damage(self, time_s: float) -> None:
        """Note that a packet or a frame is damaged."""
        self._damaged += 1
        self._damaged_s.append(time_s)


@contextmanager
def open_video(
    medium: Medium,
    kind: MediaType,
    limits: MediaLimits,
    color: ColorMatrix = "tagged",
    orientation: Orientation = "upright",
) -> Iterator[Video]:
    """Open a video with the one demuxer that its bytes call for, and nothing else.

    Sizes in the header are checked before anything is decoded. Raises SignError: media-corrupt, media-no-video,
    media-no-frames, picture-too-large.
    """
    demuxer = cast(str, kind.demuxer)
    options = {"protocol_whitelist": "none", "format_whitelist": _DEMUXER_LISTS.get(demuxer, demuxer)}
    with Path(medium.path).open("rb") as file:
        try:
            container = av.open(_UnnamedFile(file), mode="r", format=demuxer, container_options=options)
        except _FFMPEG_ERRORS as error:
            raise SignError(
                "media-corrupt", f"The file begins as {kind.format}, but cannot be read: it is damaged or cut off."
            ) from error
        with container:
            stream = _video_stream(container)
            if stream is None:
                raise _without_video(container, boxes_are_whole(file, medium.size))
            _check_stream(stream, limits)
            with contextlib.closing(Video(container, stream, kind, limits, color, orientation)) as video:
                yield video


def _video_stream(container: InputContainer) -> VideoStream | None:
    """The first stream of pictures that move; a sound file's cover is none."""
    return next((s for s in container.streams.video if not s.disposition & Disposition.attached_pic), None)


def _without_video(container: InputContainer, whole: bool) -> SignError:
    if container.streams.audio:
        return SignError("media-no-video", "The file holds only sound.")
    if whole:
        return SignError("media-no-frames", "The file is whole, but holds not one frame.")
    return SignError("media-corrupt", "The file begins well, but no video can be found in it: it is perhaps cut off.")


def _check_stream(stream: VideoStream, limits: MediaLimits) -> None:
    if stream.codec_context is None:
        raise SignError("media-unsupported", "The video is coded in a way that is not known here.")
    _check_pixels(stream.codec_context.width, stream.codec_context.height, limits)
    stream.codec_context.thread_count = _THREADS


def _check_pixels(width: int, height: int, limits: MediaLimits) -> None:
    if width * height > limits.frame_pixels:
        raise SignError(
            "picture-too-large",
            f"A frame has {width} × {height} = {width * height} pixels; {limits.frame_pixels} at most are taken.",
            limit=limits.frame_pixels,
            actual=width * height,
        )


def _turn(frame: VideoFrame) -> Turn:
    for data in cast(Iterable[SideData], frame.side_data.keys()):  # PyAV: this mapping's keys are its values
        if data.type is SideDataType.DISPLAYMATRIX:
            return read_turn(bytes(data))
    return AS_STORED


def _time_base(stream: VideoStream) -> Fraction:
    return stream.time_base or Fraction(1, _MICROSECONDS)


def _declared_duration_s(container: InputContainer, stream: VideoStream, start: Fraction) -> float | None:
    if stream.duration and stream.duration > 0:
        end = (stream.duration + (stream.start_time or 0)) * _time_base(stream)
        return float(end - start)
    if container.duration and container.duration > 0:
        return container.duration / _MICROSECONDS
    return None


def _frame_rate(stream: VideoStream) -> float | None:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate is not None and 0 < rate <= MOST_FRAMES_PER_SECOND:
            return float(np.round(float(rate), 6))
    return None
