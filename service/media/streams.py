"""Which of a file's streams is the video, as players choose, and what its header says of it."""

from collections import Counter
from fractions import Fraction

import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from service.media.sniff import MediaType

MOST_FRAMES_PER_SECOND = 480.0
_MICROSECONDS = 1_000_000
_NO_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails
_LOOKED_AT_PACKETS = 400
_USUAL_RATE = 30.0
_SLOWEST_S = 1.0


def moving_streams(container: InputContainer) -> list[VideoStream]:
    """The streams of pictures that may move; a sound file's cover is none, nor are thumbnails."""
    return [stream for stream in container.streams.video if not stream.disposition & _NO_VIDEO]


def choose_stream(streams: list[VideoStream], packets: Counter[int]) -> VideoStream:
    """Of several streams the one that players show: one that moves, then the default one, the largest, the first.

    packets: how many of each stream, by its index, lie at the file's beginning: one with a single one is a picture.
    """

    def rank(stream: VideoStream) -> tuple[bool, bool, int]:
        context = stream.codec_context
        area = context.width * context.height if context is not None else 0
        return packets[stream.index] > 1, bool(stream.disposition & Disposition.default), area

    return max(streams, key=rank)


def first_packets(container: InputContainer, streams: list[VideoStream]) -> Counter[int]:
    """How many packets of each of these streams lie among the first of the file."""
    found: Counter[int] = Counter()
    for packet in container.demux(streams):
        if packet.size:
            found[packet.stream.index] += 1
        if found.total() >= _LOOKED_AT_PACKETS or all(found[stream.index] > 1 for stream in streams):
            break
    return found


def time_base(stream: VideoStream) -> Fraction:
    """Seconds of one tick of the stream's timestamps."""
    return stream.time_base or Fraction(1, _MICROSECONDS)


def origin(container: InputContainer, kind: MediaType) -> Fraction:
    """The timestamp that is 0 s: 0 itself, as in `<video>`; where some are below it, the first.

    Those of MPEG-TS count from anywhere: players let them begin at 0 s.
    """
    start = Fraction(container.start_time or 0, _MICROSECONDS)
    return start if kind.demuxer == "mpegts" else min(start, Fraction(0))


def declared_end_s(container: InputContainer, stream: VideoStream, kind: MediaType) -> float | None:
    """Where the stream ends on the timeline, as its header says; None where that does not say it."""
    zero = origin(container, kind)
    if kind.demuxer == "matroska":
        ends_s = [_tagged_s(stream), container.duration and container.duration / _MICROSECONDS]
        return min((end_s - float(zero) for end_s in ends_s if end_s and end_s > 0), default=None)
    if stream.duration and stream.duration > 0:
        return float((stream.duration + (stream.start_time or 0)) * time_base(stream) - zero)
    if container.duration and container.duration > 0:
        return float(Fraction((container.start_time or 0) + container.duration, _MICROSECONDS) - zero)
    return None


def _tagged_s(stream: VideoStream) -> float | None:
    """Matroska's writers note each stream's own end as a tag, as 00:00:03.423000000."""
    text = next((value for name, value in stream.metadata.items() if name.upper().startswith("DURATION")), "")
    hours, *rest = text.split(":")
    try:
        minutes, seconds = rest
        end_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        return None
    return end_s if 0 < end_s < float("inf") else None


def frame_rate(stream: VideoStream) -> float | None:
    """Frames a second on average, as far as the header tells."""
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate is not None and 0 < rate <= MOST_FRAMES_PER_SECOND:
            return float(np.round(float(rate), 6))
    return None


def usual_frame_s(stream: VideoStream) -> float:
    """How long a frame is shown where nothing else says it; a leap of the timestamps makes the average useless."""
    frame_s = 1 / (frame_rate(stream) or _USUAL_RATE)
    guessed = stream.guessed_rate
    if frame_s > _SLOWEST_S and guessed is not None and frame_s > 1 / guessed >= 1 / MOST_FRAMES_PER_SECOND:
        return float(1 / guessed)
    return frame_s
