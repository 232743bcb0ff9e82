"""The command line: keras, torch, onnx, tflite, xgboost, sklearn, inspect, verify, compare, calibrate, tune, list."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convert.compare.command import register as register_compare
from convert.confined import COMMANDS, confine_command, is_confined, print_error, run_command
from convert.errors import SAVE_AGAIN, CallError, ConversionError, UnsafeError, describe_fault
from convert.options import FOUND_STORE, FileArgument, GoldenOption, JsonFlag, StoreOption, with_publish_options
from convert.torch.command import register as register_torch
from service.terminal import dump_json, escape_controls

if TYPE_CHECKING:
    from convert.draft import PublishOptions
    from convert.report import Report

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Make a model of this service from a file of a notebook. Exit codes: 0 done, 2 wrong call, 3 refused, "
    "4 the converted graph does not say what the original says.",
)


NEEDED = ("h5py", "onnx")
"""What the service can do without."""


@app.callback()
def _check_installed() -> None:
    """Say what to install where the environment is one that only serves."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing and "--help" not in sys.argv:
        typer.echo(
            f"The converter needs {' and '.join(missing)}, which the service does without.\n"
            "→ `make convert` installs what is needed; without a checkout: pip install 'sign-service[convert]'",
            err=True,
        )
        raise typer.Exit(CallError.exit_code)


ArchitectureOption = Annotated[
    Path | None, typer.Option("--architecture", help="Keras' model.to_json(), for files with weights only.")
]
ArchOption = Annotated[
    str | None, typer.Option("--arch", help="A known network, for files with weights only: c3d, action-lstm.")
]


@with_publish_options
def _keras(
    options: "PublishOptions",
    file: FileArgument,
    architecture: ArchitectureOption = None,
    arch: ArchOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Convert a Keras file (.h5, .hdf5, .keras) of any version and publish it."""
    from convert.work import ArchitectureSource, convert_keras  # noqa: PLC0415 - heavy

    with _open_printer(as_json) as answer:
        answer(convert_keras(file, options, ArchitectureSource(architecture, arch)))


@with_publish_options
def _onnx(options: "PublishOptions", file: FileArgument, as_json: JsonFlag = False) -> None:
    """Check a ready ONNX file and publish it."""
    from convert.work import convert_onnx  # noqa: PLC0415 - heavy

    with _open_printer(as_json) as answer:
        answer(convert_onnx(file, options))


@with_publish_options
def _tflite(options: "PublishOptions", file: FileArgument, as_json: JsonFlag = False) -> None:
    """Convert a TensorFlow Lite file (.tflite), float or quantized, and publish it."""
    from convert.work import convert_tflite  # noqa: PLC0415 - heavy

    with _open_printer(as_json) as answer:
        answer(convert_tflite(file, options))


@with_publish_options
def _xgboost(options: "PublishOptions", file: FileArgument, as_json: JsonFlag = False) -> None:
    """Convert an XGBoost model (.json, .ubj) and publish it."""
    from convert.work import convert_xgboost  # noqa: PLC0415 - heavy

    with _open_printer(as_json) as answer:
        answer(convert_xgboost(file, options))


@with_publish_options
def _sklearn(options: "PublishOptions", file: FileArgument, as_json: JsonFlag = False) -> None:
    """Convert a scikit-learn classifier (.p, .pkl, .pickle, .joblib) without running it, and publish it."""
    from convert.work import convert_sklearn  # noqa: PLC0415 - heavy

    with _open_printer(as_json) as answer:
        answer(convert_sklearn(file, options))


app.command("keras")(_keras)
app.command("onnx")(_onnx)
app.command("tflite")(_tflite)
app.command("xgboost")(_xgboost)
app.command("sklearn")(_sklearn)


@app.command("inspect")
def inspect_command(
    file: FileArgument,
    architecture: ArchitectureOption = None,
    arch: ArchOption = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Also how the file was read.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Say what a file is, which preset it likely needs and why, and what would be assumed."""
    from convert.work import ArchitectureSource, inspect_file, report_confinement  # noqa: PLC0415 - heavy

    with _open_printer(as_json) as answer:
        report = inspect_file(file, ArchitectureSource(architecture, arch))
        answer(report_confinement(report) if verbose else report)


@app.command()
def verify(
    model: Annotated[str, typer.Argument(help="NAME, NAME:VERSION or FILE.onnx.")],
    store: StoreOption = FOUND_STORE,
    golden: GoldenOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check a published model or an ONNX file again, against golden outputs if they are given."""
    from convert.work import verify_model  # noqa: PLC0415 - heavy

    with _open_printer(as_json) as answer:
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

    with _open_printer(as_json) as answer:
        answer(calibrate_model(model, store, report))


@app.command()
def tune(
    model: Annotated[str, typer.Argument(help="NAME or NAME:VERSION.")],
    store: StoreOption = Path("model_store"),
    providers: Annotated[str | None, typer.Option(help="To try: cpu,openvino,…; default: all that are here.")] = None,
    threads: Annotated[str | None, typer.Option(help="Threads of one inference to try: 1,2,…")] = None,
    int8: Annotated[
        Path | None, typer.Option("--int8", help="Try INT8 too, calibrated on the clips in this folder.")
    ] = None,
    latency: Annotated[bool, typer.Option("--latency", help="One row alone is to be fast, not many.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure and print; publish nothing.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Measure how a model runs fastest on this machine, and publish its next version with that."""
    from convert.tuning import TuneOptions, tune_model  # noqa: PLC0415 - heavy

    with _open_printer(as_json) as answer:
        names = None if providers is None else tuple(name.strip() for name in providers.split(","))
        if threads is not None and not all(count.strip().isdigit() for count in threads.split(",")):
            raise CallError(f"--threads {threads}: numbers, with commas between them.")
        counts = None if threads is None else tuple(int(count) for count in threads.split(","))
        answer(tune_model(model, store, TuneOptions(names, counts, int8, latency, dry_run)))


@app.command("list")
def list_command(store: StoreOption = FOUND_STORE, as_json: JsonFlag = False) -> None:
    """List presets, layouts, layers, and the models of the store."""
    from convert.work import list_all  # noqa: PLC0415 - heavy

    with _open_printer(as_json) as answer:
        answer(list_all(store))


@contextmanager
def _open_printer(as_json: bool) -> Iterator[Callable[["Report"], None]]:
    """Print the report, or the error with its exit code."""

    def answer(report: "Report") -> None:
        if as_json:
            sys.stdout.write(dump_json(report.document) + "\n")
        else:
            sys.stdout.write("".join(f"{escape_controls(line)}\n" for line in report.lines))

    try:
        yield answer
    except ConversionError as error:
        ended = error
    except MemoryError:
        ended = UnsafeError("Converting the file takes more memory than it may.", "A model of its size needs less.")
    except RecursionError:
        ended = UnsafeError("The file is nested too deeply to be a model.", SAVE_AGAIN)
    except Exception as error:  # noqa: BLE001 - whatever a file brings about, the command ends with one of its codes
        ended = describe_fault(error)
    else:
        return
    print_error(ended, as_json=as_json)
    raise typer.Exit(ended.exit_code)


register_torch(app, _open_printer)
register_compare(app, _open_printer)


def main() -> None:
    """Run the command, in a confined process where its file may come from a stranger."""
    arguments = sys.argv[1:]
    if sys.platform != "linux" or not COMMANDS.intersection(arguments[:1]):
        app()
    if not is_confined():
        sys.exit(run_command(arguments, _answer_child))
    confine_command(arguments)
    app()


def _answer_child(question: str, folder: Path, store: Path) -> str:
    from convert.publication import answer_question  # noqa: PLC0415 - heavy, and seldom needed

    return answer_question(question, folder, store)


if __name__ == "__main__":
    main()
