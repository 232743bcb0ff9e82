"""Judging: from what was seen in a medium to a model's probabilities for windows of it."""

import asyncio
import time
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from service.analysis.looking import Look
from service.analysis.prediction import Evidence
from service.pipelines import read, series
from service.pipelines.reading import Reading, WindowRows
from service.pipelines.series import SeriesSection
from service.track import FloatArray, TimeArray, Track, Window


@dataclass(frozen=True, slots=True)
class Judged:
    """A window and its C probabilities; None where it shows no evidence.

    votes: R × C probabilities of the single rows that voted for them, at times_s; none of a model of sequences.
    of: the windows that answered together, where there are several.
    """

    window: Window
    probabilities: FloatArray | None
    votes: FloatArray | None
    times_s: TimeArray
    warnings: tuple[str, ...]
    of: tuple[Window, ...] = ()

    def evidence(self, seen: Look) -> Evidence:
        """What the answer rests on."""
        return Evidence.of(seen.shown(*(self.of or (self.window,))))


async def judge(seen: Look, windows: list[Window]) -> list[Judged]:
    """The model's probabilities for each window; a row that several windows need goes through it once."""
    reading = await seen.timed("tensor", lambda: read(seen.eye, seen.track, windows))
    async with seen.deadline.enforced():
        raw = await _outputs(seen, reading)
        if isinstance(seen.section, SeriesSection):
            return await _heads_answers(seen, seen.section, windows, reading, raw)
    return await asyncio.to_thread(_own_answers, seen, windows, reading, raw)


async def judge_together(seen: Look, windows: list[Window]) -> Judged:
    """One answer for which all windows vote, as each would answer alone."""
    reading = await seen.timed("tensor", lambda: read(seen.eye, seen.track, windows).together())
    async with seen.deadline.enforced():
        raw = await _outputs(seen, reading)
    whole = Window(windows[0].start_s, windows[-1].end_s)
    (judged,) = await asyncio.to_thread(_own_answers, seen, [whole], reading, raw)
    return replace(judged, of=tuple(windows))


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
    gathered = raw[[place for entry in reading.windows for place in entry.seen]]
    scores = seen.model.votes(gathered, [len(entry.seen) for entry in reading.windows])
    single = seen.model.each(raw) if seen.eye.votes else None
    return [
        Judged(
            window,
            probabilities if entry.seen else None,
            None if single is None else single[entry.seen],
            entry.seen_times_s,
            entry.warnings,
        )
        for window, entry, probabilities in zip(windows, reading.windows, scores, strict=True)
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
    scores = await seen.model.score(rows)
    seen.spent("inference", began)
    return [
        Judged(window, probabilities if len(one) else None, None, one.times_s, (*entry.warnings, *one.warnings))
        for window, entry, one, probabilities in zip(windows, reading.windows, rows, scores, strict=True)
    ]


def _outputs_track(entry: WindowRows, raw: FloatArray, seen: Track) -> Track:
    """A window's steps with the other model's outputs, zeros where nothing was seen."""
    present = np.array([place is not None for place in entry.places], bool)
    values = np.zeros((len(present), raw.shape[1]), np.float32)
    values[present] = raw[entry.seen]
    return Track(entry.times_s, values, present, seen.media)
