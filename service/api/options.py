"""Options of a request: query parameters or form fields, checked by one model."""

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from service.api.problem import invalid_parameters
from service.errors import ParameterError, SignError

Options = TypeVar("Options", bound=BaseModel)

NOT_OF_JOBS = frozenset({"timeout_s"})
"""Options that only a route which is waited for takes."""


def read_options(request: Request, fields: Mapping[str, str], model: type[Options]) -> Options:
    """The options from the query and the form. An option that is given as nothing is not given.

    Raises SignError parameter-invalid: one is wrong, unknown, or given twice with different values. Values are
    compared, not how they are written: 0 and 0.0 are one.
    """
    values: dict[str, str] = {}
    for name, given in [*request.query_params.multi_items(), *fields.items()]:
        if given == "" and name in model.model_fields:
            continue
        first = values.setdefault(name, given)
        if first != given and not _are_equal(name, first, given, model):
            raise refuse_option(name, f"it is given more than once, as {first!r} and as {given!r}")
    return _validated(model, values)


def refuse_option(name: str, problem: str) -> SignError:
    """The error of one option that is wrong."""
    return SignError("parameter-invalid", f"{name}: {problem}.", parameters=(ParameterError(name, problem),))


def _are_equal(name: str, one: str, other: str, model: type[Options]) -> bool:
    """Whether both ways of writing an option mean the same; SignError where one of them means nothing."""
    meant = [getattr(_validated(model, {name: text}), name) for text in (one, other)]
    return bool(meant[0] == meant[1])


def _validated(model: type[Options], values: dict[str, str]) -> Options:
    try:
        return model.model_validate_strings(values)
    except ValidationError as error:
        raise invalid_parameters(error.errors()) from None


def query_parameters(model: type[BaseModel], without: frozenset[str] = frozenset()) -> list[dict[str, Any]]:
    """The options as OpenAPI's query parameters; none has to be given."""
    properties: dict[str, dict[str, Any]] = model.model_json_schema()["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": entry.get("description", ""),
            "schema": _plain(entry),
        }
        for name, entry in properties.items()
        if name not in without
    ]


def _plain(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a query can say of a value: it has no null, and what is not given needs no default of null."""
    [known, *_] = [one for one in entry.get("anyOf", [entry]) if one.get("type") != "null"]
    kept = {name: value for name, value in known.items() if name not in ("title", "description", "default")}
    if entry.get("default") is not None:
        kept["default"] = entry["default"]
    if "pattern" in kept:
        kept["pattern"] = f"^$|{kept['pattern']}"  # nothing: not given
    if "enum" in kept:
        kept["enum"] = [*kept["enum"], ""]
    return kept
