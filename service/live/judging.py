"""Judging live: a model's probabilities for windows as they become full, each picture looked at once."""

import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from service.analysis.judging import Judged, judge
from service.analysis.looking import Look, sign_section
from service.context import AppContext
from service.errors import SignError
from service.media.sampling import Uniform, live_rate
from service.pipelines import Observing
from service.pipelines.row_plan import RowPlan
from service.pipelines.rows import ModelRows
from service.registry.manifest import Manifest
from service.registry.registry import ServedModel
from service.track import FloatArray, Track, Window
from service.workers.deadline import Deadline

T = TypeVar("T")

JUDGE_S = 10.0


def live_section(manifest: Manifest) -> Observing:
    """The pipeline of a model that reads live frames; SignError where it cannot."""
    section = sign_section(manifest)
    if section.head is not None or section.streams is None:
        raise SignError(
            "model-wrong-task",
            f"{manifest.name} (kind {section.kind}) reads no live frames. Send a video to /timeline.",
        )
    return section


_LITTLE = 50_000
"""Numbers of observations, each counted for every window, whose tensors are made sooner than a thread is woken."""


class PromptLook(Look):
    """A look whose work is too little to be worth a thread."""

    async def timed(self, stage: str, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = work()
        self.spent(stage, began)
        return done


class LiveJudge:
    """Judges the windows of one session in order, as `judge` does those of a file.

    Windows of a model of pictures share most of their pictures: what the model gave for one is kept until no window
    needs it.
    """

    def __init__(self, model: ServedModel, house: AppContext) -> None:
        self.section = live_section(model.manifest)
        if isinstance(self.section.sampling, Uniform):
            raise TypeError(f"windows of a stream choose no frames, as those of the kind {self.section.kind} do")
        self.rate = live_rate(self.section.sampling)
        self._model = model
        self._house = house
        self._outputs: dict[float, FloatArray] = {}

    async def judge(self, track: Track, windows: list[Window]) -> list[Judged]:
        """The probabilities for each window. SignError where the model cannot answer, or not in time."""
        model, section = self._model, self.section
        kind = PromptLook if track.values.size * len(windows) <= _LITTLE else Look
        seen = kind(model, section, model, section, track, Deadline.after(JUDGE_S), self._house)
        if section.streams == "windows":
            return await judge(seen, windows)
        return [await self._vote(seen, section, window) for window in windows]

    def forget(self, before_s: float) -> None:
        """Let go of what was given for pictures before this time."""
        self._outputs = {time_s: raw for time_s, raw in self._outputs.items() if time_s >= before_s}

    async def _vote(self, seen: Look, section: Observing, window: Window) -> Judged:
        reading = section.plan_rows(seen.track, [window])
        times_s = reading.windows[0].seen_times_s
        fresh = [place for place, time_s in enumerate(times_s.tolist()) if time_s not in self._outputs]
        if fresh:
            values = await seen.timed("tensor", lambda: _rows(reading, fresh))
            async with seen.deadline.enforced():
                raw = await self._model.outputs(ModelRows(values, None, times_s[fresh]))
            self._outputs.update(zip(times_s[fresh].tolist(), raw, strict=True))
        if not len(times_s):
            return Judged(window, None, None, times_s, (), np.zeros((0, self._model.width), np.float32))
        votes = np.stack([self._outputs[time_s] for time_s in times_s.tolist()])
        return Judged(window, self._model.votes(votes, [len(votes)])[0], None, times_s, (), votes)


def _rows(reading: RowPlan, places: list[int]) -> FloatArray:
    return np.concatenate([reading.make(place, place + 1).values for place in places])
