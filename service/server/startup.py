"""The service's beginning: why it cannot start is one line, where that is known; else uvicorn shows the traceback."""

import sys

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import SignError


class PlainStartup:
    """An application that says in one line why it cannot start."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_plainly(message: Message) -> None:
            error = sys.exc_info()[1]  # Starlette tells of it while it handles it
            if message["type"] == "lifespan.startup.failed" and isinstance(error, (SignError, OSError)):
                message = {**message, "message": _sentence(error)}
            await send(message)

        await self._app(scope, receive, send_plainly)


def _sentence(error: SignError | OSError) -> str:
    return f"{error.title}: {error.detail}" if isinstance(error, SignError) else f"The service cannot start: {error}"
