"""Samples: what faces showed a few times a second, as numbers, and what a highlight model says of windows of them."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from service.analysis.judging import handed_on, outputs_over_time
from service.analysis.looking import Look
from service.errors import ParameterError, SignError
from service.export.answer import Sample
from service.pipelines import series
from service.pipelines.series import SeriesSection
from service.registry.manifest import OTHER_LABEL, Manifest
from service.track import FloatArray, Track, Window

TENSION = "tension"
USUAL_CHANNEL = "arousal"


async def condensed(seen: Look) -> Look:
    """The same look with a few numbers a sample instead of landmarks or pixels: little enough to keep for hours.

    The numbers are the measures of a face, or what the model that looks gives for it.
    """
    if (measures := seen.eye.measures) is not None:
        return replace(seen, track=await seen.timed("tensor", partial(measures.condense, seen.track)))
    return replace(seen, track=await outputs_over_time(seen))


async def outputs_of(seen: Look) -> Track:
    """T × C of a condensed look: what the model that looks gives for each sample."""
    return seen.track if seen.eye.measures is None else await outputs_over_time(seen)


def series_of(seen: Look, outputs: Track, *, mirrored: bool) -> tuple[Sample, ...]:
    """What is shown of each sample: a face's measures, or what the model that looks says of it.

    mirrored: the picture was flipped before it was looked at; boxes are those of the picture as it was sent.
    """
    if (measures := seen.eye.measures) is not None:
        names, values = measures.names, measures.values(seen.track)
    else:
        names, values = channel_names(seen.looker.manifest), seen.looker.each(np.asarray(outputs.values, np.float32))
    boxes = np.full((len(outputs), 4), np.nan) if outputs.boxes is None else outputs.boxes
    return tuple(
        Sample(float(time_s), _box(box, mirrored=mirrored), dict(zip(names, row.tolist(), strict=True)))
        if present
        else Sample(float(time_s))
        for time_s, box, row, present in zip(outputs.times_s, boxes, values, outputs.present, strict=True)
    )


async def window_values(seen: Look, outputs: Track, windows: Sequence[Window], channel: str) -> list[float | None]:
    """The channel of the model's answer for each window, None for those without a face.

    A head answers for the window; of a model without one the samples' answers are averaged.
    """
    place = channel_names(seen.manifest).index(channel)
    if (head := seen.section.head) is not None:
        return await _heads_values(seen, head, outputs, windows, place)
    each = await seen.timed("tensor", lambda: seen.model.each(np.asarray(outputs.values, np.float32))[:, place])
    return await seen.timed("tensor", lambda: [_mean(each, outputs, window) for window in windows])


async def _heads_values(
    seen: Look, section: SeriesSection, outputs: Track, windows: Sequence[Window], place: int
) -> list[float | None]:
    given = await seen.timed("tensor", lambda: handed_on(outputs, section, seen.looker))
    rows = await seen.timed("tensor", lambda: [series.tensor(given, window, section) for window in windows])
    began = time.perf_counter()
    async with seen.deadline.enforced():
        scores = await seen.model.score(rows)
    seen.spent("inference", began)
    return [float(answer[place]) if len(one) else None for answer, one in zip(scores, rows, strict=True)]


def channel_names(manifest: Manifest) -> tuple[str, ...]:
    """The names of the numbers in a model's answer."""
    output = manifest.output
    if output.channels is not None:
        return (OTHER_LABEL, *output.channels) if output.is_binary else output.channels
    if manifest.labels is not None:
        return manifest.labels
    if output.is_binary:
        return (OTHER_LABEL, TENSION)
    count = output.width if isinstance(output.width, int) else 1
    return (TENSION,) if count == 1 else tuple(str(number) for number in range(count))


def channel_of(manifest: Manifest, asked: str | None) -> str:
    """The channel that is the tension: the asked one (else SignError), the manifest's, arousal, the first not idle."""
    names = channel_names(manifest)
    if asked is None:
        signs = [name for name in names if name not in (*manifest.idle_labels, OTHER_LABEL)]
        return manifest.output.channel or (USUAL_CHANNEL if USUAL_CHANNEL in names else [*signs, *names][0])
    if asked not in names:
        problem = f"{manifest.name} has {', '.join(names)}"
        raise SignError("parameter-invalid", f"channel: {problem}.", parameters=(ParameterError("channel", problem),))
    return asked


def _mean(each: FloatArray, outputs: Track, window: Window) -> float | None:
    start, stop = outputs.places(window)
    seen = each[start:stop][outputs.present[start:stop]]
    return float(seen.mean()) if len(seen) else None


def _box(box: FloatArray, *, mirrored: bool) -> tuple[float, float, float, float] | None:
    if np.isnan(box).any():
        return None
    x, y, width, height = (float(edge) for edge in box)
    return (1 - x - width if mirrored else x), y, width, height
