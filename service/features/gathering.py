"""Gathering: all that a model's pipeline sees in a medium, piece after piece."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from service.analysis.judging import outputs_over_time
from service.analysis.looking import Look, Part, look, looker_of, section_for
from service.analysis.samples import channel_names
from service.context import AppContext
from service.features.points import point_names
from service.jobs.stretch import Reached, look_on
from service.observe.request import LandmarkRequest, ObserverRequest
from service.pipelines import Observing
from service.pipelines.series import SeriesSection
from service.registry.manifest import Manifest
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
    eye: Observing
    points: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    landmarks: Track | None = None
    reported: FloatArray | None = None

    @property
    def request(self) -> ObserverRequest:
        """What was looked for."""
        return self.eye.request

    @property
    def landmark_track(self) -> Track | None:
        """The landmarks, where the model looks at any."""
        return self.landmarks if self.landmarks is not None else self.track if self.points else None


def sees_landmarks(model: ServedModel) -> bool:
    """Whether the model that looks at media is given landmarks; pictures otherwise."""
    return isinstance(looker_of(model)[1].request, LandmarkRequest)


async def gather(
    part: Part,
    context: AppContext,
    *,
    keep: bool = True,
    on_pictures: Callable[[Track], None] | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Features:
    """All that is seen in the part. Raises SignError as a use case does.

    keep: whether pictures are kept; on_pictures is given them as they come, in order. on_progress: as `work_through`.
    """
    model = part.model
    if looker_of(model)[1].features == "clip_outputs":
        return await _whole_clip(part, context)
    reached = Reached(covered_s=part.start_s)
    pieces: list[Track] = []
    progress, last_s = 0.0, -np.inf
    while reached.end_s is None:
        seen = await look_on(part, reached, context, any_section)
        if seen is None:
            continue
        fresh = seen.track.only(seen.track.times_s > last_s)
        if len(fresh):
            last_s = float(fresh.times_s[-1])
            if on_pictures is not None:
                await asyncio.to_thread(on_pictures, fresh)
            pieces.append(await _kept(seen, fresh, keep=keep))
        reached.let_go(seen, reached.covered_s)
        on_progress(reached.progress - progress)
        progress = reached.progress
    return _features(model, replace(_all_together(pieces), warnings=tuple(reached.warnings)))


def _all_together(pieces: list[Track]) -> Track:
    """At least one piece, one after the other; joined in pairs, so that of very many none is copied very often."""
    while len(pieces) > 1:
        pairs = [one.followed_by(two) for one, two in zip(pieces[::2], pieces[1::2], strict=False)]
        pieces = pairs if len(pieces) % 2 == 0 else [*pairs, pieces[-1]]
    return pieces[0]


def any_section(manifest: Manifest) -> Observing | SeriesSection:
    """The pipeline of a model of any task."""
    return section_for(manifest, ("sign", "features", "affect", "highlight"))


async def _kept(seen: Look, fresh: Track, *, keep: bool) -> Track:
    """What stays of a piece: numbers instead of faces' pictures, and pictures only where they are wanted."""
    if seen.eye.features == "outputs":
        return await outputs_over_time(replace(seen, track=fresh))
    if keep or fresh.parts:
        return fresh
    return replace(fresh, values=fresh.values[:, :0])


async def _whole_clip(part: Part, context: AppContext) -> Features:
    """A model of whole clips: what it gives for each step of the part, as its heads read it."""
    seen = await look(part, context, longest_s=context.settings.timeline_seconds, section_of=any_section)
    outputs = await outputs_over_time(seen)
    return Features(outputs, seen.eye, channels=channel_names(seen.looker.manifest))


def _features(model: ServedModel, track: Track) -> Features:
    looker, eye = looker_of(model)
    if (measures := eye.measures) is not None:
        condensed = measures.condense(track)
        numbers = replace(condensed, values=measures.values(condensed))
        return Features(numbers, eye, channels=measures.names, landmarks=track)
    if eye.features == "outputs":
        reported = looker.each(np.asarray(track.values, np.float32))
        reported[~track.present] = np.nan
        return Features(track, eye, channels=channel_names(looker.manifest), reported=reported)
    if track.parts:
        return Features(track, eye, points=point_names(track.parts))
    return Features(track, eye)
