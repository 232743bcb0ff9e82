"""Running the converter in tests: the command line in this process, and a file to a session."""

import json
import tempfile
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from convert.__main__ import app
from convert.graph.export import export
from convert.graph.layer_graph import LayerGraph, read_graph
from convert.isolation import run_isolated
from convert.parity import Session


def command(*arguments: str | Path) -> Result:
    """Run `python -m convert …`."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def answer(*arguments: str | Path) -> dict[str, Any]:
    """Run it with --json; what it printed."""
    result = command(*arguments, "--json")
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def read(path: Path, architecture: Path | None = None, **known: str | bool) -> LayerGraph:
    """A Keras file's layers, read in a child process. known: `arch` and `features`, for weights alone."""
    with tempfile.TemporaryDirectory() as name:
        request = {"path": str(path)} | ({"architecture": str(architecture)} if architecture else {}) | known
        run_isolated("keras", request, Path(name))
        return read_graph(Path(name))


def session_of(graph: LayerGraph) -> tuple[Session, list[str]]:
    """A session of the exported graph, and the kinds of its operations."""
    model = export(graph).model
    return Session(model.SerializeToString()), [node.op_type for node in model.graph.node]
