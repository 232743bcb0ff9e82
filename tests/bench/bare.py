"""The bare loop: decode → landmarks → features → ONNX, without a service around it."""

import os
from multiprocessing.connection import Connection

from tests.bench.letters import Letters


def serve_bare_loop(pipe: Connection, source: str) -> None:
    """Answer each clip whose path comes through the pipe; None ends the loop."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # MediaPipe's C++ would drown the figures
    letters = Letters(source)
    while (path := pipe.recv()) is not None:
        letters.answer(path)
        pipe.send("done")
