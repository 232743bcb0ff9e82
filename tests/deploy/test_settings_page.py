"""docs/settings.md: the table of settings, equal to service.settings."""

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic.fields import FieldInfo

from service.settings import GIB, MIB, Settings

PAGE = Path(__file__).parents[2] / "docs/settings.md"

COMPUTED = {
    "slots": "from cores and memory",
    "stream_slots": "from cores and memory",
    "inference_threads": "from cores, at least 2",
    "providers": "`cpu`",
    "model_store": "`./model_store`, else the package's",
}
"""What stands for a default that depends on the machine."""


def shown(name: str, field: FieldInfo) -> str:
    """A default as an operator would write it, sizes with their unit behind."""
    if name in COMPUTED:
        return COMPUTED[name]
    default: Any = field.default
    if default is None or default == ():
        return "none"
    if name.endswith("_bytes"):
        for unit, size in (("GiB", GIB), ("MiB", MIB), ("KiB", 1024)):
            if default % size == 0:
                return f"`{default}` ({default // size} {unit})"
    return f"`{default:g}`" if isinstance(default, float) else f"`{default}`"


def row(name: str, field: FieldInfo) -> str:
    return f"| `SIGN_{name.upper()}` | {shown(name, field)} | {field.description} |"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_has_its_row(name: str) -> None:
    assert row(name, Settings.model_fields[name]) in PAGE.read_text().splitlines()


def test_each_row_is_a_setting() -> None:
    documented = re.findall(r"^\| `SIGN_(\w+)`", PAGE.read_text(), re.MULTILINE)
    assert sorted(documented) == sorted(name.upper() for name in Settings.model_fields)
