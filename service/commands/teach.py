"""teach: a folder of clips, or landmarks, become a model that is served like any other."""

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Annotated

import numpy as np
import typer

from service.analysis.clip import PipelineClip
from service.commands.arguments import FromLandmarks, LandmarkRate, OneTeacher
from service.commands.batch import Batch, describe_problem, run_over_slots
from service.commands.environment import command_settings, configure_logs, misused, read_settings
from service.context import AppContext, open_without_models
from service.errors import InvalidModelError, SignError
from service.evaluation.data import DataError, LabeledClip
from service.evaluation.reading import read_data
from service.features.gathering import gather
from service.lessons.apart import run_apart
from service.media.medium import Medium
from service.own_store import OWN_STORE
from service.settings import Settings
from service.teaching.body import landmark_section
from service.teaching.examples import (
    NOTHING,
    Example,
    ExampleError,
    lacks_hands,
    make_example,
    shows_more,
    with_all_parts,
)
from service.teaching.labeled import of_teacher
from service.teaching.landmark_files import NO_HAND, read_landmarks
from service.teaching.publishing import PublishedAs, publish
from service.teaching.report import held_out_text, taught_text
from service.teaching.testing import measure_on
from service.teaching.training import TaughtModel, TrainOptions, check, train
from service.terminal import say
from service.track import HAND_PARTS
from service.workers.deadline import Deadline

MOST_SAID = 5
FOLDER, TEACHER = "folder", "teacher"

NEEDS_ONE = "Name a folder of clips, a CSV file or an AI-Hub folder, or give landmarks with --from-landmarks FILE.npz."


def teach_command(
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="A folder of class folders, a CSV (path,label), or an AI-Hub folder.",
            show_default=False,
        ),
    ] = None,
    *,
    name: Annotated[str, typer.Option(metavar="NAME", help="The model's name: small letters, digits, hyphens.")],
    from_landmarks: FromLandmarks = None,
    teacher: OneTeacher = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="WHO",
            help="Who signs: a column of the CSV, `folder` (the clip's own folder), `teacher` (of landmarks), or a "
            "regular expression with one group over the clip's name. The figures are then of people left out.",
        ),
    ] = None,
    takes: Annotated[
        int | None,
        typer.Option(metavar="K", min=1, help="Teach with the first K takes of each sign, and test on the others."),
    ] = None,
    spread: Annotated[bool, typer.Option("--spread", help="With --takes: K takes spread over all of a sign.")] = False,
    title: Annotated[str, typer.Option(help="The model's title. Default: its name.")] = "",
    license_name: Annotated[str, typer.Option("--license", help="What the teachers say of its use.")] = "",
    fps: LandmarkRate = None,
    store: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The model store. Default: SIGN_MODEL_STORE, else ./model_store."),
    ] = None,
) -> None:
    """Make a model of a few clips of each sign, say honestly how good it is, and publish it. Takes about a minute.

    A sign called `nothing` shows no sign: talking, scratching, waiting. docs/teach.md has the whole way.
    """
    if (data is None) == (from_landmarks is None):
        raise misused(NEEDS_ONE)
    if spread and takes is None:
        raise misused("--spread says which takes --takes K chooses; add --takes.")
    settings = read_settings()
    configure_logs("warning")
    try:
        if from_landmarks is not None:
            examples = _read(from_landmarks, fps, teacher)
        else:
            examples = _observe(Path(str(data)), group_by, settings)
        taught_on, tested_on = _divide(examples, takes, spread=spread)
        began = monotonic()
        taught = _train(taught_on, TrainOptions(by_teacher=group_by is not None), settings)
        seconds = monotonic() - began
        named = PublishedAs(name, title, **({"license": license_name} if license_name else {}))
        manifest = publish(taught, store or _writable(settings), named)
    except (DataError, ExampleError, InvalidModelError) as error:
        say(str(error), err=True)
        raise typer.Exit(1) from None
    except (SignError, OSError) as error:
        say(describe_problem(error), err=True)
        raise typer.Exit(1) from None
    say(taught_text(taught, manifest, seconds))
    if tested_on:
        say(held_out_text(measure_on(taught, tested_on)))


def _read(path: Path, fps: float | None, teacher: str | None) -> tuple[Example, ...]:
    found = read_landmarks(path, fps)
    _say_left_out(found.left_out)
    return found.examples if teacher is None else of_teacher(found.examples, teacher)


def _say_left_out(left_out: dict[str, str]) -> None:
    for clip, why in list(left_out.items())[:MOST_SAID]:
        say(f"{clip}: left out, {why}", err=True)
    if (more := len(left_out) - MOST_SAID) > 0:
        say(f"… and {more} more.", err=True)


def _observe(data: Path, group_by: str | None, settings: Settings) -> tuple[Example, ...]:
    """The clips' landmarks; what goes wrong with one is said, the others go on."""
    read = read_data(data)
    _say_left_out(read.left_out)
    teacher_of = _teachers(group_by, read.clips)
    found: dict[int, Example] = {}
    batch = Batch("looking", len(read.clips))

    async def look_at_all() -> None:
        async with open_without_models(command_settings(settings, len(read.clips))) as context:

            async def look_at(numbered: tuple[int, LabeledClip]) -> None:
                number, clip = numbered
                try:
                    found[number] = await _look(clip, teacher_of(clip), context)
                except (SignError, OSError) as error:
                    batch.fail(clip.name, error)
                except ExampleError as error:
                    batch.say(f"{clip.name}: left out, {error}")
                finally:
                    batch.finish_one(1.0)

            with batch.show():
                await run_over_slots(enumerate(read.clips), context.settings.slots, look_at)

    asyncio.run(look_at_all())
    return tuple(found[number] for number in sorted(found))


async def _look(clip: LabeledClip, teacher: str, context: AppContext) -> Example:
    """A clip's landmarks; of hands that stand alone in the picture where no body was found with them."""
    with clip.medium(context.spool) as medium:
        deadline = Deadline.after(context.settings.request_timeout_s)
        track = (await gather(_part(clip, medium, deadline, has_body=True), context)).track
        if lacks_hands(track):
            alone = (await gather(_part(clip, medium, deadline, has_body=False), context)).track
            track = with_all_parts(alone) if shows_more(alone, track) else track
    if clip.label.casefold() != NOTHING and not track.frames_with(HAND_PARTS):
        raise ExampleError(NO_HAND)
    return make_example(clip.label, track, teacher=teacher, source="file", origin=clip.name)


def _part(clip: LabeledClip, medium: Medium, deadline: Deadline, *, has_body: bool) -> PipelineClip:
    section = landmark_section(has_body=has_body)
    return PipelineClip(medium, deadline, section, start_s=clip.start_s, duration_s=clip.duration_s)


def _teachers(group_by: str | None, clips: Sequence[LabeledClip]) -> Callable[[LabeledClip], str]:
    """Who signs in a clip, as --group-by says; ends the program in words where it says nothing that is there."""
    if group_by is None:
        return lambda _: ""
    if group_by == FOLDER:
        return lambda clip: "" if clip.path is None else clip.path.parent.name
    columns = {column for clip in clips for column in clip.columns}
    if group_by.lower() in columns:
        return lambda clip: clip.columns.get(group_by.lower(), "")
    try:
        pattern = re.compile(group_by)
    except re.error as error:
        raise misused(f"--group-by {group_by}: {error}.") from None
    if pattern.groups != 1:
        known = ", ".join(sorted(columns - {"path", "label"})) or "none"
        raise misused(
            f"--group-by {group_by} is no column ({known}), not `folder`, and no expression with one (group)."
        )
    if unnamed := [clip.name for clip in clips if not pattern.search(clip.name)]:
        raise misused(f"--group-by {group_by} finds nobody in {unnamed[0]}, nor in {len(unnamed) - 1} others.")
    return lambda clip: str(found[1]) if (found := pattern.search(clip.name)) else ""


def _divide(examples: Sequence[Example], takes: int | None, *, spread: bool) -> tuple[list[Example], list[Example]]:
    """Those that teach, and those that test: of each sign the first takes, or some spread over all, and the others."""
    if takes is None:
        return list(examples), []
    taught: list[Example] = []
    tested: list[Example] = []
    for label in dict.fromkeys(one.label for one in examples):
        own = [one for one in examples if one.label == label]
        count = min(takes, len(own))
        chosen = {round(place) for place in np.linspace(0, len(own) - 1, count)} if spread else set(range(count))
        for place, one in enumerate(own):
            (taught if place in chosen else tested).append(one)
    return taught, tested


def _train(examples: Sequence[Example], options: TrainOptions, settings: Settings) -> TaughtModel:
    """In a process of its own, as the service does it: it takes one core, and no more memory than it may."""
    check(examples)
    batch = Batch("teaching", 1)
    told = 0.0

    async def tell(share: float) -> None:
        nonlocal told
        batch.advance(share - told)
        told = share

    with batch.show():
        return asyncio.run(run_apart(_work, (tuple(examples), options), tell, settings.teach_memory_bytes))


def _work(argument: tuple[tuple[Example, ...], TrainOptions], tell: Callable[[float], None]) -> TaughtModel:
    examples, options = argument
    return train(examples, options, lambda _phase, share: tell(share))


def _writable(settings: Settings) -> Path:
    """The store to publish in: never the one inside the installed package, which the next installation replaces."""
    store = settings.model_store
    return Path("model_store") if store == OWN_STORE and not (OWN_STORE.parent / "pyproject.toml").is_file() else store
