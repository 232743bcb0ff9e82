"""The door of /stream: who may come in, in which protocol, and what they want first."""

import asyncio
import base64
import binascii

from fastapi import WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from service.contract.callers import is_welcome
from service.contract.keys import bearer_key, check_key
from service.contract.messages import StartMessage
from service.errors import SignError
from service.findings import describe_finding
from service.live.closing import CloseCode, ClosingError
from service.live.session import DisconnectedError
from service.settings import Settings

PROTOCOL = "sign.v1"
_KEY_PROTOCOL = "sign.key."
_START_S = 10.0


class ClientSocket:
    """A WebSocket of a client, as a session needs it."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> str | bytes:
        """The next message; DisconnectedError where none will come."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise DisconnectedError
        text, data = message.get("text"), message.get("bytes")
        return data or b"" if text is None else text

    async def send(self, text: str) -> None:
        """Send a message as soon as the reader has room for it; DisconnectedError where nobody reads."""
        try:
            await self._socket.send_text(text)
        except WebSocketDisconnect:
            raise DisconnectedError from None

    async def close(self, code: int, reason: str) -> None:
        """Say why and close; DisconnectedError where the client was faster."""
        try:
            await self._socket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError):  # Starlette's word for a socket that is closed already
            raise DisconnectedError from None


async def accept(socket: WebSocket) -> ClientSocket:
    """Accept the connection in our protocol, where the client names it. DisconnectedError where it has gone."""
    try:
        await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
    except WebSocketDisconnect:
        raise DisconnectedError from None
    return ClientSocket(socket)


def check_caller(socket: WebSocket, settings: Settings) -> str | None:
    """The name of the caller's key, where one is needed.

    Raises ClosingError or SignError where the page or the caller may not stream.
    """
    origin = socket.headers.get("origin")
    if origin is not None and not is_welcome(origin, socket.scope["scheme"], socket.headers.get("host", ""), settings):
        detail = f"Pages of {origin} may not stream here; SIGN_CORS_ORIGINS names those that may."
        raise ClosingError(CloseCode.NOT_ALLOWED, detail, "key-refused")
    return check_key(_key_of(socket), settings)


async def read_start(socket: ClientSocket, settings: Settings) -> StartMessage:
    """The first message. Raises ClosingError where it is another one, or none comes."""
    try:
        async with asyncio.timeout(min(_START_S, settings.stream_idle_s)):
            first = await socket.receive()
    except TimeoutError:
        raise ClosingError(CloseCode.IDLE, "No start message came. Send it first.") from None
    if isinstance(first, bytes):
        detail = "The first message must be the start message, as text."
        raise ClosingError(CloseCode.START_INVALID, detail, "parameter-invalid")
    try:
        return StartMessage.model_validate_json(first)
    except ValidationError as error:
        found = "; ".join(_shown(".".join(map(str, entry["loc"])), describe_finding(entry)) for entry in error.errors())
        raise ClosingError(CloseCode.START_INVALID, f"start message: {found}", "parameter-invalid") from None


def _shown(place: str, problem: str) -> str:
    return f"{place}: {problem}" if place else problem


def _key_of(socket: WebSocket) -> str | None:
    """The key in the Authorization header, or the one that a browser offers as a protocol."""
    offered = [name for name in socket.scope["subprotocols"] if name.startswith(_KEY_PROTOCOL)]
    if not offered:
        return bearer_key(socket.headers)
    encoded = offered[0].removeprefix(_KEY_PROTOCOL)
    try:
        return base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise SignError("key-refused", f"{_KEY_PROTOCOL}… is not the base64url of a key.") from None
