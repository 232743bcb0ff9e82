"""A request's medium and options, streamed to a spool file; every limit is ours and is checked while bytes arrive."""

import asyncio
import contextlib
import hashlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from fastapi import Request
from python_multipart.multipart import parse_options_header
from starlette.requests import ClientDisconnect

from service.api.access import usage_of
from service.api.forms import HEADER_BYTES, FormReader
from service.api.upload_places import UploadPlace, UploadPlaces
from service.contract.key_limits import KeyUsage
from service.errors import SignError
from service.media.medium import Medium
from service.settings import Settings

MULTIPART = b"multipart/form-data"


@dataclass(frozen=True, slots=True)
class Received:
    """What a body held: the form's fields, the file's own name (a hint for nothing but exports), and the medium's size.

    digest: SHA-256 of the medium.
    """

    fields: dict[str, str]
    file_name: str | None
    size: int
    digest: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Upload:
    """A medium in its spool file, and what came with it."""

    medium: Medium
    received: Received


@contextlib.asynccontextmanager
async def open_upload(
    request: Request, spool: Path, most_bytes: int | None = None, grow: Callable[[int], None] = lambda _: None
) -> AsyncIterator[Upload]:
    """Receive the body; the spool file is gone when the block ends, whatever happens in it.

    most_bytes: of the medium, where the setting for it is not meant; grow is told its size as it grows and may raise.
    Raises media-missing, media-empty, media-too-large, request-malformed, request-timeout, busy, quota-exceeded,
    disk-full.
    """
    with tempfile.NamedTemporaryFile(dir=spool, prefix="medium-") as file:
        try:
            received = await receive_body(request, file.file, most_bytes, grow)
            file.flush()
        except OSError as error:
            raise SignError("disk-full", f"The medium could not be stored: {error.strerror}.") from error
        yield Upload(Medium(file.name, received.size), received)


async def receive_body(
    request: Request,
    file: IO[bytes] | None,
    most_bytes: int | None = None,
    grow: Callable[[int], None] = lambda _: None,
) -> Received:
    """Receive the body as `open_upload` does. The medium is written to the file; without one it is only looked at."""
    settings: Settings = request.app.state.settings
    limit = most_bytes or settings.media_bytes
    refuse_by_header(request, settings, limit)
    usage = usage_of(request)
    usage.check_bytes(announced_bytes(request))
    began = time.perf_counter()
    sink = _Sink(file, settings, limit, grow, usage)
    kind, options = parse_options_header(request.headers.get("content-type"))
    places: UploadPlaces = request.app.state.uploads
    with places.take() as sink.place:
        if kind == MULTIPART:
            await _receive_form(request, options.get(b"boundary"), sink)
        else:
            await _receive_raw(request, sink)
    if not sink.has_file:
        raise SignError("media-missing", _nothing_sent(sink))
    if sink.size == 0:
        raise SignError("media-empty", "The medium has 0 bytes.")
    return Received(sink.fields, sink.file_name, sink.size, sink.digest.hexdigest(), time.perf_counter() - began)


def is_form(request: Request) -> bool:
    """Whether the body is a multipart form."""
    kind, _ = parse_options_header(request.headers.get("content-type"))
    return bool(kind == MULTIPART)


def refuse_by_header(request: Request, settings: Settings, most_bytes: int) -> None:
    """Refuse by Content-Length before a byte is read."""
    length = announced_bytes(request)
    if length > most_bytes + _form_allowance(settings):
        raise _too_large(most_bytes, length)


def announced_bytes(request: Request) -> int:
    """What Content-Length says, 0 where it says nothing."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else 0


def _form_allowance(settings: Settings) -> int:
    return settings.form_fields * (settings.form_field_bytes + HEADER_BYTES)


def _too_large(limit: int, actual: int) -> SignError:
    detail = f"It has {actual:,} bytes or more; {limit:,} are allowed."
    return SignError("media-too-large", detail, limit=limit, actual=actual)


def _nothing_sent(sink: "_Sink") -> str:
    asked = "Send the medium as the form's part 'file' or as the body itself."
    if not sink.fields:
        return asked
    named = ", ".join(repr(name) for name in sink.fields)
    return f"The form has no file, only {named}. {asked}"


@dataclass(slots=True)
class _Sink:
    """Where parsed bytes go: the medium to the file, fields to memory, each within its limit."""

    file: IO[bytes] | None
    settings: Settings
    most_bytes: int
    grow: Callable[[int], None]
    usage: KeyUsage
    place: UploadPlace = field(default_factory=UploadPlace)
    size: int = 0
    has_file: bool = False
    file_name: str | None = None
    fields: dict[str, str] = field(default_factory=dict)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def begin_file(self, file_name: str | None) -> None:
        self.has_file = True
        self.file_name = file_name

    def write(self, data: bytes | memoryview) -> None:
        self.size += len(data)
        if self.size > self.most_bytes:
            raise _too_large(self.most_bytes, self.size)
        self.grow(self.size)
        self.usage.count_bytes(len(data))
        self.digest.update(data)
        if self.file is not None:
            self.file.write(data)

    def add_field(self, name: str, value: bytearray) -> None:
        if name in self.fields:
            raise SignError("request-malformed", f"The form names {name!r} twice.")
        if len(self.fields) >= self.settings.form_fields:
            raise SignError("request-malformed", f"The form has more than {self.settings.form_fields} fields.")
        try:
            self.fields[name] = value.decode()
        except UnicodeDecodeError:
            raise SignError("request-malformed", f"The form's field {name!r} is not UTF-8. {_IF_IT_IS_IT}") from None

    def check_field(self, name: str, size: int) -> None:
        limit = self.settings.form_field_bytes
        if size > limit:
            detail = f"The form's field {name!r} has more than {limit} bytes. {_IF_IT_IS_IT}"
            raise SignError("request-malformed", detail)


_IF_IT_IS_IT = "If it is the medium, name the part 'file'."


async def body_chunks(request: Request, settings: Settings, place: UploadPlace) -> AsyncIterator[bytes]:
    """The body's chunks; a sender that stalls, is too slow, or has to make room is not waited for."""
    stream = request.stream().__aiter__()
    pace = Pace(settings.upload_rate, settings.upload_stall_s)
    while True:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(settings.upload_stall_s) as place.pause:
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            if place.is_taken_away:
                raise SignError("request-timeout", "Others needed the place, and this upload was slow.") from None
            raise SignError("request-timeout", f"No byte came for {settings.upload_stall_s:g} s.") from None
        except ClientDisconnect:
            raise SignError("request-malformed", "The connection ended before the whole body had come.") from None
        place.note(len(chunk))
        pace.check(len(chunk), time.perf_counter() - began)
        yield chunk


class Pace:
    """How fast a sender is, over stretches of at least `stretch_s` in which we waited for them."""

    def __init__(self, least_rate: float, stretch_s: float) -> None:
        self._least_rate = least_rate
        self._stretch_s = stretch_s
        self._bytes = 0
        self._waited_s = 0.0

    def check(self, size: int, waited_s: float) -> None:
        """So many bytes more came, after so long; SignError request-timeout where that is too slow."""
        self._bytes += size
        self._waited_s += waited_s
        if self._waited_s < self._stretch_s:
            return
        rate = self._bytes / self._waited_s
        if rate < self._least_rate:
            detail = f"The upload came at {rate:,.0f} bytes a second; {self._least_rate:,.0f} are the least."
            raise SignError("request-timeout", detail, limit=self._least_rate, actual=rate)
        self._bytes, self._waited_s = 0, 0.0


async def _receive_raw(request: Request, sink: _Sink) -> None:
    async for chunk in body_chunks(request, sink.settings, sink.place):
        if chunk:
            sink.has_file = True
            sink.write(chunk)
    if request.headers.get("content-length", "0") == "0" and not sink.has_file:
        sink.has_file = "content-type" in request.headers


async def _receive_form(request: Request, boundary: bytes | None, sink: _Sink) -> None:
    if not boundary:
        raise SignError("request-malformed", "The multipart Content-Type names no boundary.")
    form = FormReader(boundary, sink)
    async for chunk in body_chunks(request, sink.settings, sink.place):
        form.feed(chunk)
    form.end()
