"""asl-letters behind LitServe, as its documentation has it: python -m tests.bench.peers.litserve_letters PORT."""

import sys
import tempfile
from typing import Any

import litserve
from starlette.requests import Request

from tests.bench.letters import Letters

WORKERS = 2


class LettersAPI(litserve.LitAPI):
    """A clip as the field `file` of a form, answered in a worker process."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's own signature
        self.letters = Letters()

    def decode_request(self, request: Request) -> bytes:
        """LitServe has read the form by now: what comes is its fields."""
        content: bytes = request["file"].file.read()
        return content

    def predict(self, content: bytes) -> dict[str, Any]:
        with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
            file.write(content)
            file.flush()
            return self.letters.answer(file.name)

    def encode_response(self, output: dict[str, Any]) -> dict[str, Any]:
        return output


if __name__ == "__main__":
    server = litserve.LitServer(LettersAPI(), accelerator="cpu", workers_per_device=WORKERS)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
