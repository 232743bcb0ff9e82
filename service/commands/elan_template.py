"""elan-template: a model's labels as a template of ELAN, for those who annotate by hand."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from service.analysis.exporting import signs_of
from service.commands.arguments import Overwrite
from service.commands.environment import read_settings
from service.commands.outputs import refuse_existing, write_whole
from service.errors import InvalidModelError
from service.export.eaf import signs_template
from service.registry.store import Store
from service.terminal import say

ENDING = ".etf"


def elan_template_command(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="The model's name; its newest version counts.")],
    *,
    output: Annotated[Path | None, typer.Option(metavar="FILE.etf", help="Default: MODEL.etf.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Write an ELAN template: the tier that the service writes and `evaluate` reads, with MODEL's labels to choose."""
    settings = read_settings()
    store = Store(settings.model_store, settings.taught_store)
    versions = [found.version for found in store.versions() if found.name == name]
    if not versions:
        say(f"There is no model {name}; `python -m service models` lists them.", err=True)
        raise typer.Exit(1)
    try:
        labels = signs_of(store.read(name, max(versions)).manifest)
    except InvalidModelError as refusal:
        say(f"{name} {max(versions)} is refused: {refusal}", err=True)
        raise typer.Exit(1) from None
    if not labels:
        say(f"{name} names no signs, so there is nothing to annotate with.", err=True)
        raise typer.Exit(1)
    file = output or Path(f"{name}{ENDING}")
    refuse_existing(file, overwrite=overwrite)
    write_whole(file, signs_template(name, labels, datetime.now(UTC)))
    say(f"{file}: {len(labels)} labels. In ELAN: File, New…, with your video and this template.")
