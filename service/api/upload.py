"""A request's medium and options, streamed to a spool file; every limit is ours and is checked while bytes arrive."""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect

from service.errors import SignError
from service.media.medium import Medium
from service.settings import Settings

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MULTIPART = b"multipart/form-data"
FILE_FIELD = "file"
_HEADER_BYTES = 4096
_PART_HEADERS = 8


@dataclass(frozen=True, slots=True)
class Upload:
    """A medium in its spool file, the form's fields, and the file's own name (a hint for nothing but exports)."""

    medium: Medium
    fields: dict[str, str]
    file_name: str | None
    seconds: float


@contextlib.asynccontextmanager
async def open_upload(
    request: Request, spool: Path, most_bytes: int | None = None, grow: Callable[[int], None] = lambda _: None
) -> AsyncIterator[Upload]:
    """Receive the body; the spool file is gone when the block ends, whatever happens in it.

    most_bytes: of the medium, where the setting for it is not meant; grow is told its size as it grows and may raise.
    Raises media-missing, media-empty, media-too-large, request-malformed, disk-full.
    """
    settings: Settings = request.app.state.settings
    limit = most_bytes or settings.media_bytes
    refuse_by_header(request, settings, limit)
    began = time.perf_counter()
    with tempfile.NamedTemporaryFile(dir=spool, prefix="medium-") as file:
        sink = _Sink(file.file, settings, limit, grow)
        kind, options = parse_options_header(request.headers.get("content-type"))
        try:
            if kind == MULTIPART:
                await _receive_form(request, options.get(b"boundary"), sink)
            else:
                await _receive_raw(request, sink)
            file.flush()
        except OSError as error:
            raise SignError("disk-full", f"The medium could not be stored: {error.strerror}.") from error
        if not sink.has_file:
            raise SignError("media-missing", "Send the medium as the form's part 'file' or as the body itself.")
        if sink.size == 0:
            raise SignError("media-empty", "The medium has 0 bytes.")
        yield Upload(Medium(file.name, sink.size), sink.fields, sink.file_name, time.perf_counter() - began)


def is_form(request: Request) -> bool:
    """Whether the body is a multipart form."""
    kind, _ = parse_options_header(request.headers.get("content-type"))
    return bool(kind == MULTIPART)


def refuse_by_header(request: Request, settings: Settings, most_bytes: int) -> None:
    """Refuse by Content-Length before a byte is read."""
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > most_bytes + _form_allowance(settings):
        raise _too_large(most_bytes, int(length))


def _form_allowance(settings: Settings) -> int:
    return settings.form_fields * (settings.form_field_bytes + _HEADER_BYTES)


def _too_large(limit: int, actual: int) -> SignError:
    detail = f"It has {actual:,} bytes or more; {limit:,} are allowed."
    return SignError("media-too-large", detail, limit=limit, actual=actual)


@dataclass(slots=True)
class _Sink:
    """Where parsed bytes go: the medium to the file, fields to memory, each within its limit."""

    file: IO[bytes]
    settings: Settings
    most_bytes: int
    grow: Callable[[int], None]
    size: int = 0
    has_file: bool = False
    file_name: str | None = None
    fields: dict[str, str] = field(default_factory=dict)

    def write(self, data: bytes | memoryview) -> None:
        self.size += len(data)
        if self.size > self.most_bytes:
            raise _too_large(self.most_bytes, self.size)
        self.grow(self.size)
        self.file.write(data)

    def add_field(self, name: str, value: bytearray) -> None:
        if name in self.fields:
            raise SignError("request-malformed", f"The form names {name!r} twice.")
        if len(self.fields) >= self.settings.form_fields:
            raise SignError("request-malformed", f"The form has more than {self.settings.form_fields} fields.")
        try:
            self.fields[name] = value.decode()
        except UnicodeDecodeError:
            raise SignError("request-malformed", f"The form's field {name!r} is not UTF-8.") from None


async def _chunks(request: Request, settings: Settings) -> AsyncIterator[bytes]:
    """The body's chunks; a sender that stalls is not waited for."""
    stream = request.stream().__aiter__()
    while True:
        try:
            async with asyncio.timeout(settings.upload_stall_s):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise SignError("request-malformed", f"No byte came for {settings.upload_stall_s:g} s.") from None
        except ClientDisconnect:
            raise SignError("request-malformed", "The connection ended before the whole body had come.") from None
        yield chunk


async def _receive_raw(request: Request, sink: _Sink) -> None:
    async for chunk in _chunks(request, sink.settings):
        if chunk:
            sink.has_file = True
            sink.write(chunk)
    if request.headers.get("content-length", "0") == "0" and not sink.has_file:
        sink.has_file = "content-type" in request.headers


async def _receive_form(request: Request, boundary: bytes | None, sink: _Sink) -> None:
    if not boundary:
        raise SignError("request-malformed", "The multipart Content-Type names no boundary.")
    form = _FormReader(sink)
    try:
        parser = MultipartParser(
            boundary, form.callbacks(), max_header_count=_PART_HEADERS, max_header_size=_HEADER_BYTES
        )
        async for chunk in _chunks(request, sink.settings):
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError as error:
        raise SignError("request-malformed", f"The form cannot be read: {error}.") from None
    if not form.ended:
        raise SignError("request-malformed", "The form ends before its closing boundary.")


class _FormReader:
    """Turns the parser's callbacks into one medium and some fields."""

    def __init__(self, sink: _Sink) -> None:
        self.sink = sink
        self.ended = False
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._disposition: bytes = b""
        self._field: str | None = None
        self._value = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._on_header_name,
            "on_header_value": self._on_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._on_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._disposition = b""
        self._field = None
        self._value.clear()

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name != FILE_FIELD:
            self._field = name
            return
        if self.sink.has_file:
            raise SignError("request-malformed", "The form has two parts named 'file'.")
        self.sink.has_file = True
        if b"filename" in options:
            self.sink.file_name = options[b"filename"].decode("utf-8", "replace")

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self.sink.write(memoryview(data)[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > self.sink.settings.form_field_bytes:
            limit = self.sink.settings.form_field_bytes
            raise SignError("request-malformed", f"The form's field {self._field!r} has more than {limit} bytes.")

    def _end_part(self) -> None:
        if self._field is not None:
            self.sink.add_field(self._field, self._value)

    def _end(self) -> None:
        self.ended = True
