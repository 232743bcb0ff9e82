"""Says what is signed in a video, and when: as a service, or here and now for files."""

import os
from typing import Annotated

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's products are small here, and it reads this as it is loaded

import typer

from service.commands.corpora.command import batch_commands
from service.commands.elan_template import elan_template_command
from service.commands.environment import read_settings
from service.commands.evaluate import evaluate_command
from service.commands.features import features_command
from service.commands.highlights import highlights_command
from service.commands.mcp_server import mcp_command
from service.commands.models import models_command
from service.commands.predict import predict_command
from service.commands.teach import teach_command
from service.commands.timeline import timeline_command

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)


@cli.callback()
def _main() -> None:
    """Says what is signed in a video, and when."""


@cli.command("serve")
def _serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; else SIGN_HOST, else 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on, 0: a free one; else SIGN_PORT, else 8000.")
    ] = None,
) -> None:
    """Answer over HTTP; all other settings come from the environment (SIGN_…, see docs/settings.md)."""
    settings = read_settings(host=host, port=port)
    from service.commands.serve import serve  # noqa: PLC0415 - web server and jobs take a second to import

    serve(settings)


cli.command("predict")(predict_command)
cli.command("timeline")(timeline_command)
cli.command("highlights")(highlights_command)
cli.command("features")(features_command)
cli.add_typer(batch_commands, name="batch")
cli.command("evaluate")(evaluate_command)
cli.command("teach")(teach_command)
cli.command("models")(models_command)
cli.command("mcp")(mcp_command)
cli.command("elan-template")(elan_template_command)

if __name__ == "__main__":
    cli()
