"""Scoring live: a model's probabilities for windows as they become full, each picture looked at once."""

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from service.analysis.clip import ObservedClip, preprocessing_of
from service.analysis.scoring import WindowScores, score_alone
from service.context import AppContext
from service.errors import SignError
from service.media.sampling import Uniform, samples_per_second
from service.pipelines import Observing
from service.pipelines.row_plan import RowPlan
from service.pipelines.rows import ModelRows
from service.registry.registry import ServedModel
from service.track import FloatArray, Track, Window
from service.workers.deadline import Deadline

T = TypeVar("T")

SCORE_S = 10.0


def live_preprocessing(model: ServedModel) -> Observing:
    """The pipeline of a model that reads live frames; SignError where it cannot."""
    preprocessing, manifest = preprocessing_of(model, ("sign",)), model.manifest
    if manifest.pipeline.head is not None or preprocessing.streams is None:
        raise SignError(
            "model-wrong-task",
            f"{manifest.name} (kind {manifest.pipeline.kind}) reads no live frames. Send a video to /timeline.",
        )
    return preprocessing


_LITTLE = 50_000
"""Numbers of observations, each counted for every window, whose tensors are made sooner than a thread is woken."""


class PromptClip(ObservedClip):
    """A clip whose work is too little to be worth a thread."""

    async def timed(self, stage: str, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = work()
        self.add_time(stage, began)
        return done


class LiveScorer:
    """Scores the windows of one session in order, as `score_windows` does those of a file.

    Windows of a model of pictures share most of their pictures: what the model gave for one is kept until no window
    needs it.
    """

    def __init__(self, model: ServedModel, context: AppContext) -> None:
        self.preprocessing = live_preprocessing(model)
        if isinstance(self.preprocessing.sampling, Uniform):
            raise TypeError(f"windows of a stream choose no frames, as those of the kind {self.preprocessing.kind} do")
        self.rate = samples_per_second(self.preprocessing.sampling)
        self._model = model
        self._context = context
        self._outputs: dict[float, FloatArray] = {}

    async def score(self, track: Track, windows: list[Window]) -> list[WindowScores]:
        """The probabilities for each window. SignError where the model cannot answer, or not in time."""
        model, preprocessing = self._model, self.preprocessing
        kind = PromptClip if track.values.size * len(windows) <= _LITTLE else ObservedClip
        clip = kind(model, preprocessing, track, Deadline.after(SCORE_S), self._context)
        if preprocessing.streams == "windows":
            return await score_alone(clip, windows)
        return [await self._vote(clip, preprocessing, window) for window in windows]

    def forget(self, before_s: float) -> None:
        """Let go of what was given for pictures before this time."""
        self._outputs = {time_s: raw for time_s, raw in self._outputs.items() if time_s >= before_s}

    async def _vote(self, clip: ObservedClip, preprocessing: Observing, window: Window) -> WindowScores:
        plan = preprocessing.plan_rows(clip.track, [window])
        times_s = plan.windows[0].seen_times_s
        fresh = [index for index, time_s in enumerate(times_s.tolist()) if time_s not in self._outputs]
        if fresh:
            values = await clip.timed("tensor", lambda: _rows(plan, fresh))
            async with clip.deadline.enforce():
                raw = await self._model.outputs(ModelRows(values, None, times_s[fresh]))
            self._outputs.update(zip(times_s[fresh].tolist(), raw, strict=True))
        if not len(times_s):
            return WindowScores(window, None, None, times_s, (), np.zeros((0, self._model.width), np.float32))
        votes = np.stack([self._outputs[time_s] for time_s in times_s.tolist()])
        return WindowScores(window, self._model.votes(votes, [len(votes)])[0], None, times_s, (), votes)


def _rows(plan: RowPlan, indices: list[int]) -> FloatArray:
    return np.concatenate([plan.make(index, index + 1).values for index in indices])
