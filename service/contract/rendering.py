"""Bodies as JSON text, such that nobody waits for a large one."""

import json
from collections.abc import Collection

from pydantic import BaseModel

LONG = 256
"""Entries of a list that are written one by one: a single call of an encoder holds the interpreter's lock to its end,
and with it the event loop, in whichever thread it runs."""


def to_json(body: BaseModel, *, without: Collection[str] = ()) -> bytes:
    """The body without its unset fields and those named, in UTF-8. Belongs into a thread."""
    shown = [name for name in type(body).model_fields if name in body.model_fields_set and name not in without]
    long = {name: value for name in shown if _is_long(value := getattr(body, name))}
    short = body.model_dump(exclude_unset=True, include=set(shown) - set(long))
    fields = [_field(name, long.get(name), short) for name in shown]
    return f"{{{','.join(fields)}}}".encode()


def _field(name: str, entries: list[BaseModel] | None, short: dict[str, object]) -> str:
    if entries is not None:
        return f'"{name}":[{",".join(entry.model_dump_json(exclude_unset=True) for entry in entries)}]'
    return f'"{name}":{json.dumps(short[name], ensure_ascii=False, allow_nan=False, separators=(",", ":"))}'


def _is_long(value: object) -> bool:
    return isinstance(value, list) and len(value) > LONG and isinstance(value[0], BaseModel)
