"""`--set a.b=value`: values of a preset changed by the caller, checked against its section."""

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError

from convert.errors import CallError
from convert.plain import Json
from service.pipelines import Pipeline

_ADAPTER: TypeAdapter[Any] = TypeAdapter(Pipeline)
_SAMPLINGS = ({"every", "fps"}, {"rate"})


def parse_overrides(settings: list[str]) -> dict[str, Any]:
    """`a.b=value` → {"a.b": value}; a value is JSON where it can be, else text. CallError."""
    parsed: dict[str, Any] = {}
    for setting in settings:
        path, equals, text = setting.partition("=")
        if not equals or not path.strip():
            raise CallError(f"--set {setting!r} is not PATH=VALUE.", "For example --set length.pad=pre.")
        try:
            parsed[path.strip()] = json.loads(text)
        except ValueError:
            parsed[path.strip()] = text
    return parsed


def apply_overrides(pipeline: Pipeline, overrides: dict[str, Any]) -> Pipeline:
    """The section with the overrides in place. CallError with pydantic's reasons where it would be invalid."""
    if not overrides:
        return pipeline
    document = pipeline.model_dump(mode="json")
    for path, value in overrides.items():
        _place(document, path, value)
    return validate_pipeline(document, "--set")


def validate_pipeline(document: Json, where: str) -> Pipeline:
    """A pipeline section from plain data. CallError."""
    try:
        pipeline: Pipeline = _ADAPTER.validate_python(document)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(step) for step in one['loc'])}: {one['msg']}"
            for one in error.errors(include_url=False, include_context=False, include_input=False)[:5]
        )
        raise CallError(f"{where} makes no valid pipeline: {problems}.") from None
    return pipeline


def _place(document: Json, path: str, value: Json) -> None:
    steps = path.split(".")
    holder = document
    for step in steps[:-1]:
        holder = _descend(holder, step, path)
    last = steps[-1]
    if isinstance(holder, list):
        if not last.isdigit() or int(last) >= len(holder):
            raise CallError(f"--set {path}: there are {len(holder)} entries, counted from 0.")
        holder[int(last)] = value
        return
    if steps[:-1] == ["sampling"]:
        for fields in _SAMPLINGS:
            if last not in fields:
                for name in fields:
                    holder.pop(name, None)
    holder[last] = value


def _descend(holder: Json, step: str, path: str) -> Json:
    if isinstance(holder, list) and step.isdigit() and int(step) < len(holder):
        return holder[int(step)]
    if isinstance(holder, dict):
        if holder.get(step) is None:
            holder[step] = {}
        return holder[step]
    raise CallError(f"--set {path}: there is nothing at {step!r}.")
