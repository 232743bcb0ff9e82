"""GET /docs: the routes to read and to try, without a file from elsewhere. A package brings Swagger UI's own files."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import as_file, files
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter

from service.api.page import ASK_EACH_TIME, DIGEST, INDEX, WEB, PageFile, answer_file, read_files
from service.errors import SignError

RULES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",  # Swagger UI's icons
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
)
PACKAGE = "fastapi_offline"
SWAGGER = ("swagger-ui-bundle.js", "swagger-ui.css")

router = APIRouter(include_in_schema=False)


@cache
def reference_files() -> Mapping[str, PageFile]:
    """Our page and what starts it, and the package's files that it uses."""
    with as_file(files(PACKAGE) / "static") as folder:
        swagger = read_files(folder)
    return {**{name: swagger[name] for name in SWAGGER}, **read_files(WEB / "reference")}


@router.get("/docs")
async def get_reference(request: Request) -> Response:
    page = reference_files()[INDEX]
    content = page.content.replace(b"{{files}}", f"web/{DIGEST}".encode())
    return answer_file(request, PageFile(content, page.media_type), ASK_EACH_TIME, "; ".join(RULES))


@router.get("/docs/{name}")
async def get_reference_file(request: Request, name: Annotated[str, PathParameter(max_length=64)]) -> Response:
    if name not in reference_files() or name == INDEX:
        raise SignError("route-unknown", f"/docs has no file {name!r}.")
    return answer_file(request, reference_files()[name], ASK_EACH_TIME)
