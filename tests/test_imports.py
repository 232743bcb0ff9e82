"""No module imports itself by way of others, and none those of a folder that it must not know.

A reader can begin at the bottom and never has to hold two files open.
"""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _modules(*folders: str) -> dict[str, Path]:
    """Every module of these folders by its dotted name."""
    files = [file.relative_to(ROOT) for folder in folders for file in (ROOT / folder).rglob("*.py")]
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
    modules = _modules("service", "convert")
    TopologicalSorter({name: _imports(name, modules) for name in modules}).prepare()  # CycleError names the circle


@pytest.mark.parametrize("folder", ["tests", "tools"])
def test_tests_and_tools_are_imported_by_themselves_alone(folder: str) -> None:
    """What both need is the service's, the converter's, or one of theirs that the other runs as a command."""
    modules = _modules("service", "convert", "tests", "tools", "examples")
    theirs = _modules(folder).keys()
    found = {name: _imports(name, modules) & theirs for name in modules.keys() - theirs}
    assert {name: imported for name, imported in found.items() if imported} == {}
