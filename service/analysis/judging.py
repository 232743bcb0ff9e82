"""Judging: from what was seen in a medium to a model's probabilities for windows of it."""

import asyncio
import time
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from service.analysis.looking import Look
from service.analysis.prediction import Affect, Evidence
from service.pipelines import series
from service.pipelines.row_plan import RowPlan, WindowRows
from service.pipelines.series import SeriesSection
from service.registry.served import ServedModel
from service.track import CountArray, FloatArray, TimeArray, Track, Window


@dataclass(frozen=True, slots=True)
class Judged:
    """A window and its C probabilities; None where it shows no evidence.

    votes: R × C probabilities of the single rows that voted for them, at times_s; none of a model of sequences.
    outputs: R × N numbers that the graph gave for these rows, before temperature and activation.
    affect: what a model of emotions says beside them, None of any other. of: the windows that answered together, where
    there are several.
    """

    window: Window
    probabilities: FloatArray | None
    votes: FloatArray | None
    times_s: TimeArray
    warnings: tuple[str, ...]
    outputs: FloatArray
    affect: Affect | None = None
    of: tuple[Window, ...] = ()

    def evidence(self, seen: Look) -> Evidence:
        """What the answer rests on."""
        return Evidence.of(seen.shown(*(self.of or (self.window,))))


async def judge(seen: Look, windows: list[Window]) -> list[Judged]:
    """The model's probabilities for each window; a row that several windows need goes through it once."""
    reading = await seen.timed("tensor", lambda: seen.eye.plan_rows(seen.track, windows))
    async with seen.deadline.enforced():
        raw = await _outputs(seen, reading)
        if (head := seen.section.head) is not None:
            return await _heads_answers(seen, head, windows, reading, raw)
    return await asyncio.to_thread(_own_answers, seen, windows, reading, raw)


async def judge_together(seen: Look, windows: list[Window]) -> Judged:
    """One answer for which all windows vote, as each would answer alone."""
    reading = await seen.timed("tensor", lambda: seen.eye.plan_rows(seen.track, windows).together())
    async with seen.deadline.enforced():
        raw = await _outputs(seen, reading)
    whole = Window(windows[0].start_s, windows[-1].end_s)
    (judged,) = await asyncio.to_thread(_own_answers, seen, [whole], reading, raw)
    return replace(judged, of=tuple(windows))


async def outputs_over_time(seen: Look) -> Track:
    """T × C: what the graph of the model that looks gives for each observation, zeros where nothing was seen."""
    reading = await seen.timed("tensor", lambda: seen.eye.plan_rows(seen.track, [Window(-np.inf, np.inf)]))
    async with seen.deadline.enforced():
        raw = await _outputs(seen, reading)
    return _outputs_track(reading.windows[0], raw, seen.track)


async def _outputs(seen: Look, reading: RowPlan) -> FloatArray:
    """R × C numbers of the model that looks at the medium, batch after batch, so that few rows exist at a time.

    Of places that take several rows, as samples of several faces do, the mean.
    """
    size = min(seen.looker.most_rows, reading.at_once or seen.looker.most_rows)
    pieces = []
    for start in range(0, reading.count, size):
        stop = min(start + size, reading.count)
        rows = await seen.timed("tensor", partial(reading.make, start, stop))
        began = time.perf_counter()
        given = await seen.looker.outputs(rows)
        pieces.append(given if reading.sizes is None else _averaged(given, reading.sizes[start:stop]))
        seen.spent("inference", began)
    return np.concatenate(pieces) if pieces else np.zeros((0, seen.looker.width), np.float32)


def _averaged(given: FloatArray, sizes: CountArray) -> FloatArray:
    """The mean of each place's rows, which follow one another; every place has one at least."""
    starts = np.cumsum(sizes) - sizes
    return (np.add.reduceat(given.astype(np.float64), starts) / sizes[:, None]).astype(np.float32)


def _own_answers(seen: Look, windows: list[Window], reading: RowPlan, raw: FloatArray) -> list[Judged]:
    """Where the model that looks is the one that answers: the rows of a window vote."""
    if seen.manifest.task == "affect":
        return [_mean_emotion(seen, window, entry, raw) for window, entry in zip(windows, reading.windows, strict=True)]
    lengths = [len(entry.seen) for entry in reading.windows]
    gathered = raw[[place for entry in reading.windows for place in entry.seen]]
    scores = seen.model.votes(gathered, lengths)
    outputs = np.split(gathered, np.cumsum(lengths, dtype=np.intp))[:-1]
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


def _mean_emotion(seen: Look, window: Window, entry: WindowRows, raw: FloatArray) -> Judged:
    """The mean over a window's samples of what is reported of each."""
    output = seen.manifest.output
    own = raw[entry.seen]
    each = seen.model.each(own) if entry.seen else np.zeros((0, seen.model.width), np.float32)
    emotions = each[:, list(output.emotions)] if output.measures else each
    if not entry.seen:
        return Judged(window, None, emotions, entry.seen_times_s, entry.warnings, own, Affect(None, None, 0))
    mean = each.astype(np.float64).mean(axis=0)
    measures = {str((output.channels or ())[place]): float(mean[place]) for place in output.measures}
    faces = seen.track.cut(window).faces
    affect = Affect(
        measures.get("valence"), measures.get("arousal"), len(entry.seen) if faces is None else int(faces.sum())
    )
    probabilities = emotions.astype(np.float64).mean(axis=0).astype(np.float32)
    return Judged(window, probabilities, emotions, entry.seen_times_s, entry.warnings, own, affect)


def handed_on(outputs: Track, section: SeriesSection, looker: ServedModel) -> Track:
    """What a head gets of a track of outputs, T × C: them, or what is reported of them where it asks for `softmax`."""
    if section.emotions == "logits":
        return outputs
    return replace(outputs, values=looker.each(np.asarray(outputs.values, np.float32)))


async def _heads_answers(
    seen: Look, section: SeriesSection, windows: list[Window], reading: RowPlan, raw: FloatArray
) -> list[Judged]:
    """Where a head answers from what the other model gave for each window's steps."""
    rows = await seen.timed(
        "tensor",
        lambda: [
            series.tensor(
                handed_on(_outputs_track(entry, raw, seen.track), section, seen.looker),
                Window(-np.inf, np.inf),
                section,
            )
            for entry in reading.windows
        ],
    )
    began = time.perf_counter()
    lengths = [len(one) for one in rows]
    raw_answers = await seen.model.raw(rows)
    scores = seen.model.votes(raw_answers, lengths)
    seen.spent("inference", began)
    outputs = np.split(raw_answers, np.cumsum(lengths, dtype=np.intp))[:-1]
    return [
        Judged(window, probabilities if len(one) else None, None, one.times_s, (*entry.warnings, *one.warnings), own)
        for window, entry, one, probabilities, own in zip(windows, reading.windows, rows, scores, outputs, strict=True)
    ]


def _outputs_track(entry: WindowRows, raw: FloatArray, seen: Track) -> Track:
    """A window's steps with the other model's outputs, zeros where nothing was seen."""
    present = np.array([place is not None for place in entry.indices], bool)
    values = np.zeros((len(present), raw.shape[1]), np.float32)
    values[present] = raw[entry.seen]
    return replace(seen, times_s=entry.times_s, values=values, present=present, parts=(), handedness=None, faces=None)
