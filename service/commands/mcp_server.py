"""mcp: the use cases as tools of the Model Context Protocol, for programs that start one and talk over its pipes."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from service.commands.environment import configure_libraries_logs, configure_logs, misused, read_settings


def mcp_command(
    folder: Annotated[
        Path, typer.Option(help="Folder of the media that may be asked about; no other file is read.", file_okay=False)
    ] = Path(),
) -> None:
    """Answer a program that speaks the Model Context Protocol over standard input and output, until it hangs up."""
    if find_spec("mcp") is None:
        raise misused("The Model Context Protocol's package is not installed: pip install 'sign-service[mcp]'.")
    if not folder.is_dir():
        raise misused(f"--folder: {folder} is no folder.")
    from service.commands.mcp_tools import make_server  # noqa: PLC0415 - an extra

    settings = read_settings()
    configure_logs(settings.log_level)  # to standard error: the protocol has the output
    server = make_server(settings, folder.resolve())
    configure_libraries_logs()
    server.run("stdio")
