"""Answers as files: which format is wanted, and the download."""

import asyncio
from collections.abc import Iterable, Mapping
from email.header import Header
from pathlib import PurePosixPath
from typing import Any, TypeVar
from urllib.parse import quote

from fastapi import Response

from service.errors import SignError
from service.export.answer import HighlightsExport, SignsExport
from service.export.formats import JSON_MEDIA_TYPE, Format
from service.export.text import one_line

AnswerT = TypeVar("AnswerT", SignsExport, HighlightsExport)

_MISCELLANEOUS = 199
"""The code of a warning that HTTP itself has no other for (RFC 7234, 5.5)."""


async def download(chosen: Format[AnswerT], answer: AnswerT, headers: Mapping[str, str]) -> Response:
    """The answer as a file of this format, named after its medium; its warnings stand in the header field Warning."""
    content = await asyncio.to_thread(chosen.file, answer)
    own = {"Content-Disposition": content_disposition(chosen.file_name(answer.media))}
    if answer.warnings:
        own["Warning"] = warning_header(answer.warnings)
    return Response(content, media_type=chosen.media_type, headers={**headers, **own})


def content_disposition(name: str) -> str:
    """Content-Disposition of a download (RFC 6266): the name in UTF-8, and in ASCII for who reads only that."""
    plain = "".join(sign if sign.isascii() and sign.isprintable() and sign not in '"\\' else "_" for sign in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"


def warning_header(warnings: Iterable[str]) -> str:
    """Warnings as the header field has them: each quoted, and in an encoded word (RFC 2047) where it is not ASCII."""
    return ", ".join(f'{_MISCELLANEOUS} - "{_quotable(one_line(warning))}"' for warning in warnings)


def _quotable(text: str) -> str:
    if not text.isascii():
        return Header(text, "utf-8", maxlinelen=10_000).encode(linesep="")
    return text.replace("\\", "\\\\").replace('"', '\\"')


def acceptable_format(accept: str | None, formats: Mapping[str, Format[Any]]) -> str:
    """The format that `Accept` prefers, json where it says nothing; SignError where it takes none of these.

    Of a range (`text/*`) it is the first one in the table.
    """
    if not accept:
        return "json"
    by_type = {JSON_MEDIA_TYPE: "json", **{entry.essence: name for name, entry in formats.items()}}
    wanted, refused = _preferences(accept)
    for media_range in wanted:
        for media_type, name in by_type.items():
            if media_type not in refused and _covers(media_range, media_type):
                return name
    raise SignError("format-not-acceptable", f"There are: {', '.join(by_type)}; or use the option format.")


def _covers(media_range: str, media_type: str) -> bool:
    """Whether a media type lies in a range of Accept."""
    kind, _, part = media_range.partition("/")
    return media_range in ("*/*", media_type) or (part == "*" and media_type.startswith(f"{kind}/"))


def _preferences(accept: str) -> tuple[list[str], set[str]]:
    """Media ranges of an Accept header, the most wanted first, and those that are refused with q=0."""
    weighed = []
    for entry in accept.split(","):
        media_range, *parameters = (part.strip().lower() for part in entry.split(";"))
        weights = [parameter.removeprefix("q=") for parameter in parameters if parameter.startswith("q=")]
        try:
            weight = float(weights[0]) if weights else 1.0
        except ValueError:
            weight = 0.0
        weighed.append((weight, media_range))
    wanted = sorted((entry for entry in weighed if entry[0] > 0), key=lambda entry: -entry[0])
    return [media_range for _, media_range in wanted], {entry for weight, entry in weighed if not weight > 0}


def last_component(name: str) -> str:
    """A file name without its folders, whichever way they are written."""
    return PurePosixPath(name.replace("\\", "/")).name
