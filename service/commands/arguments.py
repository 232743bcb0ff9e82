"""The arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE…|FOLDER", help="Media, or folders of them.", show_default=False)
]
Output = Annotated[
    str | None,
    typer.Option(metavar="FILE|FOLDER", help="Where the answer goes; a folder for several. Default: it is printed."),
]
SkipExisting = Annotated[bool, typer.Option("--skip-existing", help="Leave out media whose output is there already.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there already.")]


def described(model: type[BaseModel], name: str, *flags: str) -> Any:  # noqa: ANN401 - so does typer
    """A command's option that a route has too, with the route's description."""
    return typer.Option(*flags, help=model.model_fields[name].description, show_default=False)
