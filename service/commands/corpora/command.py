"""batch: one question asked of a whole corpus, its answers in one Parquet file."""

import asyncio
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from service.commands.arguments import with_options
from service.commands.batch import Batch, describe_problem
from service.commands.corpora.items import Shard, find_items
from service.commands.corpora.question import Question
from service.commands.corpora.results import RESULT, Results
from service.commands.environment import configure_logs, misused, read_settings
from service.commands.outputs import ending_of
from service.context import AppContext
from service.contract.options import (
    HighlightsFormat,
    HighlightsOptions,
    MediumOptions,
    PredictOptions,
    TimelineFormat,
    TimelineOptions,
)
from service.contract.use_cases import USE_CASES
from service.errors import SignError
from service.metrics import Metrics
from service.registry.registry import Registry
from service.settings import Settings
from service.terminal import say
from service.workers.slots import Slots

batch_commands = typer.Typer(no_args_is_help=True, help="Ask one question of a whole corpus: docs/batch.md.")

Input = Annotated[
    str,
    typer.Argument(
        metavar="INPUT",
        help="A folder, a pattern, a .csv or .parquet of paths, or s3://…",
        show_default=False,
    ),
]
Output = Annotated[Path, typer.Option(metavar="FOLDER", help="Where results.parquet goes, and what it is made of.")]
OnRay = Annotated[
    str | None,
    typer.Option("--ray", metavar="ADDRESS|local", help="On a Ray cluster in place of this machine's slots."),
]
OneShard = Annotated[
    str | None, typer.Option("--shard", metavar="I/N", help="Only this part of the corpus; then `batch merge FOLDER`.")
]
FeaturesFormat = Literal["npz", "csv", "pose"]


@batch_commands.command("predict")
@with_options(PredictOptions)
def predict_corpus(
    options: PredictOptions,
    given: Input,
    *,
    output: Output,
    format_name: Annotated[
        Literal["json"] | None, typer.Option("--format", help="A file for each medium besides.")
    ] = None,
    ray: OnRay = None,
    shard: OneShard = None,
) -> None:
    """Say what is signed in each medium: a row each."""
    _ask("predict", options, given, output, format_name, ray, shard)


@batch_commands.command("timeline")
@with_options(TimelineOptions)
def timeline_corpus(
    options: TimelineOptions,
    given: Input,
    *,
    output: Output,
    format_name: Annotated[
        TimelineFormat | None, typer.Option("--format", help="A file for each medium besides.")
    ] = None,
    ray: OnRay = None,
    shard: OneShard = None,
) -> None:
    """Say what is signed when in each medium: a row a segment."""
    _ask("timeline", options, given, output, format_name, ray, shard)


@batch_commands.command("highlights")
@with_options(HighlightsOptions)
def highlights_corpus(
    options: HighlightsOptions,
    given: Input,
    *,
    output: Output,
    format_name: Annotated[
        HighlightsFormat | None, typer.Option("--format", help="A file for each medium besides.")
    ] = None,
    ray: OnRay = None,
    shard: OneShard = None,
) -> None:
    """Find the moments of each medium that stand out: a row a moment."""
    _ask("highlights", options, given, output, format_name, ray, shard)


@batch_commands.command("features")
@with_options(PredictOptions, "model", "version", "start_time", "clip_duration", "mirrored")
def features_corpus(
    options: PredictOptions,
    given: Input,
    *,
    output: Output,
    format_name: Annotated[FeaturesFormat, typer.Option("--format", help="Of the file for each medium.")] = "npz",
    ray: OnRay = None,
    shard: OneShard = None,
) -> None:
    """Write what a model's pipeline sees in each medium: a row and a file each."""
    _ask("features", options, given, output, format_name, ray, shard)


@batch_commands.command("merge")
def merge_corpus(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The --output of all shards.", show_default=False)],
) -> None:
    """Put the parts of all shards into one results.parquet; again, as often as parts are added."""
    _need("pyarrow", "batch")
    if not folder.is_dir():
        raise misused(f"{folder}: there is no such folder.")
    _merge(Results(folder))


def _ask(
    kind: str,
    options: MediumOptions,
    given: str,
    output: Path,
    format_name: str | None,
    ray: str | None,
    shard: str | None,
) -> None:
    _need("pyarrow", "batch")
    if ray is not None:
        _need("ray", "ray")
    own = Shard.parse(shard or "1/1")
    settings = read_settings()
    configure_logs("warning")
    items = [item for item in find_items(given) if own.has(item)]
    try:
        ending = "" if format_name is None else _ending(kind, format_name)
        question = Question(kind, options, output.absolute(), format_name, ending)
        model = asyncio.run(_find_model(question, settings))
        options = options.model_copy(update={"model": model[0], "version": model[1]})
        question = replace(question, options=options)
        results = Results(output)
        results.claim({"kind": kind, "format": format_name, "options": options.model_dump(mode="json")})
        _answer(question, model, items, settings, results, ray)
    except SignError as error:  # of the model, so of all
        say(describe_problem(error), err=True)
        raise typer.Exit(1) from None
    if shard is None:
        _merge(results)
    else:
        say(f"This part is done. When all are: sign-service batch merge {output}", err=True)


def _answer(
    question: Question, model: tuple[str, int], items: list[Any], settings: Settings, results: Results, ray: str | None
) -> None:
    from service.commands.corpora.keeping import Keeping  # noqa: PLC0415 - beside what needs the extras
    from service.commands.corpora.on_slots import answer_on_slots  # noqa: PLC0415

    done = results.done()
    left = [item for item in items if item.name not in done]
    if len(left) < len(items):
        say(f"{len(items) - len(left)} of {len(items)} media are done already.", err=True)
    if not left:
        return
    batch = Batch(question.kind, len(left))
    keeping = Keeping(question, results, batch)
    try:
        if ray is None:
            asyncio.run(answer_on_slots(question, model, left, settings, batch, keeping))
        else:
            from service.commands.corpora.on_ray import answer_on_ray  # noqa: PLC0415 - an extra

            answer_on_ray(question, model, left, settings, batch, keeping, ray)
    finally:  # also where somebody ends it
        keeping.flush()
    if keeping.failed:
        say(
            f"{keeping.failed} of {len(left)} media have no answer; the column `error` of their rows says why.",
            err=True,
        )


async def _find_model(question: Question, settings: Settings) -> tuple[str, int]:
    """The model and its version that are asked, so that all processes and all later runs ask the same.

    Raises SignError, or ends the program in words, where it cannot be asked this of any medium.
    """
    options, metrics = question.options, Metrics()
    registry = Registry(settings, metrics)
    try:
        name = options.model_of(settings)
        await registry.start((name,))
        if options.version is not None:
            await registry.load(name, options.version)
        await registry.wait_until_loaded()
        served = await registry.get(name, options.version)
        question.check(AppContext(settings, metrics, registry, Slots(settings, metrics), Path()), served)
        return served.manifest.name, served.manifest.version
    finally:
        await registry.close()


def _ending(kind: str, format_name: str) -> str:
    return f".{format_name}" if kind == "features" else ending_of(format_name, USE_CASES[kind].formats)


def _merge(results: Results) -> None:
    media, rows = results.merge()
    say(f"{results.folder / RESULT}: {rows} rows of {media} media", err=True)


def _need(package: str, extra: str) -> None:
    if find_spec(package) is None:
        raise misused(f"{package} is not installed: pip install 'sign-service[{extra}]'")
