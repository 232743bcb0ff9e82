"""Answers as files: which format is wanted, and the download."""

import asyncio
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import Response

from service.errors import SignError
from service.export.answer import HighlightsExport, SignsExport
from service.export.formats import JSON_MEDIA_TYPE, Format

AnswerT = TypeVar("AnswerT", SignsExport, HighlightsExport)


async def download(chosen: Format[AnswerT], answer: AnswerT, headers: dict[str, str]) -> Response:
    """The answer as a file of this format, named after its medium."""
    content = await asyncio.to_thread(chosen.file, answer)
    headers = {**headers, "Content-Disposition": content_disposition(chosen.file_name(answer.media))}
    return Response(content, media_type=chosen.media_type, headers=headers)


def content_disposition(name: str) -> str:
    """Content-Disposition of a download (RFC 6266): the name in UTF-8, and in ASCII for who reads only that."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"


def acceptable_format(accept: str | None, formats: Mapping[str, Format[Any]]) -> str:
    """The format that `Accept` prefers, json where it says nothing; SignError where it takes none of these."""
    if not accept:
        return "json"
    by_type = {JSON_MEDIA_TYPE: "json", **{entry.accept: name for name, entry in formats.items()}}
    for wanted in _preferences(accept):
        if wanted in ("*/*", "application/*"):
            return "json"
        if wanted in by_type:
            return by_type[wanted]
    raise SignError("format-not-acceptable", f"There are: {', '.join(by_type)}; or use the option format.")


def _preferences(accept: str) -> list[str]:
    """Media types of an Accept header, the most wanted first; those with q=0 are not wanted."""
    weighed = []
    for entry in accept.split(","):
        media_type, *parameters = (part.strip().lower() for part in entry.split(";"))
        weights = [parameter.removeprefix("q=") for parameter in parameters if parameter.startswith("q=")]
        try:
            weight = float(weights[0]) if weights else 1.0
        except ValueError:
            weight = 0.0
        if weight > 0:
            weighed.append((weight, media_type))
    return [media_type for _, media_type in sorted(weighed, key=lambda entry: -entry[0])]


def last_component(name: str) -> str:
    """A file name without its folders, whichever way they are written."""
    return PurePosixPath(name.replace("\\", "/")).name
