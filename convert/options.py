"""The options that all publishing commands share: declared once, handed to each as its PublishOptions."""

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from service.own_store import default_store

if TYPE_CHECKING:
    from convert.draft import PublishOptions
    from convert.report import Report

OpenPrinter = Callable[[bool], AbstractContextManager[Callable[["Report"], None]]]
"""Opened with --json or not: takes the report and prints it, or prints the error and ends with its exit code."""


class Task(StrEnum):
    """Which route a model answers."""

    SIGN = "sign"
    FEATURES = "features"
    AFFECT = "affect"
    HIGHLIGHT = "highlight"


class Activation(StrEnum):
    """What the service applies to an output."""

    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"
    NONE = "none"
    PROBABILITIES = "probabilities"


FileArgument = Annotated[Path, typer.Argument(help="The model file.")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print a result for programs.")]
StoreOption = Annotated[Path, typer.Option("--store", help="The folder of models.")]
FOUND_STORE: Final = default_store()
"""What is read where no store is named; published is always into ./model_store."""
GoldenOption = Annotated[
    Path | None, typer.Option("--golden", help="The original's inputs x0 … and outputs y0 …: FILE.npz, or x.npy,y.npy.")
]


def with_publish_options(command: Callable[..., None]) -> Callable[..., None]:
    """`command(options=…, …)` as typer is to see it: with its own options, and those that make up the PublishOptions.

    A command's own option takes the place of a shared one with its name.
    """
    own = [one for one in inspect.signature(command).parameters.values() if one.name != "options"]
    taken = {one.name for one in own}
    shared = [one for one in inspect.signature(_collect_options).parameters.values() if one.name not in taken]

    def run(**given: object) -> None:
        options = _collect_options(**{one.name: given.pop(one.name) for one in shared})  # type: ignore[arg-type]
        command(options=options, **given)

    both = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *shared)]
    run.__signature__ = inspect.Signature(both)  # type: ignore[attr-defined]  # typer reads it
    run.__doc__ = command.__doc__
    return run


def _collect_options(  # noqa: PLR0913 - one option a fact of the manifest; typer passes them by name
    *,
    name: Annotated[str, typer.Option("--name", help="The model's name in the store.")],
    store: StoreOption = Path("model_store"),
    pipeline: Annotated[str | None, typer.Option("--pipeline", help="A preset, or FILE.json with a section.")] = None,
    layout: Annotated[str | None, typer.Option("--layout", help="A layout of landmarks alone.")] = None,
    labels: Annotated[str | None, typer.Option("--labels", help="File, FILE.csv:COLUMN or folder of classes.")] = None,
    encoding: Annotated[str, typer.Option("--encoding", help="Of the label file; found by itself.")] = "utf-8",
    settings: Annotated[list[str] | None, typer.Option("--set", help="PATH=VALUE, changes the preset.")] = None,
    task: Annotated[Task | None, typer.Option("--task", help="Which route the model answers.")] = None,
    requires: Annotated[str | None, typer.Option("--requires", help="NAME[:V]: whose output it reads.")] = None,
    activation: Annotated[
        Activation | None, typer.Option("--activation", help="What the service has yet to apply to the output.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", help="Of several classes the one that is the tension of /highlights.")
    ] = None,
    window_s: Annotated[float | None, typer.Option("--window-s", help="Seconds that one answer looks at.")] = None,
    stride_s: Annotated[float | None, typer.Option("--stride-s", help="Seconds between answers.")] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="Below it the service declines.")] = None,
    idle: Annotated[list[str] | None, typer.Option("--idle", help="A label that is no sign.")] = None,
    title: Annotated[str | None, typer.Option("--title")] = None,
    license_: Annotated[str | None, typer.Option("--license")] = None,
    attribution: Annotated[list[str] | None, typer.Option("--attribution")] = None,
    language: Annotated[str | None, typer.Option("--language", help="ISO 639-3 of the sign language.")] = None,
    unit: Annotated[str | None, typer.Option("--unit", help="letter or word.")] = None,
    details: Annotated[Path | None, typer.Option("--details", help="Further manifest fields (JSON).")] = None,
    golden: GoldenOption = None,
    assume: Annotated[
        bool, typer.Option("--assume", help="Publish although the structure is assumed; parity is named not proven.")
    ] = False,
) -> "PublishOptions":
    from convert.draft import PublishOptions  # noqa: PLC0415 - heavy

    return PublishOptions(
        name=name,
        store=store,
        pipeline=pipeline,
        layout=layout,
        labels=labels,
        encoding=encoding,
        settings=tuple(settings or ()),
        task=task.value if task else None,
        requires=requires,
        activation=activation.value if activation else None,
        channel=channel,
        window_s=window_s,
        stride_s=stride_s,
        threshold=threshold,
        idle=tuple(idle or ()),
        title=title,
        license=license_,
        attribution=tuple(attribution or ()),
        language=language,
        unit=unit,
        details=details,
        golden=golden,
        assume=assume,
    )
