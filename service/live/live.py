"""Live: all live sessions of this service, and their slots."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator

import structlog
from fastapi import WebSocket

from service.context import AppContext
from service.contract.key_limits import KeyUsages
from service.contract.messages import ErrorMessage, StartMessage
from service.contract.request_log import GONE, RequestLog, RequestRecord
from service.errors import SignError
from service.live.closing import CloseCode, ClosingError, closing_of
from service.live.handshake import ClientSocket, accept, check_caller, read_start
from service.live.session import DisconnectedError, LiveSession
from service.workers.admission import shutting_down
from service.workers.streams import StreamSlots

CLOSE_S = 5.0

_RESTARTING = ClosingError(CloseCode.RESTARTING, "The service restarts. Connect again in a moment.")

_log = structlog.get_logger(__name__)


class Live:
    """`run` it as long as the service lives; `drain` it before its sockets are closed."""

    def __init__(self, context: AppContext, log: RequestLog, usages: KeyUsages) -> None:
        self._context = context
        self._usages = usages
        self._request_log = log
        self._slots = StreamSlots(context.settings, context.metrics)
        context.registry.cores.share_with(lambda: self._slots.taken)
        self._sessions: set[LiveSession] = set()
        self._serving: set[asyncio.Task[object]] = set()
        self._ending = asyncio.Event()

    @contextlib.asynccontextmanager
    async def run(self) -> AsyncIterator["Live"]:
        """Keep a stream slot warm, and end all at the end of the block."""
        self._slots.start()
        try:
            yield self
        finally:
            await self._slots.close()

    async def drain(self, within_s: float) -> None:
        """Let every session say its last words and close, as far as the time allows."""
        self._ending.set()
        for session in self._sessions:
            session.end(_RESTARTING)
        if self._serving:
            await asyncio.wait(self._serving, timeout=within_s)

    async def serve(self, socket: WebSocket) -> None:
        """Serve one client from the first word to the last."""
        with self._note_task(), self._logged(socket) as record, contextlib.suppress(DisconnectedError):
            client = await accept(socket)
            closing = await self._closing(socket, client, record)
            record.code, record.status = closing.error, int(closing.code)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    if closing.error is not None:
                        await client.send(
                            ErrorMessage(type="error", code=closing.error, detail=closing.detail).as_text()
                        )
                    await client.close(closing.code, closing.reason)

    async def _closing(self, socket: WebSocket, client: ClientSocket, record: RequestRecord) -> ClosingError:
        """How the client is to be sent off once all is said and done; DisconnectedError where it has gone."""
        try:
            return await self._run_session(socket, client, record)
        except DisconnectedError:
            raise
        except ClosingError as closing:
            return closing
        except SignError as error:
            self._context.metrics.errors.labels(error.code).inc()
            return closing_of(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not look like a broken network
            _log.error("live session failed", exc_info=error)
            return ClosingError(
                CloseCode.OUR_FAULT, "The fault is logged; the service goes on. Start again.", "internal"
            )

    async def _run_session(self, socket: WebSocket, client: ClientSocket, record: RequestRecord) -> ClosingError:
        context = self._context
        if context.shutting_down:
            raise shutting_down()
        record.key = check_caller(socket, context.settings)
        usage = self._usages.of(record.key)
        usage.count_request()
        with usage.session():
            return await self._run_allowed(client, record)

    async def _run_allowed(self, client: ClientSocket, record: RequestRecord) -> ClosingError:
        context = self._context
        start = await self._start_of(client)
        model = await context.registry.choose(start.model or context.settings.default_model, start.version)
        session = LiveSession(client, start, model.over_time or model, context)
        record.request_id = session.id
        record.note_model((model.over_time or model).manifest)
        async with self._slots.lease(session.call) as stream:
            with self._running(session):
                return await session.run(stream)

    async def _start_of(self, client: ClientSocket) -> StartMessage:
        """The first message, as long as the service does not end."""
        reading = asyncio.create_task(read_start(client, self._context.settings))
        ending = asyncio.create_task(self._ending.wait())
        try:
            await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                raise shutting_down()
            return reading.result()
        finally:
            for task in (reading, ending):
                task.cancel()
            await asyncio.gather(reading, ending, return_exceptions=True)

    @contextlib.contextmanager
    def _running(self, session: LiveSession) -> Iterator[None]:
        self._sessions.add(session)
        if self._ending.is_set():
            session.end(_RESTARTING)
        self._context.metrics.stream_sessions.set(len(self._sessions))
        try:
            yield
        finally:
            self._sessions.discard(session)
            self._context.metrics.stream_sessions.set(len(self._sessions))

    @contextlib.contextmanager
    def _logged(self, socket: WebSocket) -> Iterator[RequestRecord]:
        """The line of one client in the request log, under the session's id where one began."""
        address = None if socket.client is None else socket.client.host
        record = RequestRecord(str(uuid.uuid4()), status=GONE, address=address)
        try:
            yield record
        finally:
            self._request_log.write(record, socket.url.path)

    @contextlib.contextmanager
    def _note_task(self) -> Iterator[None]:
        """Note the present task, which drain waits for."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a client is served outside of a task")
        self._serving.add(task)
        try:
            yield
        finally:
            self._serving.discard(task)
