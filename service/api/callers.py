"""Doorkeepers for what browsers send: names that are not ours, and pages of strangers. Plain ASGI."""

from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problem import problem_response
from service.contract.callers import AllowedHosts, is_foreign
from service.errors import SignError
from service.settings import Settings

_CHANGING: Final = ("POST", "PUT", "PATCH", "DELETE")
_LONGEST_SHOWN: Final = 100


class HostMiddleware:
    """Answers only under the service's own names; sockets are refused before they are opened."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._allowed = AllowedHosts(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            for host in Headers(scope=scope).getlist("host"):
                if not self._allowed.cover(host):
                    await _refuse(_refused_host(host), scope, receive, send)
                    return
        await self.app(scope, receive, send)


class OriginMiddleware:
    """Without keys, strangers' pages must not send anything: a form needs no leave of ours to be sent."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in _CHANGING and not self._settings.api_keys:
            headers = Headers(scope=scope)
            if is_foreign(headers, scope["scheme"], self._settings):
                origin = headers.get("origin", "another site")[:_LONGEST_SHOWN]
                detail = f"Pages of {origin} may not send here; SIGN_CORS_ORIGINS names those that may."
                await _refuse(SignError("origin-refused", detail), scope, receive, send)
                return
        await self.app(scope, receive, send)


def _refused_host(host: str) -> SignError:
    detail = f"This service does not answer as {host[:_LONGEST_SHOWN]!r}; SIGN_ALLOWED_HOSTS names what it answers as."
    return SignError("host-refused", detail)


async def _refuse(error: SignError, scope: Scope, receive: Receive, send: Send) -> None:
    """The problem; where a socket was to be opened, in its stead."""
    request = Request({**scope, "type": "http", "method": scope.get("method", "GET")})
    response = problem_response(error, request)
    if scope["type"] == "http":
        await response(scope, receive, send)
        return
    await receive()  # the wish to connect
    start = {"status": response.status_code, "headers": response.raw_headers}
    await send({"type": "websocket.http.response.start", **start})
    await send({"type": "websocket.http.response.body", "body": response.body})
