"""Gathering: all that a model's pipeline observes in a medium, chunk after chunk."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from service.analysis.clip import AnyClip, ClipRequest, Looked, ObservedClip, preprocessing_of
from service.analysis.samples import channel_names
from service.analysis.scoring import outputs_over_time
from service.analysis.walk import Walk, observe_at_once, start_of
from service.context import AppContext
from service.errors import SignError
from service.features.points import point_names
from service.observe.request import ObserverRequest
from service.pipelines import Observing
from service.pipelines.kind import needs_a_model
from service.pipelines.windows import WindowRule
from service.registry.registry import ServedModel
from service.track import FloatArray, Track


@dataclass(frozen=True, slots=True)
class Features:
    """What was seen in one medium.

    track: landmarks (T × P × 4, with `points` as names), numbers of each sample (T × C, with `channels`), or pictures
    (T × …, with neither). landmarks: what numbers of faces were measured on. reported: T × C, numbers of an affect
    model as it answers with them; `track` holds what its graph gives.
    """

    track: Track
    preprocessing: Observing
    points: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    landmarks: Track | None = None
    reported: FloatArray | None = None

    @property
    def request(self) -> ObserverRequest:
        """What was looked for."""
        return self.preprocessing.request

    @property
    def landmark_track(self) -> Track | None:
        """The landmarks, where the model looks at any."""
        return self.landmarks if self.landmarks is not None else self.track if self.points else None


def preprocessing_to_gather(model: ServedModel) -> Observing:
    """The pipeline of a model of any task; SignError where it has none."""
    return preprocessing_of(model, ("sign", "features", "affect", "highlight"))


def preprocessing_to_look(part: AnyClip) -> Observing:
    """The pipeline that looks at the clip. SignError where there is none that can."""
    if isinstance(part, ClipRequest):
        return preprocessing_to_gather(part.model)
    if needs_a_model(part.preprocessing):
        raise SignError("model-wrong-task", "What this pipeline gives is what its network answers; name a model.")
    return part.preprocessing


async def gather(
    part: AnyClip,
    context: AppContext,
    *,
    keep: bool = True,
    on_pictures: Callable[[Track], None] | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Features:
    """All that is observed in the clip, by a model's pipeline or by one alone. Raises SignError as a use case does.

    keep: whether pictures are kept; on_pictures is given them as they come, in order. on_progress: as of `run`.
    """
    preprocessing, cursor = preprocessing_to_look(part), start_of(part)
    rule, walk = WindowRule(part.start_s), Walk.of_job(context)
    if preprocessing.features == "clip_outputs" and isinstance(part, ClipRequest):
        return await _outputs_of_clip(part, preprocessing, context)
    tracks: list[Track] = []
    progress, last_s = 0.0, -np.inf
    while not cursor.is_over:
        clip: ObservedClip | Looked | None
        if isinstance(part, ClipRequest):
            clip = await walk.next_chunk(part, preprocessing, rule, cursor)
        else:
            clip = await walk.look(part, preprocessing, rule, cursor)
        if clip is None:
            continue
        new = clip.track.only(clip.track.times_s > last_s)
        if len(new):
            last_s = float(new.times_s[-1])
            if on_pictures is not None:
                await asyncio.to_thread(on_pictures, new)
            tracks.append(await _kept(clip, new, keep=keep))
        cursor.finish_chunk(clip, [], cursor.position.covered_s)
        cursor.add_times(clip)
        on_progress(cursor.progress - progress)
        progress = cursor.progress
    model = part.model if isinstance(part, ClipRequest) else None
    return _features(model, preprocessing, replace(_all_together(tracks), warnings=cursor.warnings))


def _all_together(tracks: list[Track]) -> Track:
    """At least one track, one after the other; joined in pairs, so that of very many none is copied very often."""
    while len(tracks) > 1:
        pairs = [one.join(two) for one, two in zip(tracks[::2], tracks[1::2], strict=False)]
        tracks = pairs if len(tracks) % 2 == 0 else [*pairs, tracks[-1]]
    return tracks[0]


async def _kept(clip: ObservedClip | Looked, new: Track, *, keep: bool) -> Track:
    """What stays of a chunk: numbers instead of faces' pictures, and pictures only where they are wanted."""
    if isinstance(clip, ObservedClip) and clip.preprocessing.features == "outputs":
        return await outputs_over_time(replace(clip, track=new))
    if keep or new.parts:
        return new
    return replace(new, values=new.values[:, :0])


async def _outputs_of_clip(part: ClipRequest, preprocessing: Observing, context: AppContext) -> Features:
    """A model of whole clips: what it gives for each step of the part, as its heads read it."""
    clip = await observe_at_once(part, preprocessing, context, context.settings.timeline_seconds)
    outputs = await outputs_over_time(clip)
    return Features(outputs, preprocessing, channels=channel_names(clip.base_model.manifest))


def _features(model: ServedModel | None, preprocessing: Observing, track: Track) -> Features:
    if (measures := preprocessing.measures) is not None:
        condensed = measures.condense(track)
        numbers = replace(condensed, values=measures.values(condensed))
        return Features(numbers, preprocessing, channels=measures.names, landmarks=track)
    if preprocessing.features == "outputs" and model is not None:
        base_model = model.required or model
        reported = base_model.each(np.asarray(track.values, np.float32))
        reported[~track.present] = np.nan
        return Features(track, preprocessing, channels=channel_names(base_model.manifest), reported=reported)
    if track.parts:
        return Features(track, preprocessing, points=point_names(track.parts))
    return Features(track, preprocessing)
