"""Printing: answers as JSON, for one medium readable, for several a line each."""

import json
from typing import Any

from pydantic import BaseModel

from service.commands.inputs import InputFile


def json_file(body: BaseModel) -> bytes:
    """A body as a file of its own."""
    return body.model_dump_json(indent=2, exclude_unset=True).encode() + b"\n"


def json_line(body: BaseModel, input_file: InputFile) -> str:
    """A body on one line that begins with the medium's path."""
    fields: dict[str, Any] = {"file": str(input_file.path), **body.model_dump(mode="json", exclude_unset=True)}
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"
