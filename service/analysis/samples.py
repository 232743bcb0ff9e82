"""Samples: what faces showed a few times a second, as numbers, and what a highlight model says of windows of them."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from service.analysis.clip import ObservedClip
from service.analysis.scoring import head_input, outputs_over_time
from service.errors import ParameterError, SignError
from service.export.answer import Sample
from service.pipelines import series
from service.pipelines.series import SeriesSection
from service.registry.manifest import OTHER_LABEL, Manifest
from service.track import FloatArray, Track, Window

TENSION = "tension"
USUAL_CHANNEL = "arousal"


async def condense(clip: ObservedClip) -> ObservedClip:
    """The same clip with a few numbers a sample instead of landmarks or pixels: little enough to keep for hours.

    The numbers are the measures of a face, or what the base model gives for it.
    """
    if (measures := clip.preprocessing.measures) is not None:
        return replace(clip, track=await clip.timed("tensor", partial(measures.condense, clip.track)))
    return replace(clip, track=await outputs_over_time(clip))


async def outputs_of(clip: ObservedClip) -> Track:
    """T × C of a condensed clip: what the base model gives for each sample."""
    return clip.track if clip.preprocessing.measures is None else await outputs_over_time(clip)


def series_of(clip: ObservedClip, outputs: Track, *, mirrored: bool) -> tuple[Sample, ...]:
    """What is told of each sample: a face's measures, or what the base model says of it.

    mirrored: the picture was flipped before it was observed; boxes are those of the picture as it was sent.
    """
    if (measures := clip.preprocessing.measures) is not None:
        names, values = measures.names, measures.values(clip.track)
    else:
        names, values = (
            channel_names(clip.base_model.manifest),
            clip.base_model.each(np.asarray(outputs.values, np.float32)),
        )
    boxes = np.full((len(outputs), 4), np.nan) if outputs.boxes is None else outputs.boxes
    return tuple(
        Sample(float(time_s), _box(box, mirrored=mirrored), dict(zip(names, row.tolist(), strict=True)))
        if present
        else Sample(float(time_s))
        for time_s, box, row, present in zip(outputs.times_s, boxes, values, outputs.present, strict=True)
    )


async def window_values(
    clip: ObservedClip, outputs: Track, windows: Sequence[Window], channel: str
) -> list[float | None]:
    """The channel of the model's answer for each window, None for those without a face.

    A head answers for the window; of a model without one the samples' answers are averaged.
    """
    index = channel_names(clip.manifest).index(channel)
    if (head := clip.head) is not None:
        return await _values_of_head(clip, head, outputs, windows, index)
    each = await clip.timed("tensor", lambda: clip.model.each(np.asarray(outputs.values, np.float32))[:, index])
    return await clip.timed("tensor", lambda: [_mean(each, outputs, window) for window in windows])


async def _values_of_head(
    clip: ObservedClip, section: SeriesSection, outputs: Track, windows: Sequence[Window], index: int
) -> list[float | None]:
    given = await clip.timed("tensor", lambda: head_input(outputs, section, clip.base_model))
    rows = await clip.timed("tensor", lambda: [series.tensor(given, window, section) for window in windows])
    began = time.perf_counter()
    async with clip.deadline.enforce():
        scores = await clip.model.score(rows)
    clip.add_time("inference", began)
    return [float(answer[index]) if len(one) else None for answer, one in zip(scores, rows, strict=True)]


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
    start, stop = outputs.indices(window)
    present = each[start:stop][outputs.present[start:stop]]
    return float(present.mean()) if len(present) else None


def _box(box: FloatArray, *, mirrored: bool) -> tuple[float, float, float, float] | None:
    if np.isnan(box).any():
        return None
    x, y, width, height = (float(edge) for edge in box)
    return (1 - x - width if mirrored else x), y, width, height
