"""features: what a model's pipeline sees, as files to train the next one on."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from service.analysis.clip import AnyClip, PipelineClip
from service.commands.arguments import Files, Overwrite, SkipExisting, with_options
from service.commands.batch import (
    Batch,
    OnProgress,
    describe_problem,
    is_wanted,
    process_all,
    say_left_out,
    work_through,
)
from service.commands.environment import command_settings, configure_logs, misused, read_settings
from service.commands.inputs import InputFile, Inputs, find_inputs
from service.commands.joint_file import JointFile
from service.commands.outputs import Outputs, plan_outputs, put, refuse_existing, stem, write_whole
from service.context import AppContext, open_without_models
from service.contract.options import PredictOptions
from service.contract.requests import make_clip_request
from service.errors import SignError
from service.features.crops import Crops
from service.features.gathering import gather, preprocessing_to_gather, preprocessing_to_look
from service.features.pose import features_to_pose
from service.features.tables import Gathered, features_to_csv, features_to_npz
from service.observe.request import LandmarkRequest, ObserverRequest
from service.pipelines import Observing
from service.pipelines.kind import needs_a_model
from service.pipelines.presets import preset_names, read_preset, read_section
from service.registry.registry import ServedModel
from service.settings import Settings
from service.terminal import say
from service.track import Track
from service.workers.deadline import Deadline

FeaturesFormat = Literal["npz", "csv", "pose"]

NEEDS_OUTPUT = "Say where the features go: --out FILE.npz, FILE.csv, FILE.pose or FOLDER, or --crops FOLDER."
ONE_A_FILE = "A .pose file holds one medium; for several name a folder: --out FOLDER --format pose"
ONE_OF_BOTH = "--pipeline looks without a model; leave out --model and --version."
NEEDS_FORMAT = "--out names a folder, so --format says what its files are: npz, csv or pose."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is written. joint: one file for all media, None where each has its own in `outputs`, if any."""

    format: FeaturesFormat | None
    joint: JointFile | None
    outputs: Outputs
    crops: Path | None
    looked_by: list[str] = field(default_factory=list)

    @property
    def keeps(self) -> bool:
        """Whether more is wanted than crops."""
        return self.format is not None


@with_options(PredictOptions, "model", "version", "start_time", "clip_duration", "mirrored")
def features_command(
    options: PredictOptions,
    files: Files,
    *,
    out: Annotated[
        str | None,
        typer.Option(metavar="FILE|FOLDER", help="FILE.npz or .csv for all, FILE.pose for one, or a folder."),
    ] = None,
    format_name: Annotated[
        FeaturesFormat | None, typer.Option("--format", help="What the files in an --out FOLDER are.")
    ] = None,
    pipeline: Annotated[
        str | None,
        typer.Option(
            metavar="PRESET|FILE.json", help="Look as this preset does, or a section of your own; no model is needed."
        ),
    ] = None,
    crops: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the pictures that a model of pictures is given.")
    ] = None,
    skip_existing: SkipExisting = False,
    overwrite: Overwrite = False,
) -> None:
    """Write what a model's pipeline, or --pipeline alone, sees in each FILE: landmarks, faces' numbers, or crops.

    docs/command-line.md describes the files.
    """
    inputs = find_inputs(files)
    wanted = _wanted(inputs, out, format_name, crops, skip_existing=skip_existing, overwrite=overwrite)
    if pipeline is not None and (options.model, options.version) != (None, None):
        raise misused(ONE_OF_BOTH)
    preprocessing = None if pipeline is None else _named_pipeline(pipeline)
    if preprocessing is not None:
        _check(preprocessing, str(pipeline), wanted)
    settings = read_settings()
    configure_logs("warning")
    say_left_out(inputs)
    batch = Batch("features", len(inputs.media))
    media = [input_file for input_file in inputs.media if is_wanted(input_file, wanted.outputs, batch)]
    try:
        if preprocessing is None:
            _look_with_model(options, media, batch, settings, wanted)
        elif media:
            wanted.looked_by.append(f"pipeline:{Path(str(pipeline)).stem}")
            asyncio.run(_look_without_model(preprocessing, options, media, batch, settings, wanted))
    except SignError as error:
        say(describe_problem(error), err=True)
        raise typer.Exit(1) from None
    finally:  # also where somebody ends it
        _finish(wanted, batch)
    if batch.failed or inputs.empty:
        raise typer.Exit(1)


def _finish(wanted: Wanted, batch: Batch) -> None:
    if wanted.joint is not None:
        try:
            wanted.joint.finish()
        except OSError as error:
            batch.fail("features", error)


def _named_pipeline(named: str) -> Observing:
    """The section that --pipeline names; ends the program in words where it names none that can look by itself."""
    try:
        section = read_section(Path(named).read_bytes()) if named.endswith(".json") else read_preset(named)
    except KeyError:
        raise misused(f"--pipeline {named} is no preset. There are: {', '.join(preset_names())}") from None
    except OSError as error:
        raise misused(f"--pipeline {named}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise misused(f"--pipeline {named}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    if section is None or needs_a_model(section):
        raise misused(f"--pipeline {named} gives what a network answers; publish the model and name it with --model.")
    return section


def _look_with_model(
    options: PredictOptions, media: Sequence[InputFile], batch: Batch, settings: Settings, wanted: Wanted
) -> None:
    def check(served: ServedModel, _context: AppContext) -> None:
        _check(preprocessing_to_gather(served), (served.required or served).manifest.name, wanted)
        wanted.looked_by.append(f"{served.manifest.name}:{served.manifest.version}")

    async def work(
        number: int, input_file: InputFile, context: AppContext, served: ServedModel, on_progress: OnProgress
    ) -> None:
        clip = make_clip_request(options, input_file.medium, context, served, duration_s=options.clip_duration)
        await _look(number, input_file, clip, context, wanted, on_progress)

    process_all(media, batch, settings, (options.model_of(settings), options.version), check, work)


async def _look_without_model(
    preprocessing: Observing,
    options: PredictOptions,
    media: Sequence[InputFile],
    batch: Batch,
    settings: Settings,
    wanted: Wanted,
) -> None:
    async with open_without_models(command_settings(settings, len(media))) as context:

        async def work(number: int, input_file: InputFile, on_progress: OnProgress) -> None:
            deadline = Deadline.after(context.settings.request_timeout_s)
            clip = PipelineClip(
                input_file.medium,
                deadline,
                preprocessing,
                start_s=options.start_time,
                duration_s=options.clip_duration,
                mirrored=options.mirrored,
            )
            await _look(number, input_file, clip, context, wanted, on_progress)

        await work_through(media, batch, context.settings.slots, work)


async def _look(
    number: int, input_file: InputFile, clip: AnyClip, context: AppContext, wanted: Wanted, on_progress: OnProgress
) -> None:
    """Gather one medium's features, and write or keep them."""
    on_pictures = _crop_writer(wanted, input_file, preprocessing_to_look(clip).request)
    found = await gather(clip, context, keep=wanted.keeps, on_pictures=on_pictures, on_progress=on_progress)
    one = Gathered(str(input_file.path), input_file.label, found)
    if wanted.joint is not None:
        await wanted.joint.add(number, one)
    elif (place := wanted.outputs.paths[input_file]) is not None:
        await asyncio.to_thread(
            write_whole, place, await asyncio.to_thread(_file, wanted.format, [one], wanted.looked_by)
        )


def _wanted(
    inputs: Inputs,
    out: str | None,
    format_name: FeaturesFormat | None,
    crops: Path | None,
    *,
    skip_existing: bool,
    overwrite: bool,
) -> Wanted:
    """What the options ask to be written; ends the program in words where they do not fit together."""
    if crops is not None and crops.is_dir() and any(crops.iterdir()) and not overwrite:
        raise misused(f"{crops} holds files already; --overwrite writes into it.")
    nowhere = plan_outputs(inputs, None, "")
    if out is None:
        if crops is None or format_name is not None:
            raise misused(NEEDS_OUTPUT)
        return Wanted(None, None, nowhere, crops)
    path = Path(out)
    suffix = path.suffix.lower().removeprefix(".")
    if path.is_dir() or suffix not in ("npz", "csv", "pose"):
        if format_name is None:
            raise misused(NEEDS_FORMAT)
        outputs = plan_outputs(inputs, f"{out}/", f".{format_name}", overwrite=overwrite, skip_existing=skip_existing)
        return Wanted(format_name, None, outputs, crops)
    if format_name not in (None, suffix):
        raise misused(f"--out {out} is no .{format_name} file.")
    if suffix == "pose":
        if inputs.many:
            raise misused(ONE_A_FILE)
        return Wanted(
            "pose", None, plan_outputs(inputs, out, "", overwrite=overwrite, skip_existing=skip_existing), crops
        )
    refuse_existing(path, overwrite=overwrite)
    looked_by: list[str] = []
    joint = JointFile(path, lambda gathered: _file(suffix, gathered, looked_by))
    return Wanted("npz" if suffix == "npz" else "csv", joint, nowhere, crops, looked_by)


def _check(preprocessing: Observing, name: str, wanted: Wanted) -> None:
    """End the program in words where the pipeline sees nothing of what is wanted."""
    check_format(preprocessing, name, wanted.format)
    if wanted.crops is not None and preprocessing.features not in ("pictures", "outputs"):
        raise misused(f"{name} is given no single pictures, so there are no crops to write; name another --model.")


def check_format(preprocessing: Observing, name: str, format_name: str | None) -> None:
    """End the program in words where what the pipeline sees is not written so."""
    if format_name == "pose" and not isinstance(preprocessing.request, LandmarkRequest):
        raise misused(f"{name} looks at pictures, so there are no landmarks to write as .pose.")
    if format_name == "csv" and preprocessing.features == "pictures":
        raise misused(f"{name} looks at pictures, which have no columns; write them as .npz, or as files with --crops.")


def _crop_writer(wanted: Wanted, input_file: InputFile, request: ObserverRequest) -> "partial[None] | None":
    if wanted.crops is None or isinstance(request, LandmarkRequest):
        return None
    return partial(_write_crops, Crops(wanted.crops / input_file.folder, stem(input_file.path), request))


def _write_crops(crops: Crops, track: Track) -> None:
    for path, content in crops.pictures(track):
        put(path, content)


def _file(format_name: str | None, gathered: list[Gathered], looked_by: Sequence[str]) -> bytes:
    if format_name == "pose":
        return features_to_pose(gathered[0].features)
    if format_name == "csv":
        return features_to_csv(gathered).encode()
    return features_to_npz(gathered, looked_by[0])
