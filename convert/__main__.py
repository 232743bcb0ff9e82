"""The command line: keras, torch, onnx, inspect, verify, calibrate, list."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convert.errors import ConversionError
from convert.torch.command import register as register_torch

if TYPE_CHECKING:
    from convert.work import Report

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Make a model of this service from a file of a notebook. Exit codes: 0 done, 2 wrong call, 3 refused, "
    "4 the converted graph does not say what the original says.",
)


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
ArchitectureOption = Annotated[
    Path | None, typer.Option("--architecture", help="Keras' model.to_json(), for files with weights only.")
]
ArchOption = Annotated[
    str | None, typer.Option("--arch", help="A known network, for files with its weights only: c3d.")
]
GoldenOption = Annotated[
    Path | None, typer.Option("--golden", help="The original's inputs x0 … and outputs y0 … (.npz).")
]


def _publishing(kind: str) -> Callable[..., None]:
    """The command that converts and publishes files of this kind; all kinds take the same wishes."""

    def command(  # noqa: PLR0913, PLR0917 - one option a fact of the manifest; typer passes them by name
        file: FileArgument,
        name: Annotated[str, typer.Option("--name", help="The model's name in the store.")],
        store: StoreOption = Path("model_store"),
        pipeline: Annotated[
            str | None, typer.Option("--pipeline", help="A preset, or FILE.json with a section.")
        ] = None,
        layout: Annotated[str | None, typer.Option("--layout", help="A layout of landmarks alone.")] = None,
        labels: Annotated[
            str | None, typer.Option("--labels", help="File, FILE.csv:COLUMN or folder of classes.")
        ] = None,
        encoding: Annotated[str, typer.Option("--encoding", help="Of the label file.")] = "utf-8",
        settings: Annotated[list[str] | None, typer.Option("--set", help="PATH=VALUE, changes the preset.")] = None,
        task: Annotated[Task, typer.Option("--task", help="Which route the model answers.")] = Task.SIGN,
        requires: Annotated[str | None, typer.Option("--requires", help="NAME[:V]: whose output it reads.")] = None,
        activation: Annotated[
            Activation | None, typer.Option("--activation", help="What the service has yet to apply to the output.")
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
        architecture: ArchitectureOption = None,
        arch: ArchOption = None,
        as_json: JsonFlag = False,
    ) -> None:
        from convert.publish import Wishes  # noqa: PLC0415 - heavy
        from convert.work import Beside, convert_file  # noqa: PLC0415 - heavy

        wishes = Wishes(
            name=name,
            store=store,
            pipeline=pipeline,
            layout=layout,
            labels=labels,
            encoding=encoding,
            settings=tuple(settings or ()),
            task=task.value,
            requires=requires,
            activation=activation.value if activation else None,
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
        )
        with _answering(as_json) as answer:
            answer(convert_file(kind, file, wishes, golden, Beside(architecture, arch)))

    return command


app.command("keras", help="Convert a Keras file (.h5, .hdf5, .keras) of any version and publish it.")(
    _publishing("keras")
)
app.command("onnx", help="Check a ready ONNX file and publish it.")(_publishing("onnx"))


@app.command("inspect")
def inspect_command(
    file: FileArgument,
    architecture: ArchitectureOption = None,
    arch: ArchOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what a file is, which preset it likely needs and why, and what would be assumed."""
    from convert.torch.convert import inspect_torch, is_checkpoint  # noqa: PLC0415 - heavy
    from convert.work import Beside, inspect_file  # noqa: PLC0415 - heavy

    with _answering(as_json) as answer:
        answer(inspect_torch(file) if is_checkpoint(file) else inspect_file(file, Beside(architecture, arch)))


@app.command()
def verify(
    model: Annotated[str, typer.Argument(help="NAME, NAME:VERSION or FILE.onnx.")],
    store: StoreOption = Path("model_store"),
    golden: GoldenOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a published model or an ONNX file again, against golden outputs if they are given."""
    from convert.work import verify_model  # noqa: PLC0415 - heavy

    with _answering(as_json) as answer:
        answer(verify_model(model, store, golden))


@app.command()
def calibrate(
    model: Annotated[str, typer.Argument(help="NAME or NAME:VERSION, the version that was evaluated.")],
    report: Annotated[
        Path, typer.Option("--report", help="What `python -m service evaluate … --write-report FILE` wrote.")
    ],
    store: StoreOption = Path("model_store"),
    as_json: JsonFlag = False,
) -> None:
    """Publish a model's next version with the temperature, threshold and figures that an evaluation measured."""
    from convert.work import calibrate_model  # noqa: PLC0415 - heavy

    with _answering(as_json) as answer:
        answer(calibrate_model(model, store, report))


@app.command("list")
def list_command(store: StoreOption = Path("model_store"), as_json: JsonFlag = False) -> None:
    """List presets, layouts, layers, and the models of the store."""
    from convert.work import list_all  # noqa: PLC0415 - heavy

    with _answering(as_json) as answer:
        answer(list_all(store))


@contextmanager
def _answering(as_json: bool) -> Iterator[Callable[["Report"], None]]:
    """Print the report, or the error with its exit code."""

    def answer(report: "Report") -> None:
        if as_json:
            sys.stdout.write(json.dumps(report.document, ensure_ascii=False, indent=2) + "\n")
        else:
            sys.stdout.write("\n".join(report.lines) + "\n")

    try:
        yield answer
    except ConversionError as error:
        if as_json:
            document = {"error": error.reason, "advice": error.advice, "exit_code": error.exit_code}
            sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        else:
            sys.stderr.write(f"{error.reason}\n" + (f"→ {error.advice}\n" if error.advice else ""))
        raise typer.Exit(error.exit_code) from None


register_torch(app, _answering)

if __name__ == "__main__":
    app()
