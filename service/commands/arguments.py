"""The arguments and options that several commands share."""

import functools
from collections.abc import Callable
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel

from service.commands.environment import check_options, flag

OptionsT = TypeVar("OptionsT", bound=BaseModel)

Files = Annotated[
    list[Path], typer.Argument(metavar="FILE…|FOLDER", help="Media, or folders of them.", show_default=False)
]
Output = Annotated[
    str | None,
    typer.Option(metavar="FILE|FOLDER", help="Where the answer goes; a folder for several. Default: it is printed."),
]
SkipExisting = Annotated[bool, typer.Option("--skip-existing", help="Leave out media whose output is there already.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that are there already.")]

FromLandmarks = Annotated[
    Path | None,
    typer.Option(metavar="FILE.npz", help="Landmarks instead of clips: of `features`, or packed frames."),
]
OneTeacher = Annotated[
    str | None, typer.Option(metavar="NAME", help="Of landmarks: only what this person shows.", show_default=False)
]
LandmarkRate = Annotated[
    float | None,
    typer.Option(min=1, max=240, help="Frames a second of packed landmarks that do not say. Default: 15."),
]

NOT_ON_DISK = ("timeout_s", "media_name", "format")
"""Options of requests alone: files wait as long as it takes and have a name; a command's format is its file's, too."""


def with_options(model: type[OptionsT], *only: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command a route's options, or only these, with the route's names, types and descriptions.

    The command itself takes them as one argument, its first one; what is wrong with them ends the program in words.
    """
    names = only or tuple(name for name in model.model_fields if name not in NOT_ON_DISK)

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**values: Any) -> None:  # noqa: ANN401 - so does typer
            command(check_options(model, **{name: values.pop(name) for name in names}), **values)

        own = [given.replace(kind=Parameter.KEYWORD_ONLY) for given in _parameters_of(command)[1:]]
        needed = [given for given in own if given.default is Parameter.empty]
        others = [given for given in own if given not in needed]
        run.__signature__ = Signature([*needed, *(_option(model, name) for name in names), *others])  # type: ignore[attr-defined]
        run.__annotations__ = {given.name: given.annotation for given in _parameters_of(run)}
        return run

    return decorate


def _parameters_of(command: Callable[..., None]) -> list[Parameter]:
    return list(signature(command, eval_str=True).parameters.values())


def _option(model: type[BaseModel], name: str) -> Parameter:
    """A route's option as typer reads it: not given where it is left out."""
    field = model.model_fields[name]
    annotated: Any = Annotated  # of types that are known at run time alone
    if field.annotation is bool:
        shown = annotated[bool, typer.Option(flag(name), help=field.description, show_default=False)]
        return Parameter(name, Parameter.KEYWORD_ONLY, default=False, annotation=shown)
    value: Any = field.annotation
    shown = annotated[value | None, typer.Option(help=field.description, show_default=False)]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=shown)
