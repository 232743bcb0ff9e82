"""The command line of `convert torch`."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convert.errors import CallError

if TYPE_CHECKING:
    from convert.torch.networks import Kernel
    from convert.work import Report


class Layout(StrEnum):
    """How depthwise 3-D convolutions are written."""

    AUTO = "auto"
    THREE = "3d"
    TWO = "2d"


class Input(StrEnum):
    """What the graph takes."""

    PIXELS = "pixels"
    UINT8 = "uint8"
    NORMALISED = "normalised"


class HeadActivation(StrEnum):
    """What the head applies at each position, before their mean."""

    NONE = "none"
    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"


FileArgument = Annotated[Path, typer.Argument(help="A .ckpt, .pt, .pth or .safetensors file.")]


Answering = Callable[[bool], AbstractContextManager[Callable[["Report"], None]]]


def register(app: typer.Typer, answering: Answering) -> None:
    """Add the command. answering: prints the report, or the error with its exit code."""

    def command(  # noqa: PLR0913, PLR0917 - one option a fact of the manifest; typer passes them by name
        file: FileArgument,
        name: Annotated[str, typer.Option("--name", help="The model's name in the store.")],
        store: Annotated[Path, typer.Option("--store", help="The folder of models.")] = Path("model_store"),
        arch: Annotated[str | None, typer.Option("--arch", help="The network, where the file does not say.")] = None,
        frames: Annotated[int | None, typer.Option("--frames", help="Frames of a clip.")] = None,
        crop: Annotated[int | None, typer.Option("--crop", help="Pixels of the centre crop.")] = None,
        side: Annotated[int | None, typer.Option("--side", help="Pixels of the short side before the crop.")] = None,
        head_pool: Annotated[str | None, typer.Option("--head-pool", help="T,H,W of the head's pooling.")] = None,
        head_activation: Annotated[HeadActivation | None, typer.Option("--head-activation")] = None,
        layout: Annotated[Layout, typer.Option("--layout", help="auto measures and keeps the faster.")] = Layout.AUTO,
        input_kind: Annotated[Input | None, typer.Option("--input", help="What is left to the pipeline.")] = None,
        features: Annotated[bool, typer.Option("--features", help="Up to the layer before the classifier.")] = False,
        int8: Annotated[bool, typer.Option("--int8", help="Quantise; needs --calibrate.")] = False,
        calibrate: Annotated[Path | None, typer.Option("--calibrate", help="A folder of clips or pictures.")] = None,
        min_agreement: Annotated[float, typer.Option("--min-agreement", help="With the float graph.")] = 0.98,
        pipeline: Annotated[str | None, typer.Option("--pipeline", help="Preset, or FILE.json.")] = None,
        settings: Annotated[list[str] | None, typer.Option("--set", help="PATH=VALUE in the pipeline.")] = None,
        window_s: Annotated[float | None, typer.Option("--window-s", help="Seconds of a window.")] = None,
        stride_s: Annotated[float | None, typer.Option("--stride-s", help="Seconds between windows.")] = None,
        unit: Annotated[str | None, typer.Option("--unit", help="letter or word.")] = None,
        labels: Annotated[str | None, typer.Option("--labels", help="File, FILE.csv:COLUMN or class folders.")] = None,
        encoding: Annotated[str, typer.Option("--encoding", help="Of the label file.")] = "utf-8",
        task: Annotated[str | None, typer.Option("--task", help="sign, features, affect or highlight.")] = None,
        threshold: Annotated[float | None, typer.Option("--threshold", help="Below it the service declines.")] = None,
        idle: Annotated[list[str] | None, typer.Option("--idle", help="A label that is no sign.")] = None,
        title: Annotated[str | None, typer.Option("--title")] = None,
        license_: Annotated[str | None, typer.Option("--license")] = None,
        attribution: Annotated[list[str] | None, typer.Option("--attribution")] = None,
        language: Annotated[str | None, typer.Option("--language", help="ISO 639-3 of the sign language.")] = None,
        details: Annotated[Path | None, typer.Option("--details", help="Further manifest fields (JSON).")] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print a result for programs.")] = False,
    ) -> None:
        from convert.publish import Wishes  # noqa: PLC0415 - heavy
        from convert.torch.convert import Options, convert_torch  # noqa: PLC0415 - heavy
        from convert.torch.settings import Flags  # noqa: PLC0415 - heavy

        wishes = Wishes(
            name=name,
            store=store,
            pipeline=pipeline,
            settings=tuple(settings or ()),
            window_s=window_s,
            stride_s=stride_s,
            unit=unit,
            labels=labels,
            encoding=encoding,
            task=task or ("features" if features else "sign"),
            threshold=threshold,
            idle=tuple(idle or ()),
            title=title,
            license=license_,
            attribution=tuple(attribution or ()),
            language=language,
            details=details,
        )
        with answering(as_json) as answer:
            kernel = _kernel(head_pool)
            flags = Flags(arch, frames, crop, side, kernel, head_activation.value if head_activation else None)
            if int8 != (calibrate is not None):
                raise CallError("--int8 and --calibrate DIR go together.")
            options = Options(
                layout.value, input_kind.value if input_kind else None, features, calibrate, min_agreement
            )
            answer(convert_torch(file, wishes, flags, options))

    app.command("torch", help="Convert a PyTorch checkpoint of a known network; nothing in it is executed.")(command)


def _kernel(text: str | None) -> "Kernel | None":
    if text is None:
        return None
    sizes = [part.strip() for part in text.split(",")]
    if len(sizes) != 3 or not all(size.isdigit() and int(size) > 0 for size in sizes):
        raise CallError(f"--head-pool {text} is not T,H,W.", "For example --head-pool 13,5,5.")
    return int(sizes[0]), int(sizes[1]), int(sizes[2])
