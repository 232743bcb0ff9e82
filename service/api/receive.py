"""What the routes that take a medium share: the medium and its options in, the stages' times out."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import Request

from service.api.options import Options, read_options
from service.api.upload import Upload, is_form, open_upload
from service.context import AppContext


@contextlib.asynccontextmanager
async def receive_request(request: Request, model: type[Options]) -> AsyncIterator[tuple[Upload, Options]]:
    """The medium and the options. Options of a raw body are checked before a byte of it is read."""
    context: AppContext = request.app.state.context
    early = None if is_form(request) else read_options(request, {}, model)
    async with open_upload(request, context.spool) as upload:
        context.metrics.stage_seconds.labels("upload").observe(upload.seconds)
        yield upload, early or read_options(request, upload.fields, model)


def server_timing(stages_s: dict[str, float]) -> str:
    """The stages' durations as the Server-Timing header has them, in milliseconds."""
    return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in stages_s.items())
