"""An example is observed: its medium is looked at once, and landmarks are all that stays."""

from dataclasses import dataclass
from typing import Final

from service.analysis.clip import NO_HAND, PipelineClip
from service.analysis.walk import Walk, start_of
from service.context import AppContext
from service.errors import ParameterError, SignError
from service.media.medium import Medium
from service.pipelines.keypoints import KeypointsSection
from service.pipelines.windows import WindowRule
from service.teaching.body import landmark_section
from service.teaching.examples import (
    NOTHING,
    Example,
    ExampleError,
    Source,
    check_label,
    lacks_hands,
    make_example,
    shows_more,
    with_all_parts,
)
from service.track import HAND_PARTS, Track
from service.workers.deadline import Deadline

OBSERVING: Final = landmark_section()
"""What is looked for in every take."""

HANDS_ALONE: Final = landmark_section(has_body=False)
"""What is looked for where hands are hardly found with a body."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What an example is said to show, and which part of its medium is meant, in seconds. The rest: see `Example`."""

    label: str
    teacher: str = ""
    source: Source = "file"
    origin: str = ""
    start_s: float = 0.0
    duration_s: float | None = None
    mirrored: bool = False
    timeout_s: float | None = None


def check_shown(shown: Shown) -> None:
    """Raise parameter-invalid where the label is none."""
    try:
        check_label(shown.label)
    except ExampleError as error:
        raise _invalid("label", str(error)) from None


async def observe_example(shown: Shown, medium: Medium, context: AppContext) -> Example:
    """The example, for who waits. Raises SignError as a use case does, and where nothing of a sign is seen."""
    check_shown(shown)
    settings = context.settings
    deadline = Deadline.after(min(shown.timeout_s or settings.request_timeout_s, settings.request_timeout_s))
    track = await _look(shown, medium, context, OBSERVING, deadline)
    if track.media.duration is not None and lacks_hands(track):
        alone = await _look(shown, medium, context, HANDS_ALONE, deadline)
        track = with_all_parts(alone) if shows_more(alone, track) else track
    return _example(shown, track)


async def _look(
    shown: Shown, medium: Medium, context: AppContext, section: KeypointsSection, deadline: Deadline
) -> Track:
    clip = PipelineClip(
        medium=medium,
        deadline=deadline,
        preprocessing=section,
        start_s=shown.start_s,
        duration_s=shown.duration_s,
        mirrored=shown.mirrored,
    )
    walk = Walk.at_once(context, context.settings.teach_example_s)
    looked = await walk.look(clip, section, WindowRule(clip.start_s), start_of(clip))
    if looked is None:
        raise RuntimeError("a clip that somebody waits for gave way")
    return looked.track


def _example(shown: Shown, track: Track) -> Example:
    if track.media.duration is None:
        raise SignError("media-wrong-kind", "An example is a video of a sign, or a .pose file; this is a picture.")
    if check_label(shown.label) != NOTHING and not track.frames_with(HAND_PARTS):
        raise _invalid("file", NO_HAND)
    try:
        return make_example(shown.label, track, teacher=shown.teacher, source=shown.source, origin=shown.origin)
    except ExampleError as error:
        raise _invalid("file", str(error)) from None


def _invalid(parameter: str, problem: str) -> SignError:
    return SignError("parameter-invalid", problem, parameters=(ParameterError(parameter, problem),))
