"""Pipelines by name: the sections of the converter's presets, for those who have no model yet.

presets.json is written from the converter's own table (`make schema`), which the service never imports.
"""

import json
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from service.pipelines import Described, Observing, Pipeline
from service.pipelines.tensor_only import TensorSection

FILE = Path(__file__).with_name("presets.json")
_SECTION: TypeAdapter[Described | TensorSection] = TypeAdapter(Pipeline)


@cache
def preset_names() -> tuple[str, ...]:
    """The names of all presets that look at media."""
    return tuple(json.loads(FILE.read_text()))


def read_preset(name: str) -> Observing | None:
    """The section of a preset; KeyError where there is none of this name."""
    return _SECTION.validate_python(json.loads(FILE.read_text())[name]).observing


def read_section(text: str | bytes) -> Observing | None:
    """A section of one's own, in JSON; None where it looks at nothing. ValueError (pydantic's) where it is none."""
    return _SECTION.validate_json(text).observing


def to_file(sections: dict[str, Described]) -> str:
    """presets.json: a line for each name."""
    lines = [f"{json.dumps(name)}: {json.dumps(section.model_dump(mode='json'))}" for name, section in sections.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"
