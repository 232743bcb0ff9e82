"""Judging: from what was seen in a medium to a model's probabilities for windows of it."""

import asyncio
import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from service.analysis.looking import Look
from service.pipelines import read, series
from service.pipelines.reading import Reading, WindowRows
from service.pipelines.series import SeriesSection
from service.track import FloatArray, TimeArray, Track, Window


@dataclass(frozen=True, slots=True)
class Judged:
    """A window and its C probabilities; None where it shows no evidence.

    votes: R × C probabilities of the single rows that voted for them, at times_s; none of a model of sequences.
    outputs: R × N numbers that the graph gave for these rows, before temperature and activation.
    """

    window: Window
    probabilities: FloatArray | None
    votes: FloatArray | None
    times_s: TimeArray
    warnings: tuple[str, ...]
    outputs: FloatArray


async def judge(seen: Look, windows: list[Window]) -> list[Judged]:
    """The model's probabilities for each window; a row that several windows need goes through it once."""
    reading = await seen.timed("tensor", lambda: read(seen.eye, seen.track, windows))
    async with seen.deadline.enforced():
        raw = await _outputs(seen, reading)
        if isinstance(seen.section, SeriesSection):
            return await _heads_answers(seen, seen.section, windows, reading, raw)
    return await asyncio.to_thread(_own_answers, seen, windows, reading, raw)


async def _outputs(seen: Look, reading: Reading) -> FloatArray:
    """R × C numbers of the model that looks at the medium, batch after batch, so that few rows exist at a time."""
    size = min(seen.looker.most_rows, reading.at_once or seen.looker.most_rows)
    pieces = []
    for start in range(0, reading.count, size):
        stop = min(start + size, reading.count)
        rows = await seen.timed("tensor", partial(reading.make, start, stop))
        began = time.perf_counter()
        pieces.append(await seen.looker.outputs(rows))
        seen.spent("inference", began)
    return np.concatenate(pieces) if pieces else np.zeros((0, seen.looker.width), np.float32)


def _own_answers(seen: Look, windows: list[Window], reading: Reading, raw: FloatArray) -> list[Judged]:
    """Where the model that looks is the one that answers: the rows of a window vote."""
    lengths = [len(entry.seen) for entry in reading.windows]
    gathered = raw[[place for entry in reading.windows for place in entry.seen]]
    scores = seen.model.votes(gathered, lengths)
    outputs = np.split(gathered, np.cumsum(lengths)[:-1])
    single = seen.model.each(raw) if seen.eye.votes else None
    return [
        Judged(
            window,
            probabilities if entry.seen else None,
            None if single is None else single[entry.seen],
            entry.seen_times_s,
            entry.warnings,
            own,
        )
        for window, entry, probabilities, own in zip(windows, reading.windows, scores, outputs, strict=True)
    ]


async def _heads_answers(
    seen: Look, section: SeriesSection, windows: list[Window], reading: Reading, raw: FloatArray
) -> list[Judged]:
    """Where a head answers from what the other model gave for each window's steps."""
    rows = await seen.timed(
        "tensor",
        lambda: [
            series.tensor(_outputs_track(entry, raw, seen.track), Window(-np.inf, np.inf), section)
            for entry in reading.windows
        ],
    )
    began = time.perf_counter()
    lengths = [len(one) for one in rows]
    raw_answers = await seen.model.raw(rows)
    scores = seen.model.votes(raw_answers, lengths)
    seen.spent("inference", began)
    outputs = np.split(raw_answers, np.cumsum(lengths)[:-1])
    return [
        Judged(window, probabilities if len(one) else None, None, one.times_s, (*entry.warnings, *one.warnings), own)
        for window, entry, one, probabilities, own in zip(windows, reading.windows, rows, scores, outputs, strict=True)
    ]


def _outputs_track(entry: WindowRows, raw: FloatArray, seen: Track) -> Track:
    """A window's steps with the other model's outputs, zeros where nothing was seen."""
    present = np.array([place is not None for place in entry.places], bool)
    values = np.zeros((len(present), raw.shape[1]), np.float32)
    values[present] = raw[entry.seen]
    return Track(entry.times_s, values, present, seen.media)
