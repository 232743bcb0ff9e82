"""GET / and the files of the page: what lies in service/web, no more, and with headers that let nothing else in."""

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter

from service import __version__
from service.api.access import may_teach
from service.api.kept import context_of
from service.context import AppContext
from service.errors import SignError

WEB = Path(__file__).parents[1] / "web"
INDEX = "index.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
    ".mp4": "video/mp4",
}

RULES = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",  # blob: a picture that was chosen here
    "media-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",  # text becomes markup nowhere, by no name
)
HEADERS = {
    "Permissions-Policy": "camera=(self), screen-wake-lock=(self), microphone=(), geolocation=()",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")
ASK_EACH_TIME = "no-cache"
FOR_GOOD = "public, max-age=31536000, immutable"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page as it is sent."""

    content: bytes
    media_type: str


def read_files(*folders: Path) -> Mapping[str, PageFile]:
    """The files that may be served, by path from the first folder: those that lie in one of them and end as ours do."""
    return {
        path.relative_to(folders[0]).as_posix(): PageFile(path.read_bytes(), MEDIA_TYPES[path.suffix])
        for folder in folders
        for path in sorted(folder.iterdir())
        if path.suffix in MEDIA_TYPES
    }


def digest_of(files: Mapping[str, PageFile]) -> str:
    """A name for these files together; it stands in their addresses, so that they can be kept for good."""
    digest = hashlib.sha256()
    for name, file in files.items():
        digest.update(f"{name}\0{len(file.content)}\0".encode() + file.content)
    return digest.hexdigest()[:16]


FILES = read_files(WEB, WEB / "samples")
DIGEST = digest_of(FILES)
PRELOADS = "\n".join(
    f'<link rel="modulepreload" href="web/{DIGEST}/{name}">' for name in FILES if Path(name).suffix == ".js"
)


@router.get("/")
async def get_page(request: Request) -> Response:
    """The page; what it needs to know before it can ask stands in it, so that its first line is true at once."""
    known = html.escape(json.dumps(known_before_asking(request)))
    text = FILES[INDEX].content.decode()
    for name, value in (("files", f"web/{DIGEST}"), ("preloads", PRELOADS), ("service", known)):
        text = text.replace(f"{{{{{name}}}}}", value)
    return answer_file(request, PageFile(text.encode(), FILES[INDEX].media_type), ASK_EACH_TIME)


@router.get("/web/{digest}/{name:path}")
async def get_file(
    request: Request,
    digest: Annotated[str, PathParameter(max_length=64)],
    name: Annotated[str, PathParameter(max_length=64)],
) -> Response:
    """One of the page's files. Under another digest (a page of another release) today's, which is not kept then."""
    if name not in FILES or name == INDEX:
        raise SignError("route-unknown", f"The page has no file {name!r}.")
    return answer_file(request, FILES[name], FOR_GOOD if digest == DIGEST else ASK_EACH_TIME)


def known_before_asking(request: Request) -> dict[str, object]:
    """What the page may know without a key: whether one is needed, the default model's language, the limits."""
    context = context_of(request)
    settings = context.settings
    return {
        "version": __version__,
        "keyNeeded": bool(settings.api_keys),
        "defaultModel": settings.default_model,
        "defaultHighlightModel": settings.default_highlight_model,
        **_subject_of_default_model(context),
        "teaches": may_teach(request),
        "mediaBytes": settings.media_bytes,
        "predictSeconds": settings.predict_seconds,
        "timelineSeconds": settings.timeline_seconds,
        "jobsMediaBytes": settings.jobs_media_bytes,
        "jobsRetentionHours": settings.jobs_retention_h,
    }


def _subject_of_default_model(context: AppContext) -> dict[str, object]:
    for model in context.registry.snapshot():
        if model.name != context.settings.default_model:
            continue
        for version in model.versions:
            if version.is_default and version.manifest is not None:
                return {"language": version.manifest.language, "unit": version.manifest.unit}
    return {"language": None, "unit": None}


def policy(request: Request) -> str:
    """What the page may do. Its own address for WebSockets is named: to some browsers 'self' means HTTP alone."""
    host = request.headers.get("host", "")
    live = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return "; ".join((*RULES, f"connect-src 'self'{live}"))


def answer_file(request: Request, file: PageFile, caching: str, rules: str | None = None) -> Response:
    """A file with what it may do, the page's rules where none are given; 304 where the caller has it.

    Its ETag is a weak one: compressed or not, it names the same file.
    """
    etag = f'W/"{hashlib.sha256(file.content).hexdigest()[:32]}"'
    headers = {
        **HEADERS,
        "Content-Security-Policy": rules or policy(request),
        "Cache-Control": caching,
        "ETag": etag,
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(file.content, media_type=file.media_type, headers=headers)
