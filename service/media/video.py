"""Video: frames with exact times, upright, from a file that nobody vouches for. Only workers import this."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from service.errors import SignError
from service.media.boxes import another_begins, boxes_are_whole
from service.media.clock import LEAP_S, Clock, leapt_s
from service.media.decoding import decoded, decoding
from service.media.frame import Frame, Look, display_size, sane_aspect
from service.media.joined import is_joined
from service.media.medium import (
    SHORTER_PART,
    ColorMatrix,
    MediaLimits,
    Medium,
    Orientation,
    check_picture_size,
    too_long,
)
from service.media.packets import FFMPEG_ERRORS, PacketDecoder
from service.media.shown import shown_in
from service.media.side_data import turn_of
from service.media.sniff import MediaType
from service.media.streams import (
    choose_stream,
    declared_end_s,
    first_packets,
    frame_rate,
    moving_streams,
    origin,
    time_base,
    usual_frame_s,
)
from service.media.upright import AS_STORED
from service.track import MediaInfo, Window

_SEEK_FROM_S = 2.0
_SEEKABLE = ("mov", "matroska", "avi")
_MISSING_TAIL_S = 0.5
_DAMAGE_BEFORE_S = 0.5  # MPEG-TS marks the packet before a loss, and decoders give frames later than they read packets
_THREADS = 1  # one process runs on each core: FFmpeg's own threads only get in the other slots' way
_FARTHER_BACK_S = (0.0, 10.0, 60.0)
_DEMUXER_LISTS = {"mov": "mov,mp4,m4a,3gp,3g2,mj2", "matroska": "matroska,webm"}
_LEAPS_TOLD = 10
_BEGINS_WELL = "The video begins well"
_SECOND_FILE = (
    "Another video lies behind this one, as in files that were joined; players show only the first, which was looked "
    "at. Send the other by itself."
)


class _UnnamedFile:
    """A file without a name: PyAV would take a name for a hint, and FFmpeg would open what it names."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.seek = file.seek
        self.tell = file.tell


@dataclass(frozen=True, slots=True)
class _Source:
    """An open file and the stream of it that is shown. joined: others lie behind it of which its header knows nothing.

    unread: another lies behind it that is not read, as players do not read it either. reopen: opens the same file once
    more, for whoever reads ahead.
    """

    container: InputContainer
    stream: VideoStream
    kind: MediaType
    joined: bool
    unread: bool
    reopen: Callable[[], AbstractContextManager[InputContainer]]

    @property
    def is_seekable(self) -> bool:
        """Whether its index leads to the right places."""
        return self.kind.demuxer in _SEEKABLE and not self.joined


class Video:
    """An open video. info, gaps, leaps and warnings are complete once frames() has run to its end.

    gaps: stretches, as far as was read, of which no frame can be decoded: from the end of the last frame before the
    damage to the first one after it. Where frames are merely far apart, as in recordings of screens, there is none.
    leaps: stretches that the timestamps leap over. next_s: the first frame behind the window, once frames() has ended.
    info.duration is the header's; where that has none, the end of what has been decoded so far; corrected at the
    end of the file if the header was wrong.
    """

    def __init__(self, source: _Source, limits: MediaLimits, color: ColorMatrix, orientation: Orientation) -> None:
        self._source = source
        self._stream = stream = source.stream
        self._limits = limits
        self._clock = Clock(origin(source.container, source.kind), usual_frame_s(stream))
        self._packets = PacketDecoder(source.container, stream, cast(str, source.kind.demuxer), self._seconds)
        self._moved = False
        self._sizes: list[tuple[int, int]] = []
        self.gaps: list[Window] = []
        self._ended_s: float | None = None
        self._declared_s = None if source.joined else declared_end_s(source.container, stream, source.kind)
        self._rate = frame_rate(stream)
        self._decoded = self._packets.frames()
        self._first = self._first_frame()
        turn = turn_of(self._first) if orientation == "upright" else AS_STORED
        aspect = sane_aspect(stream.sample_aspect_ratio)
        size = display_size(self._first.width, self._first.height, aspect)
        check_picture_size(*size, limits, "A frame")
        self._look = Look(turn, color, aspect, size)
        self._begins_s = self._seconds(self._first, 0.0)
        width, height = self._look.shown
        self.info = MediaInfo(
            "video", source.kind.format, width, height, self._declared_s, self._rate, start=self._begins_s
        )
        self.decoded = 0
        self.next_s: float | None = None

    @property
    def at_end(self) -> bool:
        """Whether its last frame has been decoded."""
        return self._ended_s is not None

    @property
    def leaps(self) -> tuple[Window, ...]:
        """Stretches that its timestamps leap over, as far as it was read."""
        return tuple(self._clock.leaps)

    @property
    def knows_its_end(self) -> bool:
        """Whether the header can be believed that nothing lies behind its duration: not where files were joined."""
        return self._ended_s is not None or (self._source.is_seekable and self._declared_s is not None)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about what is wrong with the file, as far as it was read."""
        found = []
        if self._packets.damaged:
            found.append(
                f"{self._packets.damaged} of {self._packets.packets} packets are damaged; the answer is from the rest."
            )
        if self._clock.restarts:
            times = "once" if self._clock.restarts == 1 else f"{self._clock.restarts} times"
            found.append(
                f"The video's timestamps begin anew {times}, as in files that were joined; time goes on there."
            )
        elif self._source.unread:
            found.append(_SECOND_FILE)
        if self.leaps:
            told = ", ".join(f"{leap.start_s:.2f} s to {leap.end_s:.2f} s" for leap in self.leaps[:_LEAPS_TOLD])
            found.append(f"Nothing is shown from {told}: the video's timestamps leap there.")
        if len(self._sizes) > 1:
            shown = ", then ".join(f"{width} × {height}" for width, height in self._sizes[:3])
            found.append(f"The video's size changes ({shown}); all of it was looked at in the first.")
        declared = self._declared_s
        if self._ended_s is not None and declared is not None:
            ended_s = max(self._ended_s, self._packets.read_until_s)
            if declared - ended_s > _MISSING_TAIL_S:
                found.append(
                    f"The file says that it lasts until {declared:.3g} s, but its frames end at {self._ended_s:.3g} s; "
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
        shown = decoded(self._timed(self._from(window, counted)), _BEGINS_WELL)
        self.next_s = yield from shown_in(window, shown, self._check, keep_going, counted=counted)

    def leapt_ahead_s(self, window: Window, most_s: float) -> float:
        """How much of the window its timestamps leap over, read from its packets until more than most_s are shown."""
        clock = Clock(origin(self._source.container, self._source.kind), usual_frame_s(self._stream))
        with decoding(_BEGINS_WELL), self._source.reopen() as container:
            stream = container.streams[self._stream.index]
            for packet in container.demux(stream):
                if packet.pts is None or packet.time_base is None:
                    continue
                time_s = clock.tick(float(packet.pts * packet.time_base), 0.0)
                shown = Window(max(window.start_s, self._begins_s), min(window.end_s, time_s))
                if shown.duration_s - leapt_s(clock.leaps, shown) > most_s:
                    break
        return leapt_s(clock.leaps, window)

    def _from(self, window: Window, counted: bool) -> Iterator[VideoFrame]:
        """Frames from the window's start on or before it, or all from the first."""
        far_in = not counted and window.start_s >= self._begins_s + _SEEK_FROM_S and self._source.is_seekable
        if not far_in or not self._seek(window.start_s):
            yield from chain([self._first], self._decoded)
            return
        for back_s in _FARTHER_BACK_S:  # the nearest key frame may be damaged
            decoded = self._packets.frames()
            landed = next(decoded, None)
            if landed is not None and self._seconds(landed, 0.0) <= window.start_s:
                yield from chain([landed], decoded)
                return
            self._seek(max(0.0, window.start_s - back_s))
        self._seek(0.0)  # the file's index is wrong
        yield from self._packets.frames()

    def _seek(self, time_s: float) -> bool:
        """Go to the key frame before a time; False where the file cannot, and nothing has moved."""
        zero = origin(self._source.container, self._source.kind)
        offset = int((Fraction(time_s) + zero) / time_base(self._stream))
        try:
            self._source.container.seek(offset, stream=self._stream, backward=True)
        except FFMPEG_ERRORS:
            return False
        self._moved = True
        self._packets.forget()
        return True

    def _timed(self, stored: Iterator[VideoFrame]) -> Iterator[Frame]:
        """Frames with times that never go back."""
        clock, step = self._clock, 1.0 / (self._rate or 30.0)
        until_s = self._begins_s
        for index, frame in enumerate(stored):
            stamp_s = None if frame.pts is None else float(frame.pts * (frame.time_base or time_base(self._stream)))
            time_s = clock.tick(stamp_s, float((frame.duration or 0) * time_base(self._stream)))
            if (index or not self._moved) and step / 2 < time_s - until_s <= LEAP_S:
                self._note_gap(until_s, time_s)
            until_s = clock.until_s
            self.decoded += 1
            self._note_size(frame)
            if self._declared_s is None:
                self.info = replace(self.info, duration=until_s)
            yield Frame(index, time_s, until_s, self._look, frame)
        self._ended_s = until_s
        if self._declared_s is not None and abs(self._declared_s - until_s) > step / 2:
            self.info = replace(self.info, duration=until_s)

    def _seconds(self, shown: "VideoFrame | Packet[VideoStream]", otherwise: float) -> float:
        if shown.pts is None:
            return otherwise
        return self._clock.seconds(float(shown.pts * (shown.time_base or time_base(self._stream))))

    def _note_gap(self, from_s: float, to_s: float) -> None:
        """Note a stretch without frames, if something was damaged in it or shortly before."""
        damaged_s = self._packets.damaged_s
        if any(from_s - _DAMAGE_BEFORE_S <= time_s < to_s for time_s in damaged_s):
            self.gaps.append(Window(from_s, to_s))
        damaged_s[:] = [time_s for time_s in damaged_s if time_s >= to_s]

    def _note_size(self, frame: VideoFrame) -> None:
        size = display_size(frame.width, frame.height, self._look.pixel_aspect)
        if not self._sizes or size != self._sizes[-1]:
            check_picture_size(frame.width, frame.height, self._limits, "A frame")
            self._sizes.append(size)

    def _check(self, frame: Frame, window: Window) -> None:
        seen = Window(max(window.start_s, self._begins_s), min(frame.time_s, window.end_s))
        if seen.duration_s > self._limits.seconds:
            seen_s = seen.duration_s - leapt_s(self._clock.leaps, seen)
            if seen_s > self._limits.seconds:
                raise too_long(seen_s, self._limits.seconds, SHORTER_PART, is_least=True)

    def _first_frame(self) -> VideoFrame:
        first = next(self._decoded, None)
        if first is not None:
            check_picture_size(first.width, first.height, self._limits, "A frame")
            return first
        if self._packets.damaged:
            packets = "one packet" if self._packets.packets == 1 else f"{self._packets.packets} packets"
            raise SignError("media-corrupt", f"Nothing in the video's {packets} can be decoded.")
        raise SignError("media-no-frames", "The file declares a video, but holds not one frame of it.")


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
    with contextlib.ExitStack() as opened:
        with decoding(_BEGINS_WELL):
            video = _open(medium, kind, limits, color, orientation, opened)
        yield video


def _open(
    medium: Medium,
    kind: MediaType,
    limits: MediaLimits,
    color: ColorMatrix,
    orientation: Orientation,
    opened: contextlib.ExitStack,
) -> Video:
    def reopen() -> AbstractContextManager[InputContainer]:
        return _container(medium, kind)

    container = opened.enter_context(reopen())
    streams = moving_streams(container)
    stream = next(iter(streams), None)
    if len(streams) > 1:
        chosen = choose_stream(streams, first_packets(container, streams))
        container = opened.enter_context(reopen())
        stream = next(one for one in container.streams.video if one.index == chosen.index)
    with Path(medium.path).open("rb") as file:
        if stream is None:
            raise _without_video(container, boxes_are_whole(file, medium.size))
        joined = kind.demuxer == "matroska" and is_joined(file, medium.size)
        unread = kind.demuxer == "mov" and another_begins(file, medium.size)
    _check_stream(stream, limits)
    source = _Source(container, stream, kind, joined, unread, reopen)
    return opened.enter_context(contextlib.closing(Video(source, limits, color, orientation)))


@contextmanager
def _container(medium: Medium, kind: MediaType) -> Iterator[InputContainer]:
    """The file, opened from its beginning."""
    demuxer = cast(str, kind.demuxer)
    options = {"protocol_whitelist": "none", "format_whitelist": _DEMUXER_LISTS.get(demuxer, demuxer)}
    with Path(medium.path).open("rb") as file:
        try:
            container = av.open(_UnnamedFile(file), mode="r", format=demuxer, container_options=options)
        except FFMPEG_ERRORS as error:
            raise SignError(
                "media-corrupt", f"The file begins as {kind.format}, but cannot be read: it is damaged or cut off."
            ) from error
        with container:
            yield container


def _without_video(container: InputContainer, whole: bool) -> SignError:
    if container.streams.audio:
        return SignError("media-no-video", "The file holds only sound.")
    if whole:
        return SignError("media-no-frames", "The file is whole, but holds not one frame.")
    return SignError("media-corrupt", "The file begins well, but no video can be found in it: it is perhaps cut off.")


def _check_stream(stream: VideoStream, limits: MediaLimits) -> None:
    if stream.codec_context is None:
        raise SignError("media-unsupported", "The video is coded in a way that is not known here.")
    check_picture_size(stream.codec_context.width, stream.codec_context.height, limits, "A frame")
    stream.codec_context.thread_count = _THREADS
