"""Options of a request: query parameters or form fields, checked by one model, and described in the schema."""

from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from service.api.problem import invalid_parameters
from service.errors import ParameterError, SignError

Options = TypeVar("Options", bound=BaseModel)


def read_options(request: Request, fields: dict[str, str], model: type[Options]) -> Options:
    """The options from the query and the form; both given and different is an error, as is an unknown one."""
    values: dict[str, str] = {}
    for name in request.query_params:
        given = request.query_params.getlist(name)
        if len(set(given)) > 1:
            problem = f"it is given {len(given)} times with different values"
            raise SignError("parameter-invalid", f"{name}: {problem}", parameters=(ParameterError(name, problem),))
        values[name] = given[0]
    for name, value in fields.items():
        if values.setdefault(name, value) != value:
            problem = "the query and the form give different values"
            raise SignError("parameter-invalid", f"{name}: {problem}", parameters=(ParameterError(name, problem),))
    try:
        return model.model_validate_strings(values)
    except ValidationError as error:
        raise invalid_parameters(error.errors()) from None


def media_route_schema(model: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a route that takes a medium and these options."""
    schema = model.model_json_schema()
    parameters = [
        {"name": name, "in": "query", "required": False, "description": entry.pop("description", ""), "schema": entry}
        for name, entry in schema["properties"].items()
    ]
    medium = {"type": "string", "format": "binary", "description": "Video, picture or .pose file."}
    form = {"type": "object", "properties": {"file": medium, **model.model_json_schema()["properties"]}}
    form["required"] = ["file"]
    body = {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": form},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
    return {"parameters": parameters, "requestBody": body}
