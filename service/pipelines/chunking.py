"""Chunks: how a part of a medium is looked at piece after piece, so that little of it is held at a time."""

from dataclasses import dataclass, replace

import numpy as np

from service.media.sampling import DeferredSampling, Sampling, samples_per_second
from service.track import TimeArray, Track, merge_windows

WARM_UP_S = 2.0
"""How much of the chunk before is looked at again, so that a tracker which starts afresh has settled by then."""

CHUNK_BYTES = 32 * 1024 * 1024
"""Pixels of one chunk, if those are more than LEAST_FRAMES."""

LEAST_FRAMES = 64


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """How much may be looked at in one go.

    end_s: where the part is to end, infinite where it ends with the medium. pixel_bytes: most that a worker keeps.
    chunk_s: how long a chunk is to be, if memory allows; None: as long as it allows.
    """

    end_s: float
    pixel_bytes: int
    chunk_s: float | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """How far a part has been looked at, and scored.

    covered_s: all sampled frames before this time have been seen. context: what is still needed of the chunks before,
    None before the first. scored: how many windows have been, the last of them from last_s on. end_s: where the part
    ends, once that is known.
    """

    covered_s: float
    context: Track | None = None
    scored: int = 0
    last_s: float | None = None
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is looked at in one go: the frames of [start_s, until_s) that `sampling` chooses.

    is_whole: the part is one answer, and this chunk is all of it.
    """

    start_s: float
    until_s: float
    sampling: Sampling | DeferredSampling
    is_whole: bool = False

    @property
    def duration_s(self) -> float:
        return self.until_s - self.start_s


def chunk_length_s(kept_bytes: int, sampling: Sampling, limits: ChunkLimits) -> float:
    """How many seconds of samples a chunk brings that are new: less than asked for where they take much memory."""
    chunk_s = float("inf") if limits.chunk_s is None else limits.chunk_s
    if not kept_bytes:
        return chunk_s
    rate = samples_per_second(sampling)
    most = limits.pixel_bytes / kept_bytes - WARM_UP_S * rate
    return min(chunk_s, min(max(LEAST_FRAMES, CHUNK_BYTES / kept_bytes), max(most, 1)) / rate)


def warm_up_from(position: Position) -> float:
    """Where the next chunk begins: at a sampled frame, so that whoever counts frames goes on counting alike."""
    if position.context is None:
        return position.covered_s
    times_s = position.context.times_s
    recent = times_s[times_s >= position.covered_s - WARM_UP_S]
    return float(recent[0]) if len(recent) else max(0.0, position.covered_s - WARM_UP_S)


def after_context(track: Track, position: Position) -> Track:
    """What of a track lies behind all that was seen before."""
    if (context := position.context) is None:
        return track
    last_s = float(context.times_s[-1]) if len(context) else np.nextafter(position.covered_s, -np.inf)
    return track.only(track.times_s > last_s)


def without_pixels(track: Track, earlier: Track | None) -> Track:
    """What two chunks of a part looked at, as times alone; the medium is as the later one knows it."""
    if earlier is None:
        times_s, decoded_s, gaps, leaps = track.times_s, decoded(track), track.gaps, track.leaps
    else:
        times_s = np.union1d(earlier.times_s, track.times_s)
        decoded_s = np.union1d(decoded(earlier), decoded(track))
        gaps = merge_windows(*earlier.gaps, *track.gaps)
        leaps = merge_windows(*earlier.leaps, *track.leaps)
    nothing, there = np.zeros((len(times_s), 0), np.uint8), np.ones(len(times_s), bool)
    return replace(track, times_s=times_s, values=nothing, present=there, gaps=gaps, leaps=leaps, decoded_s=decoded_s)


def decoded(track: Track) -> TimeArray:
    """The times of all frames among which those of the track were chosen."""
    return track.times_s if track.decoded_s is None else track.decoded_s
