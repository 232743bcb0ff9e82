"""LiveSession: one camera, one model, one stream slot, from `ready` to `summary`."""

import asyncio
import time
import uuid
from dataclasses import replace
from typing import Protocol

from pydantic import ValidationError

from service.analysis.timeline import SpottingOptions
from service.context import AppContext
from service.contract.answers import ModelRef, SegmentBody, StateBody
from service.contract.messages import (
    CONTROL,
    ErrorMessage,
    FrameMessage,
    HandBody,
    InterimMessage,
    Limits,
    ReadyMessage,
    SegmentMessage,
    ServerMessage,
    StartMessage,
    StateMessage,
    StopMessage,
    SummaryMessage,
    prediction_body,
)
from service.contract.rate_limiter import RateLimiter
from service.errors import Code, SignError
from service.live.closing import CloseCode, ClosingError
from service.live.frame_queue import FrameQueue
from service.live.frame_sampler import ClockError, FrameSampler, SampledFrame
from service.live.frames import HEADER, BrokenFrameError, FrameReader
from service.live.reading import Reader, Update
from service.live.session_stats import SessionStats
from service.observe.live import LiveCall, LiveFrame
from service.registry.registry import ServedModel
from service.settings import Settings
from service.workers.streams import Stream

MOST_BROKEN = 3
_OF_THE_PICTURE: tuple[Code, ...] = ("media-corrupt", "media-unsupported", "media-empty")
_WITH_SUMMARY = (CloseCode.DONE, CloseCode.RESTARTING, CloseCode.IDLE, CloseCode.TOO_LONG)


class DisconnectedError(Exception):
    """The client's end of the socket is gone."""


class Socket(Protocol):
    """What a session needs of a WebSocket."""

    async def receive(self) -> str | bytes:
        """The next message; DisconnectedError where none will come."""

    async def send(self, text: str) -> None:
        """Send a message as soon as the reader has room for it; DisconnectedError where nobody reads."""


class LiveSession:
    """Talks to one client. What comes goes through the queue; only the one who empties it sends."""

    def __init__(self, socket: Socket, start: StartMessage, model: ServedModel, context: AppContext) -> None:
        """SignError where the model does not stream, or not as the client asks."""
        self.id = str(uuid.uuid4())
        self._socket = socket
        self._start = start
        self._model = model
        self._settings: Settings = context.settings
        options = SpottingOptions(
            window_s=start.window_s, stride_s=start.stride_s, threshold=start.threshold, window_named="window_s"
        )
        self._reader = Reader(model, options, context)
        self._sampler = FrameSampler(self._reader.rate)
        self._queue = FrameQueue()
        self._came = asyncio.Event()
        self._stats = SessionStats(context.metrics)
        self._broken_in_a_row = 0
        self._discontinuity = False

    @property
    def call(self) -> LiveCall:
        """What is to be observed in its frames."""
        return LiveCall(self._reader.request, self._start.mirrored, self._settings.stream_pixels)

    async def run(self, stream: Stream) -> ClosingError:
        """Serve the session to its end, and say how the socket is to be closed.

        Raises DisconnectedError, ClosingError, and SignError where the service is at fault.
        """
        await self._send(self._ready())
        too_long = ClosingError(CloseCode.TOO_LONG, "The session has lasted as long as one may. Start another.")
        clock = asyncio.get_running_loop().call_later(self._settings.stream_session_s, self.end, too_long)
        listening, working = asyncio.create_task(self._listen()), asyncio.create_task(self._work(stream))
        try:
            await asyncio.wait((listening, working), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                await listening
            return await working
        finally:
            clock.cancel()
            for task in (listening, working):
                task.cancel()
            await asyncio.gather(listening, working, return_exceptions=True)
            self._count()

    def end(self, closing: ClosingError, *, at_once: bool = False) -> None:
        """End the session once what has come is dealt with, or at once."""
        self._queue.put_end(closing, at_once=at_once)
        self._came.set()

    # what comes

    async def _listen(self) -> None:
        """Take what the client sends, until it says that it is done or does what it may not."""
        now = time.monotonic()
        frames, limiter = FrameReader(now), RateLimiter(self._settings.stream_max_fps, now)
        while True:
            try:
                async with asyncio.timeout(self._settings.stream_idle_s):
                    message = await self._socket.receive()
            except TimeoutError:
                idle_s = self._settings.stream_idle_s
                self.end(ClosingError(CloseCode.IDLE, f"Nothing came for {idle_s:g} s. Start again when frames come."))
                return
            now = time.monotonic()
            try:
                self._check_pace(limiter, now)
                if isinstance(message, bytes):
                    self._take_frame(message, now, frames)
                elif self._take_text(message):
                    return
            except ClosingError as closing:
                self.end(closing, at_once=True)
                return
            self._came.set()

    def _check_pace(self, limiter: RateLimiter, now: float) -> None:
        if not limiter.allow(now):
            detail = f"More than {self._settings.stream_max_fps:g} messages a second came. Send fewer frames."
            raise ClosingError(CloseCode.NOT_ALLOWED, detail, "rate-limited")

    def _take_text(self, text: str) -> bool:
        """Whether the client is done."""
        try:
            control = CONTROL.validate_json(text)
        except ValidationError:
            raise ClosingError(
                CloseCode.TEXT_NOT_HERE,
                "Text may be flush, reset or stop here. Frames are binary messages.",
                "request-malformed",
            ) from None
        if isinstance(control, StopMessage):
            self.end(ClosingError(CloseCode.DONE, "Done."))
            return True
        if control.type == "reset":
            self._sampler.reset()
            self._stats.reset_clock()
        if not self._queue.put_command(control.type):
            raise ClosingError(
                CloseCode.NOT_ALLOWED, "Too many commands wait. Send fewer of flush and reset.", "rate-limited"
            )
        return False

    def _take_frame(self, message: bytes, now: float, frames: FrameReader) -> None:
        self._stats.received += 1
        most = self._settings.stream_frame_bytes
        if len(message) > most + HEADER.size:
            detail = f"A frame had {len(message)} bytes; {most} at most. Send smaller pictures."
            raise ClosingError(CloseCode.FRAME_TOO_LARGE, detail, "media-too-large")
        try:
            frame = frames.read(message, now)
        except BrokenFrameError as error:
            self._note_broken(ErrorMessage(type="error", code="request-malformed", detail=str(error)))
            return
        try:
            sampled = self._sampler.push(frame)
        except ClockError as error:
            detail = f"time_s went back by {error.args[0]:.3f} s. Send reset before another clock begins."
            self._note_broken(ErrorMessage(type="error", code="request-malformed", detail=detail, seq=frame.seq))
            return
        self._stats.note_frame(frame.time_s)
        self._queue.put_frames(sampled)

    def _note_broken(self, error: ErrorMessage) -> None:
        """Tell the client; the third in a row ends the session."""
        self._stats.broken += 1
        self._broken_in_a_row += 1
        if self._broken_in_a_row >= MOST_BROKEN:
            detail = f"{MOST_BROKEN} broken frames in a row; the last: {error.detail}"
            self.end(ClosingError(CloseCode.BROKEN, detail, error.code), at_once=True)
            return
        self._queue.put_note(error)
        self._came.set()

    # what is done with it

    async def _work(self, stream: Stream) -> ClosingError:
        """Empty the queue until the session's end comes out of it."""
        while True:
            item = self._queue.take()
            if item is None:
                self._came.clear()
                await self._came.wait()
            elif isinstance(item, SampledFrame):
                await self._observe(item, stream)
            elif isinstance(item, ClosingError):
                return await self._finish(item)
            elif isinstance(item, ErrorMessage):
                await self._send(item)
            elif item == "flush":
                await self._tell(await self._reader.flush(self._sampler.until_s))
            else:
                self._reader.reset()

    async def _observe(self, sampled: SampledFrame, stream: Stream) -> None:
        frame = sampled.frame
        sampled = replace(sampled, discontinuity=sampled.discontinuity or self._discontinuity)
        try:
            observation = await stream.observe(LiveFrame(frame.time_s, frame.picture, sampled.discontinuity))
        except SignError as error:
            if error.code not in _OF_THE_PICTURE:
                raise
            self._discontinuity = sampled.discontinuity
            self._note_broken(ErrorMessage(type="error", code=error.code, detail=error.detail, seq=frame.seq))
            return
        self._discontinuity = False
        self._broken_in_a_row = 0
        update = await self._reader.read(sampled, observation)
        latency_s = time.monotonic() - frame.arrived_s
        self._stats.note_answer(latency_s)
        self._count()
        await self._send(
            FrameMessage(
                type="frame",
                seq=frame.seq,
                time_s=frame.time_s,
                dropped=self._dropped,
                skipped=self._sampler.skipped,
                latency_ms=round(latency_s * 1000, 2),
                hands=[HandBody.of(hand, with_landmarks=self._start.landmarks) for hand in observation.hands],
                prediction=prediction_body(self._reader.prediction),
            )
        )
        await self._tell(update)

    async def _finish(self, closing: ClosingError) -> ClosingError:
        """The last words, where the end is an orderly one."""
        if closing.code not in _WITH_SUMMARY:
            return closing
        await self._tell(await self._reader.flush(self._sampler.until_s))
        self._sampler.finish()
        self._count()
        stats, states = self._stats, self._reader.states
        await self._send(
            SummaryMessage(
                type="summary",
                frames=stats.received,
                processed=stats.processed,
                dropped=self._dropped,
                skipped=self._sampler.skipped,
                broken=stats.broken,
                segments=[SegmentBody.of(segment) for segment in self._reader.segments],
                transcript=self._reader.transcript,
                duration_s=stats.duration_s,
                latency_ms=stats.latency,
                **({"states": [StateBody.of(state) for state in states]} if self._reader.tells_states else {}),
            )
        )
        return closing

    async def _tell(self, update: Update) -> None:
        for segment, transcript in update.segments:
            await self._send(SegmentMessage(type="segment", segment=SegmentBody.of(segment), transcript=transcript))
        for state in update.states:
            await self._send(StateMessage(type="state", state=state.state, start_time=state.start_s))
        if update.growing is not None:
            segment, transcript = update.growing
            await self._send(InterimMessage(type="interim", segment=SegmentBody.of(segment), transcript=transcript))

    async def _send(self, message: ServerMessage) -> None:
        try:
            async with asyncio.timeout(self._settings.stream_idle_s):
                await self._socket.send(message.as_text())
        except TimeoutError:
            idle_s = self._settings.stream_idle_s
            raise ClosingError(CloseCode.IDLE, f"Nothing was read for {idle_s:g} s. Read what is sent.") from None

    def _ready(self) -> ReadyMessage:
        settings = self._settings
        return ReadyMessage(
            type="ready",
            session=self.id,
            model=ModelRef.of(self._model.manifest),
            sample_rate=self._reader.rate,
            window_s=self._reader.times.window_s,
            stride_s=self._reader.times.stride_s,
            limits=Limits(
                max_frame_bytes=settings.stream_frame_bytes,
                max_pixels=settings.stream_pixels,
                max_fps=settings.stream_max_fps,
                max_session_s=settings.stream_session_s,
                idle_timeout_s=settings.stream_idle_s,
            ),
        )

    @property
    def _dropped(self) -> int:
        return self._queue.dropped + self._sampler.late

    def _count(self) -> None:
        self._stats.publish(
            processed=self._stats.processed,
            dropped=self._dropped,
            skipped=self._sampler.skipped,
            broken=self._stats.broken,
        )
