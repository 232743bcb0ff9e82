"""Kind `series`: a head over another model's outputs in time."""

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from service.pipelines.length import Length, fit_length
from service.pipelines.missing import Missing, fill_missing
from service.pipelines.rows import ModelRows
from service.section import Section
from service.track import FloatArray, Track, Window

Statistic = Literal["mean", "std", "max", "min"]


class SeriesSection(Section):
    """The manifest's `pipeline` of a model that reads what the model it `requires` gives, step by step.

    length: the steps as a sequence of a fixed length, those without an observation as `missing` says (held is the last
    that was seen, also before the window). statistics: of each channel over the steps with one, statistic after
    statistic (std is the population's). emotions: what the head gets of a model of emotions: its outputs as the network
    gives them, or after softmax, as they are reported.
    """

    kind: Literal["series"] = "series"
    length: Length | None = None
    statistics: tuple[Statistic, ...] | None = Field(None, min_length=1)
    missing: Missing = "hold"
    emotions: Literal["logits", "softmax"] = "logits"

    @model_validator(mode="after")
    def _check_form(self) -> "SeriesSection":
        if (self.length is None) == (self.statistics is None):
            raise ValueError("a series is either a sequence (length) or statistics, one of both")
        if self.statistics is not None and len(set(self.statistics)) != len(self.statistics):
            raise ValueError("statistics: one is named twice")
        return self

    @property
    def observing(self) -> None:
        """It looks at no medium."""
        return

    @property
    def head(self) -> Self:
        """This section, as one that reads another model's outputs."""
        return self

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """One input's shape without the batch; None is for the required model to say."""
        return (None,) if self.length is None else (self.length.length, None)

    def width(self, given: int) -> int:
        """Numbers in the input's last axis where the required model gives so many."""
        return given if self.statistics is None else given * len(self.statistics)


def tensor(outputs: Track, window: Window, section: SeriesSection) -> ModelRows:
    """The head's input for one window of a track of outputs, T × C; no rows where none is present.

    What is held at the window's beginning is the last output before it.
    """
    part = outputs.cut(window)
    values = np.asarray(part.values, np.float32)
    channels = values.shape[1]
    if not part.present.any():
        width = section.width(channels)
        return ModelRows.none((width,) if section.length is None else (section.length.length, width))
    if section.statistics is not None:
        return ModelRows(statistics_of(values[part.present], section.statistics)[None], None, part.times_s[:1])
    before = _last_before(outputs, window) if section.missing == "hold" and not part.present[0] else None
    return _sequence(part, values, before, section)


def _last_before(outputs: Track, window: Window) -> FloatArray | None:
    """The last output before a window, C; None where there is none."""
    start, _ = outputs.indices(window)
    indices = np.flatnonzero(outputs.present[:start])
    return np.asarray(outputs.values[indices[-1]], np.float32) if len(indices) else None


def _sequence(part: Track, values: FloatArray, before: FloatArray | None, section: SeriesSection) -> ModelRows:
    if section.length is None:
        raise ValueError("statistics are no sequence")
    times_s = part.times_s
    if section.missing == "drop":
        values, times_s = values[part.present], times_s[part.present]
    else:
        marked = np.where(part.present[:, None], values, np.float32(np.nan))
        if before is not None:
            marked[0] = before
        values = np.nan_to_num(fill_missing(marked[:, :, None], times_s, section.missing)[:, :, 0], nan=0.0)
    fitted = fit_length(values, times_s, section.length)
    warnings: tuple[str, ...] = ()
    if fitted.cut:
        warnings = (f"{len(values)} steps were observed; {fitted.cut} more than the model takes were cut.",)
    return ModelRows(fitted.values[None], fitted.mask[None], times_s[:1], warnings)


def statistics_of(values: FloatArray, wanted: tuple[Statistic, ...]) -> FloatArray:
    """Each statistic of each channel of T × C values, statistic after statistic."""
    exact = values.astype(np.float64)
    known: dict[Statistic, Callable[[], Any]] = {
        "mean": lambda: exact.mean(axis=0),
        "std": lambda: exact.std(axis=0),
        "max": lambda: exact.max(axis=0),
        "min": lambda: exact.min(axis=0),
    }
    return np.concatenate([known[name]() for name in wanted]).astype(np.float32)
