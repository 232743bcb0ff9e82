"""evaluate: how well a model does on labeled clips, and what can be fitted on them."""

import asyncio
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from service.analysis.clip import preprocessing_of
from service.commands.arguments import FromLandmarks, LandmarkRate, OneTeacher, Overwrite, with_options
from service.commands.batch import Batch, describe_problem, run_over_slots
from service.commands.environment import command_settings, configure_logs, misused, read_settings
from service.commands.outputs import refuse_existing, write_whole
from service.context import open_services
from service.contract.options import PredictOptions
from service.errors import SignError
from service.evaluation.data import DataError, LabeledClip, LabeledData
from service.evaluation.evaluate import Measured, ThresholdTarget, measure, report_of
from service.evaluation.examining import Examined, examine
from service.evaluation.labels import Matched, match_labels
from service.evaluation.picture import confusion_png
from service.evaluation.printed import figures_text
from service.evaluation.reading import read_data
from service.registry.manifest import Manifest
from service.registry.report import report_json
from service.settings import Settings
from service.teaching.labeled import read_labeled
from service.terminal import say

PRECISION = 0.95
MOST_SAID, MOST_LABELS_SAID = 5, 20
NEEDS_ONE = "Name a folder of clips, a CSV file or an AI-Hub folder, or give landmarks with --from-landmarks FILE.npz."
ALL_CLIPS = "all clips of the data"
FITTED = "all clips of the data; temperature and threshold were fitted on the same clips"


@with_options(PredictOptions, "model", "version", "mirrored")
def evaluate_command(
    options: PredictOptions,
    data: Annotated[
        Path | None,
        typer.Argument(
            metavar="DATA",
            help="A folder of class folders, a CSV (path,label or Sign-MNIST rows), an AI-Hub folder, or ELAN's .eaf.",
            show_default=False,
        ),
    ] = None,
    *,
    tier: Annotated[
        str | None,
        typer.Option(help="The tier of ELAN's annotations that has the labels. Default: signs, or the only one."),
    ] = None,
    from_landmarks: FromLandmarks = None,
    teacher: OneTeacher = None,
    fps: LandmarkRate = None,
    others: Annotated[
        bool,
        typer.Option(
            "--others",
            help="Clips of labels that the model does not have are to be declined, instead of being left out.",
        ),
    ] = False,
    fit: Annotated[bool, typer.Option("--fit", help="Fit temperature and threshold on these clips.")] = False,
    precision: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="With --fit: the share of answers that are to be right. Default: 0.95."),
    ] = None,
    coverage: Annotated[
        float | None, typer.Option(min=0, max=1, help="With --fit, instead: the share of clips to be answered.")
    ] = None,
    dataset: Annotated[str | None, typer.Option(help="The data's name in the report. Default: DATA's.")] = None,
    protocol: Annotated[str | None, typer.Option(help="How the data was divided, for the report.")] = None,
    write_report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what `python -m convert calibrate` publishes.")
    ] = None,
    picture: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Draw the confusion matrix.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Say how well a model does on labeled clips: accuracy, macro F1, coverage, by class, and what it confuses.

    Nothing is written to the model store; `python -m convert calibrate NAME --report FILE` publishes what was fitted.
    """
    target = _read_target(fit=fit, precision=precision, coverage=coverage)
    for file in (write_report, picture):
        refuse_existing(file, overwrite=overwrite)
    if (data is None) == (from_landmarks is None):
        raise misused(NEEDS_ONE)

    def read_all() -> LabeledData:
        return (
            read_data(Path(str(data)), tier) if from_landmarks is None else read_labeled(from_landmarks, fps, teacher)
        )

    read, evaluated = _evaluate(read_all, options, others=others)
    measured = measure(evaluated.examined, evaluated.manifest, target)
    say(text_of(measured))
    if picture is not None:
        write_whole(picture, confusion_png(measured.figures))
    if write_report is not None:
        report = report_of(
            measured,
            dataset=dataset or read.name,
            protocol=protocol or (ALL_CLIPS if target is None else FITTED),
            left_out=evaluated.left_out,
            command=shlex.join(["python", "-m", "service", *sys.argv[1:]]),
        )
        write_whole(write_report, report_json(report).encode())
    if evaluated.failed:
        raise typer.Exit(1)


def _evaluate(
    read_all: Callable[[], LabeledData], options: PredictOptions, *, others: bool
) -> tuple[LabeledData, "_Evaluated"]:
    """The data, and what the model says of it. Ends the program with 1 where there is nothing to measure on."""
    settings = read_settings()
    configure_logs("warning")
    try:
        read = read_all()
        evaluated = asyncio.run(_examine_all(read, options, settings, others=others))
    except (DataError, OSError, SignError) as error:
        say(str(error) if isinstance(error, DataError) else describe_problem(error), err=True)
        raise typer.Exit(1) from None
    if not evaluated.examined:
        say("No clip is left to measure on.", err=True)
        raise typer.Exit(1)
    return read, evaluated


@dataclass(frozen=True, slots=True)
class _Evaluated:
    """What was looked at. left_out: name → why, of clips that were not; failed: how many of them should have been."""

    manifest: Manifest
    examined: list[Examined]
    left_out: dict[str, str]
    failed: int


async def _examine_all(read: LabeledData, options: PredictOptions, settings: Settings, *, others: bool) -> _Evaluated:
    """Look at all clips whose label the model knows; what goes wrong with one is said, the others go on.

    others: whether clips of other labels are looked at as well, as what the model is to decline.
    """
    own = command_settings(settings, len(read.clips))
    asked = (options.model_of(settings), options.version)
    async with open_services(own, only=asked) as context:
        served = await context.registry.get(*asked)
        preprocessing_of(served, ("sign",))
        manifest = served.manifest
        if others and not manifest.idle_labels:
            raise DataError(f"{manifest.name} has no label for what it does not know; leave out --others.")
        matched = match_labels(read.clips, manifest.labels or (), manifest.idle_labels[0] if others else None)
        batch = Batch("evaluate", len(matched.clips))
        _say_left_out(batch, read, matched, manifest)
        left_out = {**read.left_out, **matched.left_out}
        examined: dict[int, Examined] = {}

        async def look_at(numbered: tuple[int, tuple[LabeledClip, int]]) -> None:
            number, (clip, truth) = numbered
            try:
                examined[number] = await examine(clip, truth, served, context, mirrored=options.mirrored)
            except (SignError, OSError) as error:
                batch.fail(clip.name, error)
                left_out[clip.name] = describe_problem(error)
            finally:
                batch.finish_one(1.0)

        with batch.show():
            await run_over_slots(enumerate(matched.clips), context.settings.slots, look_at)
    in_order = [examined[number] for number in sorted(examined)]
    return _Evaluated(manifest, in_order, left_out, batch.failed)


def _say_left_out(batch: Batch, read: LabeledData, matched: Matched, manifest: Manifest) -> None:
    for name, why in list(read.left_out.items())[:MOST_SAID]:
        batch.say(f"{name}: left out, {why}")
    if (more := len(read.left_out) - MOST_SAID) > 0:
        batch.say(f"… and {more} more; --write-report lists all that is left out.")
    if matched.unknown:
        counted = [f"{label} ({clips})" for label, clips in sorted(matched.unknown.items())]
        labels = ", ".join([*counted[:MOST_LABELS_SAID], *(["…"] if len(counted) > MOST_LABELS_SAID else [])])
        total = sum(matched.unknown.values())
        batch.say(f"{manifest.name} does not know these labels, so {total} of the clips are left out: {labels}")


def _read_target(*, fit: bool, precision: float | None, coverage: float | None) -> ThresholdTarget | None:
    if not fit:
        if precision is not None or coverage is not None:
            raise misused("--precision and --coverage say what --fit fits the threshold for; add --fit.")
        return None
    if precision is not None and coverage is not None:
        raise misused("A threshold is fitted for a precision or for a coverage; name one of both.")
    return (
        ThresholdTarget(coverage=coverage)
        if coverage is not None
        else ThresholdTarget(precision=PRECISION if precision is None else precision)
    )


def text_of(measured: Measured) -> str:
    """The figures, and what was fitted, for a person."""
    manifest, output = measured.manifest, measured.output
    lines = [f"{manifest.name} version {manifest.version}", "", figures_text(measured.figures, output.threshold)]
    if (fitted := measured.temperature) is not None:
        lines.append(
            f"temperature {manifest.output.temperature:g} → {fitted.temperature:.4g}"
            f"   (log loss {fitted.before:.4f} → {fitted.after:.4f})"
        )
    if (found := measured.threshold) is not None:
        lines.append(
            f"threshold   {manifest.output.threshold:g} → {found.threshold:.4g}"
            f"   (right of answered {found.precision:.4f}, answered {found.coverage:.4f}, with the temperature above)"
        )
    if measured.temperature is not None or measured.threshold is not None:
        lines.append("They were fitted on the clips that they are measured on; other clips will do a little worse.")
    return "\n".join([*lines, *measured.unfitted])
