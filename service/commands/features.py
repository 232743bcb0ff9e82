"""features: what a model's pipeline sees, as files to train the next one on."""

import asyncio
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from service.analysis.clip import ClipRequest
from service.commands.arguments import Files, Overwrite, SkipExisting, with_options
from service.commands.batch import Batch, OnProgress, is_wanted, process_all, say_left_out
from service.commands.environment import configure_logs, misused, read_settings
from service.commands.inputs import InputFile, Inputs, find_inputs
from service.commands.outputs import Outputs, plan_outputs, put, refuse_existing, stem, write_whole
from service.context import AppContext
from service.contract.options import PredictOptions
from service.features.crops import Crops
from service.features.gathering import gather, preprocessing_to_gather
from service.features.pose import features_to_pose
from service.features.tables import Gathered, features_to_csv, features_to_npz
from service.observe.request import LandmarkRequest, ObserverRequest
from service.registry.manifest import Manifest
from service.registry.registry import ServedModel
from service.track import Track
from service.workers.deadline import Deadline

FeaturesFormat = Literal["npz", "csv", "pose"]

NEEDS_OUTPUT = "Say where the features go: --out FILE.npz, FILE.csv, FILE.pose or FOLDER, or --crops FOLDER."
ONE_A_FILE = "A .pose file holds one medium; for several name a folder: --out FOLDER --format pose"
NEEDS_FORMAT = "--out names a folder, so --format says what its files are: npz, csv or pose."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is written. joint: one file for all media, None where each has its own in `outputs`, if any."""

    format: FeaturesFormat | None
    joint: Path | None
    outputs: Outputs
    crops: Path | None
    gathered: dict[int, Gathered] = field(default_factory=dict)

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
    crops: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the pictures that a model of pictures is given.")
    ] = None,
    skip_existing: SkipExisting = False,
    overwrite: Overwrite = False,
) -> None:
    """Write what a model's pipeline sees in each FILE: landmarks, faces' numbers, or crops.

    docs/command-line.md describes the files.
    """
    inputs = find_inputs(files)
    wanted = _wanted(inputs, out, format_name, crops, skip_existing=skip_existing, overwrite=overwrite)
    settings = read_settings()
    configure_logs("warning")
    say_left_out(inputs)
    batch = Batch("features", len(inputs.media))
    media = [input_file for input_file in inputs.media if is_wanted(input_file, wanted.outputs, batch)]
    manifests: list[Manifest] = []

    def check(served: ServedModel, _context: AppContext) -> None:
        _check(served, wanted)
        manifests.append(served.manifest)

    async def work(
        number: int, input_file: InputFile, context: AppContext, served: ServedModel, on_progress: OnProgress
    ) -> None:
        clip = ClipRequest(
            medium=input_file.medium,
            deadline=Deadline.after(settings.request_timeout_s),
            model=served,
            start_s=options.start_time,
            duration_s=options.clip_duration,
            mirrored=options.mirrored,
        )
        on_pictures = _crop_writer(wanted, input_file, preprocessing_to_gather(served).request)
        found = await gather(clip, context, keep=wanted.keeps, on_pictures=on_pictures, on_progress=on_progress)
        one = Gathered(str(input_file.path), input_file.label, found)
        if wanted.joint is not None:
            wanted.gathered[number] = one
        elif (place := wanted.outputs.paths[input_file]) is not None:
            content = await asyncio.to_thread(_file, [one], served.manifest, wanted.format)
            await asyncio.to_thread(write_whole, place, content)

    process_all(media, batch, settings, (options.model_of(settings), options.version), check, work)
    if wanted.joint is not None and wanted.gathered:
        in_order = [wanted.gathered[number] for number in sorted(wanted.gathered)]
        write_whole(wanted.joint, _file(in_order, manifests[0], wanted.format))
    if batch.failed or inputs.empty:
        raise typer.Exit(1)


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
    return Wanted("npz" if suffix == "npz" else "csv", path, nowhere, crops)


def _check(served: ServedModel, wanted: Wanted) -> None:
    """End the program in words where the model sees nothing of what is wanted."""
    preprocessing, name = preprocessing_to_gather(served), (served.required or served).manifest.name
    landmarks = isinstance(preprocessing.request, LandmarkRequest)
    if wanted.format == "pose" and not landmarks:
        raise misused(f"{name} looks at pictures, so there are no landmarks to write as .pose.")
    if wanted.format == "csv" and preprocessing.features == "pictures":
        raise misused(f"{name} looks at pictures, which have no columns; write them as .npz, or as files with --crops.")
    if wanted.crops is not None and preprocessing.features not in ("pictures", "outputs"):
        raise misused(f"{name} is given no single pictures, so there are no crops to write; name another --model.")


def _crop_writer(wanted: Wanted, input_file: InputFile, request: ObserverRequest) -> "partial[None] | None":
    if wanted.crops is None or isinstance(request, LandmarkRequest):
        return None
    return partial(_write_crops, Crops(wanted.crops / input_file.folder, stem(input_file.path), request))


def _write_crops(crops: Crops, track: Track) -> None:
    for path, content in crops.pictures(track):
        put(path, content)


def _file(gathered: list[Gathered], manifest: Manifest, format_name: FeaturesFormat | None) -> bytes:
    if format_name == "pose":
        return features_to_pose(gathered[0].features)
    return features_to_csv(gathered).encode() if format_name == "csv" else features_to_npz(gathered, manifest)
