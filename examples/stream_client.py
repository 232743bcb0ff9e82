#!/usr/bin/env python3
"""Sign in front of a camera, or play a file, and read what is signed: a client of WS /stream.

    pip install websockets opencv-python
    python stream_client.py                       # the first camera, letters as they come
    python stream_client.py clip.mp4 --show       # a file, with a window (q ends it)
    python stream_client.py --url wss://sign.example.org/stream --key KEY --model asl-digits

It needs nothing of the service's own code.
"""

import argparse
import asyncio
import contextlib
import json
import struct
import sys
import time
from collections.abc import AsyncIterator

import cv2
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

HEADER = struct.Struct("<Id")  # uint32 seq, float64 time_s


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Read signs live, from a camera or a file.")
    parser.add_argument("source", nargs="?", default="0", help="number of a camera, or a video file (default: 0)")
    parser.add_argument("--url", default="ws://127.0.0.1:8000/stream")
    parser.add_argument("--key", help="API key, where the service asks for one")
    parser.add_argument("--model", help="name of the model (default: the service's)")
    parser.add_argument("--mirrored", action="store_true", help="the frames are mirrored already")
    parser.add_argument("--quality", type=int, default=85, help="of the JPEG pictures, 1 to 100")
    parser.add_argument("--show", action="store_true", help="show the frames in a window (needs opencv-python)")
    parser.add_argument("--json", action="store_true", help="print each message instead of the transcript")
    return parser.parse_args()


async def frames_of(source: str, rate: float) -> AsyncIterator[tuple[float, np.ndarray]]:
    """Frames and their times in seconds as they happen, no more of them than the model looks at."""
    is_camera = source.isdigit()
    capture = cv2.VideoCapture(int(source) if is_camera else source)
    if not capture.isOpened():
        sys.exit(f"{source} cannot be opened")
    began, due_s = time.monotonic(), 0.0
    try:
        while True:
            here, frame = await asyncio.to_thread(capture.read)
            if not here:
                return
            now_s = time.monotonic() - began
            time_s = now_s if is_camera else capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if time_s < due_s - 1e-3:
                continue
            due_s = max(due_s, time_s - 1 / rate) + 1 / rate
            if not is_camera:
                await asyncio.sleep(time_s - now_s)
            yield time_s, frame
    finally:
        capture.release()


async def send(socket: ClientConnection, options: argparse.Namespace, rate: float) -> None:
    """All frames, then the word that there are no more."""
    seq = 0
    async for time_s, frame in frames_of(options.source, rate):
        encoded, picture = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, options.quality])
        if encoded:
            await socket.send(HEADER.pack(seq, time_s) + picture.tobytes())
            seq += 1
        if options.show:
            cv2.imshow("sign", frame if options.mirrored else cv2.flip(frame, 1))  # one looks into a mirror
            if cv2.waitKey(1) == ord("q"):
                break
    await socket.send('{"type": "stop"}')


def tell(message: dict[str, object], *, as_json: bool) -> None:
    """One message for a person, or for a program."""
    if as_json:
        print(json.dumps(message), flush=True)
    elif message["type"] in ("interim", "segment"):
        end = "\n" if message["type"] == "segment" else ""
        print(f"\r{message['transcript']}\033[K", end=end, flush=True)
    elif message["type"] == "error":
        print(message["detail"], file=sys.stderr)
    elif message["type"] == "summary":
        counts = ", ".join(f"{message[name]} {name}" for name in ("frames", "processed", "dropped", "skipped"))
        print(f"{message['transcript']}\n({counts})")


async def run(options: argparse.Namespace) -> int:
    headers = {"Authorization": f"Bearer {options.key}"} if options.key else {}
    async with connect(
        options.url, subprotocols=[Subprotocol("sign.v1")], additional_headers=headers, max_size=None
    ) as socket:
        await socket.send(json.dumps({"type": "start", "model": options.model, "mirrored": options.mirrored}))
        sending = None
        async for text in socket:
            message = json.loads(text)
            tell(message, as_json=options.json)
            if message["type"] == "ready":
                sending = asyncio.create_task(send(socket, options, message["sample_rate"]))
        if sending is not None:
            sending.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sending
    if socket.close_code != 1000:
        print(f"closed: {socket.close_code} {socket.close_reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(arguments())))
