"""multipart/form-data as people send it: one medium under whatever name, and fields; names as browsers write them."""

import re
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.errors import SignError

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FILE_FIELD = "file"
HEADER_BYTES = 4096
_PART_HEADERS = 8

_ESCAPES = {"%22": '"', "%0D": "\r", "%0A": "\n"}
"""What browsers and curl escape in a name, and nothing else (HTML, multipart/form-data)."""

_ESCAPED_WHOLLY = re.compile(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+")
"""A name as aiohttp writes it: all but the unreserved characters is escaped."""

_EXTENDED = re.compile(rb";\s*filename\*\s*=\s*\"?(utf-8|iso-8859-1)'[^']*'([^;\"\s]*)", re.IGNORECASE)


class FormSink(Protocol):
    """Where a form's parts go."""

    def begin_file(self, file_name: str | None) -> None:
        """The medium begins."""

    def write(self, data: memoryview) -> None:
        """Some of the medium's bytes."""

    def add_field(self, name: str, value: bytearray) -> None:
        """A whole field."""

    def check_field(self, name: str, size: int) -> None:
        """Raise SignError where a field grows too long."""


class FormReader:
    """Reads a form's bytes as they come; SignError request-malformed where they are none, or hold two media.

    The medium is the part `file`, or the only part with a file's name or a type that is no text.
    """

    def __init__(self, boundary: bytes, sink: FormSink) -> None:
        self._sink = sink
        self._ended = False
        self._file_part: str | None = None
        self._header_name = bytearray()
        self._header_value = bytearray()
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._is_unchosen = False
        self._value = bytearray()
        try:
            self._parser = MultipartParser(
                boundary, self._callbacks(), max_header_count=_PART_HEADERS, max_header_size=HEADER_BYTES
            )
        except FormParserError as error:
            raise _unreadable(error) from None

    def feed(self, data: bytes) -> None:
        """The next bytes."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise _unreadable(error) from None

    def end(self) -> None:
        """No more bytes come."""
        try:
            self._parser.finalize()
        except FormParserError as error:
            raise _unreadable(error) from None
        if not self._ended:
            raise SignError("request-malformed", "The form ends before its closing boundary.")

    def _callbacks(self) -> "MultipartCallbacks":
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
        self._headers.clear()
        self._field = None
        self._is_unchosen = False
        self._value.clear()

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[bytes(self._header_name.lower())] = bytes(self._header_value)
        self._header_name.clear()
        self._header_value.clear()

    def _end_headers(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        name = unescape(options.get(b"name", b"").decode("utf-8", "replace"))
        file_name = _file_name(disposition, options)
        self._is_unchosen = file_name == "" and name != FILE_FIELD
        if name != FILE_FIELD and (self._is_unchosen or not self._is_file(file_name)):
            self._field = name
            return
        if self._file_part is not None:
            raise _two_files(self._file_part, name)
        self._file_part = name
        self._sink.begin_file(file_name)

    def _is_file(self, file_name: str | None) -> bool:
        kind, _ = parse_options_header(self._headers.get(b"content-type"))
        return file_name is not None or bool(kind and not kind.startswith((b"text/", b"application/json")))

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._sink.write(memoryview(data)[start:end])
            return
        self._value += data[start:end]
        self._sink.check_field(self._field, len(self._value))

    def _end_part(self) -> None:
        if self._field is not None and (self._value or not self._is_unchosen):
            self._sink.add_field(self._field, self._value)

    def _end(self) -> None:
        self._ended = True


def unescape(name: str) -> str:
    """A name as its sender has it: browsers and curl escape three characters of it, aiohttp nearly all."""
    if "%" not in name:
        return name
    if _ESCAPED_WHOLLY.fullmatch(name):
        try:
            return unquote_to_bytes(name).decode()
        except UnicodeDecodeError:
            pass
    return re.sub("|".join(_ESCAPES), lambda found: _ESCAPES[found[0].upper()], name, flags=re.IGNORECASE)


def _file_name(disposition: bytes, options: dict[bytes, bytes]) -> str | None:
    """The part's file name: `filename*` (RFC 5987) before `filename`; None where it has none."""
    extended = _EXTENDED.search(disposition)
    if extended is not None:
        return unquote_to_bytes(extended[2]).decode(extended[1].decode("ascii"), "replace")
    plain = options.get(b"filename")
    return None if plain is None else unescape(plain.decode("utf-8", "replace"))


def _two_files(first: str, second: str) -> SignError:
    if first == second == FILE_FIELD:
        return SignError("request-malformed", "The form has two parts named 'file'.")
    detail = f"The form has two files, {first!r} and {second!r}. Send one, and name the part 'file'."
    return SignError("request-malformed", detail)


def _unreadable(error: FormParserError) -> SignError:
    return SignError("request-malformed", f"The form cannot be read: {error}.")
