"""The command line of `convert torch`."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from convert.errors import CallError
from convert.options import JsonFlag, OpenPrinter, with_publish_options

if TYPE_CHECKING:
    from convert.draft import PublishOptions
    from convert.presets.networks import Kernel


class Layout(StrEnum):
    """How depthwise 3-D convolutions are written."""

    AUTO = "auto"
    THREE = "3d"
    TWO = "2d"


class Input(StrEnum):
    """What the graph takes."""

    PIXELS = "pixels"
    UINT8 = "uint8"
    NORMALIZED = "normalised"


class Readout(StrEnum):
    """How a head's steps become one row: hidden is PyTorch's h_n, of both directions."""

    LAST = "last"
    HIDDEN = "hidden"
    MEAN = "mean"
    MAX = "max"


class Hidden(StrEnum):
    """The function between a head's layers."""

    RELU = "relu"
    GELU = "gelu"
    TANH = "tanh"
    ELU = "elu"
    SILU = "silu"
    LEAKY_RELU = "leaky_relu"
    SIGMOID = "sigmoid"
    NONE = "none"


class Padding(StrEnum):
    """Whether a head's convolutions keep the number of steps."""

    SAME = "same"
    VALID = "valid"


class HeadActivation(StrEnum):
    """What the head applies at each position, before their mean."""

    NONE = "none"
    SOFTMAX = "softmax"
    SIGMOID = "sigmoid"


CheckpointArgument = Annotated[Path, typer.Argument(help="A .ckpt, .pt, .pth or .safetensors file.")]


def register(app: typer.Typer, open_printer: OpenPrinter) -> None:
    """Add the command. open_printer: prints the report, or the error with its exit code."""

    @with_publish_options
    def command(  # noqa: PLR0913, PLR0917 - one option a fact of the network; typer passes them by name
        options: "PublishOptions",
        file: CheckpointArgument,
        arch: Annotated[str | None, typer.Option("--arch", help="The network, where the file does not say.")] = None,
        frames: Annotated[int | None, typer.Option("--frames", help="Frames of a clip.")] = None,
        crop: Annotated[int | None, typer.Option("--crop", help="Pixels of the center crop.")] = None,
        side: Annotated[int | None, typer.Option("--side", help="Pixels of the short side before the crop.")] = None,
        head_pool: Annotated[str | None, typer.Option("--head-pool", help="T,H,W of the head's pooling.")] = None,
        head_activation: Annotated[HeadActivation | None, typer.Option("--head-activation")] = None,
        layout: Annotated[Layout, typer.Option("--layout", help="auto measures and keeps the faster.")] = Layout.AUTO,
        input_kind: Annotated[Input | None, typer.Option("--input", help="What is left to the pipeline.")] = None,
        features: Annotated[bool, typer.Option("--features", help="Up to the layer before the classifier.")] = False,
        int8: Annotated[bool, typer.Option("--int8", help="Quantize; needs --calibrate.")] = False,
        calibrate: Annotated[Path | None, typer.Option("--calibrate", help="A folder of clips or pictures.")] = None,
        min_agreement: Annotated[float, typer.Option("--min-agreement", help="With the float graph.")] = 0.98,
        readout: Annotated[Readout | None, typer.Option("--readout", help="Of a head: steps to one row.")] = None,
        hidden: Annotated[Hidden | None, typer.Option("--hidden", help="Of a head: between its layers.")] = None,
        padding: Annotated[Padding | None, typer.Option("--padding", help="Of a head's convolutions.")] = None,
        pool: Annotated[
            str | None, typer.Option("--pool", help="Of a head's convolutions: none, max:2, avg:2.")
        ] = None,
        steps: Annotated[int | None, typer.Option("--steps", min=1, help="Steps that a head was trained on.")] = None,
        order: Annotated[
            str | None, typer.Option("--order", help="All that a head does: 'net.0 relu net.2 mean fc'.")
        ] = None,
        masked: Annotated[bool, typer.Option("--masked", help="A head that was trained on packed sequences.")] = False,
        as_json: JsonFlag = False,
    ) -> None:
        """Convert a PyTorch checkpoint of a known network or of a head; nothing in it is executed."""
        from convert.torch.architectures.settings import Flags  # noqa: PLC0415 - heavy
        from convert.torch.convert import ExportOptions, convert_torch  # noqa: PLC0415 - heavy
        from convert.torch.heads.flags import HeadFlags  # noqa: PLC0415 - heavy

        if features and options.task is None:
            options = replace(options, task="features")
        with open_printer(as_json) as answer:
            kernel = _kernel(head_pool)
            flags = Flags(arch, frames, crop, side, kernel, head_activation.value if head_activation else None)
            if int8 != (calibrate is not None):
                raise CallError("--int8 and --calibrate DIR go together.")
            export_options = ExportOptions(
                layout.value, input_kind.value if input_kind else None, features, calibrate, min_agreement
            )
            head = HeadFlags(
                readout.value if readout else None,
                hidden.value if hidden else None,
                padding.value if padding else None,
                masked,
                _check_pool(pool),
                steps,
                order,
            )
            answer(convert_torch(file, options, flags, export_options, head))

    app.command("torch")(command)


def _check_pool(text: str | None) -> str | None:
    """ "none", or a kind and a size; max where only a size is said."""
    if text is None or text == "none":
        return text
    kind, _, size = text.rpartition(":")
    if kind not in ("", "max", "avg") or not size.isdigit() or not 1 < int(size) < 1024:
        raise CallError(f"--pool {text} is none of none, max:SIZE and avg:SIZE.", "For example --pool max:2.")
    return f"{kind or 'max'}:{int(size)}"


def _kernel(text: str | None) -> "Kernel | None":
    if text is None:
        return None
    sizes = [part.strip() for part in text.split(",")]
    if len(sizes) != 3 or not all(size.isdigit() and int(size) > 0 for size in sizes):
        raise CallError(f"--head-pool {text} is not T,H,W.", "For example --head-pool 13,5,5.")
    return int(sizes[0]), int(sizes[1]), int(sizes[2])
