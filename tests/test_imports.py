"""No module imports itself by way of others: a reader can begin at the bottom and never has to hold two files open."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]


def _modules() -> dict[str, Path]:
    """Every module of ours by its dotted name."""
    files = [file.relative_to(ROOT) for room in ("service", "convert") for file in (ROOT / room).rglob("*.py")]
    return {".".join(file.with_suffix("").parts).removesuffix(".__init__"): file for file in files}


def _imports(name: str, modules: dict[str, Path]) -> set[str]:
    """What a module imports of ours, wherever in it: for type checkers alone and inside functions, too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / modules[name]).read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            within = {f"{node.module}.{alias.name}" for alias in node.names}
            found.update(name if name in modules else node.module for name in within)
    return found & modules.keys() - {name}


def test_no_import_leads_back_to_where_it_began() -> None:
    modules = _modules()
    TopologicalSorter({name: _imports(name, modules) for name in modules}).prepare()  # CycleError names the circle
