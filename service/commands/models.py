"""models: what the model store holds."""

from rich.console import Console
from rich.table import Table

from service.commands.environment import read_settings
from service.errors import InvalidModelError
from service.registry.store import Store
from service.terminal import escape_controls


def models_command() -> None:
    """List what the model store holds."""
    settings = read_settings()
    store = Store(settings.model_store, settings.taught_store)
    table = Table("model", "version", "task", "labels", "pipeline", "state")
    for found in store.versions():
        try:
            manifest = store.read(found.name, found.version).manifest
        except InvalidModelError as refusal:
            table.add_row(found.name, str(found.version), "", "", "", escape_controls(f"refused: {refusal}"))
            continue
        count = str(len(manifest.labels or ()))
        table.add_row(found.name, str(found.version), manifest.task, count, manifest.pipeline.kind, "good")
    Console().print(table)
