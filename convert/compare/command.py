"""The command `compare`."""

from pathlib import Path
from typing import Annotated

import typer

from convert.options import FOUND_STORE, JsonFlag, OpenPrinter, StoreOption

DIFFERS = 4


def register(app: typer.Typer, open_printer: OpenPrinter) -> None:
    """Add the command to the converter's."""

    def compare(
        model: Annotated[str, typer.Argument(help="NAME or NAME:VERSION of a model of landmarks.")],
        features: Annotated[Path, typer.Option("--features", help="Your rows: .npy, .npz, .csv, .json, .pickle.")],
        clip: Annotated[Path | None, typer.Option("--clip", help="The clip that they are of.")] = None,
        landmarks: Annotated[
            Path | None, typer.Option("--landmarks", help="What `service features` wrote of it (.npz).")
        ] = None,
        store: StoreOption = FOUND_STORE,
        tolerance: Annotated[float, typer.Option("--tolerance", help="Differences up to it are none.")] = 1e-4,
        as_json: JsonFlag = False,
    ) -> None:
        """Compare your own feature vectors of a clip with what a model is given; exit code 4 where they differ."""
        from convert.compare.report import compare_features  # noqa: PLC0415 - heavy

        with open_printer(as_json) as answer:
            report, agree = compare_features(model, features, clip, landmarks, store, tolerance)
            answer(report)
        if not agree:
            raise typer.Exit(DIFFERS)

    app.command("compare")(compare)
