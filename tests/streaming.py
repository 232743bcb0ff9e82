"""A client of /stream for tests: synchronous, over the `websockets` library."""

import io
import json
import struct
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from service.live.frame_sampler import FrameSampler
from service.live.frames import SentFrame
from service.media.sniff import HEAD_BYTES, sniff
from service.media.upright import Pixels
from service.media.video import open_video
from service.track import Window
from tests.media_made import LIMITS, medium
from tests.running import RunningService

BOUND_S = 30.0
Message = dict[str, Any]


class StreamClient:
    """One live session."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.heard: list[Message] = []

    def say(self, kind: str, **fields: object) -> None:
        """Send a text message; where the service has just closed, `closed` tells how."""
        with suppress(ConnectionClosed):
            self.socket.send(json.dumps({"type": kind, **fields}))

    def start(self, **fields: object) -> Message:
        """Begin the session; the ready message."""
        self.say("start", **fields)
        return self.until("ready")

    def frame(self, seq: int, time_s: float, picture: bytes) -> None:
        """Send a frame, as `say` does."""
        with suppress(ConnectionClosed):
            self.socket.send(struct.pack("<Id", seq, time_s) + picture)

    def hear(self) -> Message:
        """The next message."""
        message: Message = json.loads(self.socket.recv(timeout=BOUND_S))
        self.heard.append(message)
        return message

    def until(self, kind: str) -> Message:
        """Messages up to the first of a kind, which is returned."""
        while (message := self.hear())["type"] != kind:
            pass
        return message

    def answer_to(self, seq: int) -> Message:
        """The answer to one frame."""
        while (message := self.until("frame"))["seq"] != seq:
            pass
        return message

    def is_answered(self, seq: int) -> bool:
        """Whether one frame is answered; False where the summary comes instead."""
        while (message := self.hear())["type"] != "summary":
            if message["type"] == "frame" and message["seq"] == seq:
                return True
        return False

    def play(self, frames: Iterable[tuple[float, bytes]], rate: float) -> None:
        """Send frames (time and picture), and wait for each answer that is due, so that none is dropped."""
        sampler = FrameSampler(rate)
        for seq, (time_s, picture) in enumerate(frames):
            self.frame(seq, time_s, picture)
            for shown in sampler.push(SentFrame(seq, time_s, picture, 0.0)):
                self.answer_to(shown.frame.seq)

    def stop(self) -> Message:
        """End the session; the summary."""
        self.say("stop")
        return self.until("summary")

    def closed(self) -> tuple[int, str]:
        """The close code and the reason, once the service has closed; what comes before is heard."""
        try:
            while True:
                self.hear()
        except ConnectionClosed as end:
            assert end.rcvd is not None, "the connection broke without a close frame"
            return end.rcvd.code, end.rcvd.reason

    def of(self, kind: str) -> list[Message]:
        """All messages of a kind that were heard."""
        return [message for message in self.heard if message["type"] == kind]


@contextmanager
def streaming(service: RunningService, **options: Any) -> Iterator[StreamClient]:
    """A connection to /stream, not yet started."""
    address = service.url.replace("http", "ws", 1) + "/stream"
    with connect(address, max_size=None, compression=None, **options) as socket:
        yield StreamClient(socket)


def encoded(pixels: Pixels, kind: str = "PNG", **options: object) -> bytes:
    """A picture's bytes."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def streamed(service: RunningService, frames: Iterable[tuple[float, bytes]], **start: object) -> Message:
    """The summary of a session of these frames, of which none was dropped."""
    with streaming(service) as client:
        ready = client.start(**start)
        client.play(frames, ready["sample_rate"])
        summary = client.stop()
        assert client.closed()[0] == 1000
    assert (summary["dropped"], summary["broken"]) == (0, 0)
    assert summary["frames"] == summary["processed"] + summary["skipped"]
    return summary


def as_png(clip: Path) -> list[tuple[float, bytes]]:
    """A clip's frames, without loss."""
    return [(time_s, encoded(pixels, compress_level=1)) for time_s, pixels in frames_of(clip)]


def as_jpeg(clip: Path, quality: int) -> list[tuple[float, bytes]]:
    """A clip's frames as a page sends them."""
    return [(time_s, encoded(pixels, "JPEG", quality=quality)) for time_s, pixels in frames_of(clip)]


def frames_of(clip: Path) -> list[tuple[float, Pixels]]:
    """Times and pixels of all frames of a clip, as a file's are read."""
    with clip.open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES))
    with open_video(medium(clip), kind, LIMITS, "tagged", "upright") as video:
        frames = video.frames(Window(0.0, float("inf")), counted=False, keep_going=lambda: None)
        return [(frame.time_s, frame.pixels()) for frame in frames]


def grey(width: int = 160, height: int = 120) -> bytes:
    """A small frame that shows nothing."""
    return encoded(np.full((height, width, 3), 96, np.uint8), "JPEG")


def as_y4m(clip: Path, path: Path) -> Path:
    """A clip as the raw film that Chromium's fake camera plays."""
    with av.open(str(clip)) as source, path.open("wb") as film:
        stream = source.streams.video[0]
        rate = stream.average_rate
        assert rate is not None
        film.write(
            f"YUV4MPEG2 W{stream.width} H{stream.height} F{rate.numerator}:{rate.denominator} Ip C420\n".encode()
        )
        for frame in source.decode(stream):
            film.write(b"FRAME\n" + frame.to_ndarray(format="yuv420p").tobytes())
    return path
