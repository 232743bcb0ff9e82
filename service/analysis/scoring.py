"""Scoring: from what was observed in a clip to a model's probabilities for windows of it."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from service.analysis.clip import ObservedClip
from service.analysis.prediction import Affect, Evidence
from service.analysis.shadow import Scores, follow
from service.pipelines import series
from service.pipelines.row_plan import RowPlan, WindowRows
from service.pipelines.series import SeriesSection
from service.registry.in_order import in_order
from service.registry.served import ServedModel
from service.track import CountArray, FloatArray, TimeArray, Track, Window


@dataclass(frozen=True, slots=True)
class WindowScores:
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

    def evidence(self, clip: ObservedClip) -> Evidence:
        """What the answer rests on."""
        return Evidence.of(clip.view(*(self.of or (self.window,))))


async def score_windows(clip: ObservedClip, windows: list[Window]) -> list[WindowScores]:
    """The model's probabilities for each window; a row that several windows need goes through it once.

    Where the model has a shadow, it is asked the same behind.
    """
    scores = await score_alone(clip, windows)

    async def again(shadow: ObservedClip) -> Scores:
        return [entry.probabilities for entry in await score_alone(shadow, windows)]

    follow(clip, [entry.probabilities for entry in scores], again)
    return scores


async def score_alone(clip: ObservedClip, windows: list[Window]) -> list[WindowScores]:
    """The same, without a shadow."""
    plan = await clip.timed("tensor", lambda: clip.preprocessing.plan_rows(clip.track, windows))
    async with clip.deadline.enforce():
        raw = await _outputs(clip, plan)
        if (head := clip.head) is not None:
            return await _scores_of_head(clip, head, windows, plan, raw)
    return await asyncio.to_thread(_scores_of_rows, clip, windows, plan, raw)


async def score_together(clip: ObservedClip, windows: list[Window]) -> WindowScores:
    """One answer for which all windows vote, as each would answer alone; the model's shadow is asked as well."""
    scores = await _score_together_alone(clip, windows)

    async def again(shadow: ObservedClip) -> Scores:
        return [(await _score_together_alone(shadow, windows)).probabilities]

    follow(clip, [scores.probabilities], again)
    return scores


async def _score_together_alone(clip: ObservedClip, windows: list[Window]) -> WindowScores:
    plan = await clip.timed("tensor", lambda: clip.preprocessing.plan_rows(clip.track, windows).together())
    async with clip.deadline.enforce():
        raw = await _outputs(clip, plan)
    whole = Window(windows[0].start_s, windows[-1].end_s)
    (scores,) = await asyncio.to_thread(_scores_of_rows, clip, [whole], plan, raw)
    return replace(scores, of=tuple(windows))


async def outputs_over_time(clip: ObservedClip) -> Track:
    """T × C: what the base model's graph gives for each observation, zeros where nothing was seen."""
    plan = await clip.timed("tensor", lambda: clip.preprocessing.plan_rows(clip.track, [Window(-np.inf, np.inf)]))
    async with clip.deadline.enforce():
        raw = await _outputs(clip, plan)
    return _outputs_track(plan.windows[0], raw, clip.track)


async def _outputs(clip: ObservedClip, plan: RowPlan) -> FloatArray:
    """R × C numbers of the base model, some batches at a time, so that few rows exist.

    Of indices that take several rows, as samples of several faces do, the mean.
    """
    model = clip.base_model
    size = min(model.rows_at_once, plan.at_once or model.rows_at_once)
    under_way = _UnderWay(clip)

    async def give(start: int) -> FloatArray:
        stop = min(start + size, plan.count)
        rows = await clip.timed("tensor", partial(plan.make, start, stop))
        with under_way.inference():
            given = await model.outputs(rows, is_job=clip.is_job)
        return given if plan.sizes is None else _averaged(given, plan.sizes[start:stop])

    # one more than run: its rows are made meanwhile
    batches = await in_order((partial(give, start) for start in range(0, plan.count, size)), model.side_by_side + 1)
    return np.concatenate(batches) if batches else np.zeros((0, model.width), np.float32)


@dataclass(slots=True)
class _UnderWay:
    """How long at least one inference of a clip was under way: those side by side count once."""

    clip: ObservedClip
    count: int = 0
    began: float = 0.0

    @contextmanager
    def inference(self) -> Iterator[None]:
        if not self.count:
            self.began = time.perf_counter()
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1
            if not self.count:
                self.clip.add_time("inference", self.began)


def _averaged(given: FloatArray, sizes: CountArray) -> FloatArray:
    """The mean of each index's rows, which follow one another; every index has one at least."""
    starts = np.cumsum(sizes) - sizes
    return (np.add.reduceat(given.astype(np.float64), starts) / sizes[:, None]).astype(np.float32)


def _scores_of_rows(clip: ObservedClip, windows: list[Window], plan: RowPlan, raw: FloatArray) -> list[WindowScores]:
    """Where the base model is the one that answers: the rows of a window vote."""
    if clip.manifest.task == "affect":
        return [_mean_scores(clip, window, entry, raw) for window, entry in zip(windows, plan.windows, strict=True)]
    lengths = [len(entry.seen) for entry in plan.windows]
    gathered = raw[[place for entry in plan.windows for place in entry.seen]]
    scores = clip.model.votes(gathered, lengths)
    outputs = np.split(gathered, np.cumsum(lengths, dtype=np.intp))[:-1]
    single = clip.model.each(raw) if clip.preprocessing.votes else None
    return [
        WindowScores(
            window,
            probabilities if entry.seen else None,
            None if single is None else single[entry.seen],
            entry.seen_times_s,
            entry.warnings,
            own,
        )
        for window, entry, probabilities, own in zip(windows, plan.windows, scores, outputs, strict=True)
    ]


def _mean_scores(clip: ObservedClip, window: Window, entry: WindowRows, raw: FloatArray) -> WindowScores:
    """The mean over a window's samples of what is reported of each."""
    output = clip.manifest.output
    own = raw[entry.seen]
    each = clip.model.each(own) if entry.seen else np.zeros((0, clip.model.width), np.float32)
    emotions = each[:, list(output.emotions)] if output.measures else each
    if not entry.seen:
        return WindowScores(window, None, emotions, entry.seen_times_s, entry.warnings, own, Affect(None, None, 0))
    mean = each.astype(np.float64).mean(axis=0)
    measures = {str((output.channels or ())[place]): float(mean[place]) for place in output.measures}
    faces = clip.track.cut(window).faces
    affect = Affect(
        measures.get("valence"), measures.get("arousal"), len(entry.seen) if faces is None else int(faces.sum())
    )
    probabilities = emotions.astype(np.float64).mean(axis=0).astype(np.float32)
    return WindowScores(window, probabilities, emotions, entry.seen_times_s, entry.warnings, own, affect)


def head_input(outputs: Track, section: SeriesSection, base_model: ServedModel) -> Track:
    """What a head gets of a track of outputs, T × C: them, or what is reported of them where it asks for `softmax`."""
    if section.emotions == "logits":
        return outputs
    return replace(outputs, values=base_model.each(np.asarray(outputs.values, np.float32)))


async def _scores_of_head(
    clip: ObservedClip, section: SeriesSection, windows: list[Window], plan: RowPlan, raw: FloatArray
) -> list[WindowScores]:
    """Where a head answers from what the base model gave for each window's steps."""
    rows = await clip.timed(
        "tensor",
        lambda: [
            series.tensor(
                head_input(_outputs_track(entry, raw, clip.track), section, clip.base_model),
                Window(-np.inf, np.inf),
                section,
            )
            for entry in plan.windows
        ],
    )
    began = time.perf_counter()
    lengths = [len(one) for one in rows]
    raw_answers = await clip.model.raw(rows)
    clip.add_time("inference", began)
    scores = await asyncio.to_thread(clip.model.votes, raw_answers, lengths)
    outputs = await asyncio.to_thread(lambda: np.split(raw_answers, np.cumsum(lengths, dtype=np.intp))[:-1])
    return [
        WindowScores(
            window, probabilities if len(one) else None, None, one.times_s, (*entry.warnings, *one.warnings), own
        )
        for window, entry, one, probabilities, own in zip(windows, plan.windows, rows, scores, outputs, strict=True)
    ]


def _outputs_track(entry: WindowRows, raw: FloatArray, observed: Track) -> Track:
    """A window's steps with the base model's outputs, zeros where nothing was seen."""
    present = np.array([index is not None for index in entry.indices], bool)
    values = np.zeros((len(present), raw.shape[1]), np.float32)
    values[present] = raw[entry.seen]
    return replace(
        observed, times_s=entry.times_s, values=values, present=present, parts=(), handedness=None, faces=None
    )
