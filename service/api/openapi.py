"""The schema of all routes (/openapi.json): media in, keys, and examples that work here."""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from pydantic import BaseModel

from service.api.access import ADMIN_KEY, KEY
from service.api.json_body import described_bodies
from service.api.options import query_parameters
from service.settings import Settings

HOW_TO_ASK = (
    "Send the medium as the form's part `file` or as the body itself. Options are query parameters; in a form they may "
    "be fields as well. One that is empty is not given."
)
"""What a route that takes a medium says of itself."""

TAUGHT = "my-signs"
"""What a model is called in the schema's examples that a caller teaches."""

_METHODS = ("get", "post", "put", "delete")
_OF_FASTAPI = ("HTTPValidationError", "ValidationError")
"""Schemas of errors that no route answers with: ours are problems."""

_MEDIUM = {"type": "string", "format": "binary", "description": "Video, picture or .pose file."}


def takes_medium(options: type[BaseModel], without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """What the schema says of a route that takes a medium and these options, without some."""
    form = {"type": "object", "properties": {"file": _MEDIUM}, "required": ["file"], "additionalProperties": False}
    content = {"multipart/form-data": {"schema": form}, "application/octet-stream": {"schema": _MEDIUM}}
    return {
        "parameters": query_parameters(options, without),
        "requestBody": {"required": True, "content": content},
    }


def operation_id(route: APIRoute) -> str:
    """The name of an operation, and of its function in generated clients: its route's own."""
    return route.name


def describe_routes(app: FastAPI, settings: Settings) -> Callable[[], dict[str, Any]]:
    """What FastAPI calls for the schema; it is made once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _schema(app, settings)
        return app.openapi_schema

    return openapi


def _schema(app: FastAPI, settings: Settings) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    for name in _OF_FASTAPI:
        schema["components"]["schemas"].pop(name, None)
    schema["components"]["schemas"] |= described_bodies()
    for shown in schema["components"]["schemas"].values():
        _drop_defaults(shown)
    for path, operation in _operations(schema):
        _tell_keys(operation, settings)
        _add_examples(path, operation, settings)
    return schema


def _drop_defaults(shown: dict[str, Any]) -> None:
    """A body's fields are as they are sent: a default says nothing of them, and not every generator can write it."""
    for field in shown.get("properties", {}).values():
        field.pop("default", None)


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in schema["paths"].items():
        yield from ((path, methods[method]) for method in _METHODS if method in methods)


def _tell_keys(operation: dict[str, Any], settings: Settings) -> None:
    """Where no key of its kind is set, a route may be asked without one; whether it answers is another question."""
    unset: list[dict[str, list[str]]] = [{scheme.scheme_name: []} for scheme, keys in _keys(settings) if not keys]
    if (security := operation.get("security")) and security[0] in unset:
        operation["security"] = [{}, *security]


def _keys(settings: Settings) -> tuple[tuple[HTTPBearer, tuple[str, ...]], ...]:
    return (KEY, settings.api_keys), (ADMIN_KEY, settings.admin_keys)


def _add_examples(path: str, operation: dict[str, Any], settings: Settings) -> None:
    """Names that are there, or may be taken where one teaches, so that a route can be tried as it is shown."""
    teaches = path.startswith("/teach") or path.endswith("/download")
    examples = {
        ("path", "name"): TAUGHT if teaches else settings.default_model,
        ("path", "version"): 1,
        ("query", "label"): "hello",
    }
    for parameter in operation.get("parameters", []):
        if (place := (parameter["in"], parameter["name"])) in examples:
            parameter["example"] = examples[place]
