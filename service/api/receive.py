"""What the routes that take a medium share: the medium and its options in, the stages' times out."""

import contextlib
from collections.abc import AsyncIterator

from fastapi import Request

from service.analysis.house import House
from service.analysis.looking import Part
from service.api.options import MediumOptions, Options, read_options
from service.api.upload import Upload, is_form, received
from service.media.medium import Medium
from service.registry.registry import ServedModel
from service.workers.deadline import Deadline


@contextlib.asynccontextmanager
async def received_with(request: Request, model: type[Options]) -> AsyncIterator[tuple[Upload, Options]]:
    """The medium and the options. Options of a raw body are checked before a byte of it is read."""
    house: House = request.app.state.house
    early = None if is_form(request) else read_options(request, {}, model)
    async with received(request, house.spool) as upload:
        house.metrics.stage_seconds.labels("upload").observe(upload.seconds)
        yield upload, early or read_options(request, upload.fields, model)


async def model_of(options: MediumOptions, house: House) -> ServedModel:
    """The model that the options ask for, held for as long as the request lasts. Raises as `Registry.get`."""
    return await house.registry.get(options.model_of(house.settings), options.version)


def part_of(
    options: MediumOptions, medium: Medium, house: House, model: ServedModel, *, duration_s: float | None
) -> Part:
    """The part of the medium that the options ask for; its deadline begins now."""
    longest_s = house.settings.request_timeout_s
    return Part(
        medium=medium,
        deadline=Deadline.after(min(options.timeout_s or longest_s, longest_s)),
        model=model,
        start_s=options.start_time,
        duration_s=duration_s,
        mirrored=options.mirrored,
    )


def server_timing(stages_s: dict[str, float]) -> str:
    """The stages' durations as the Server-Timing header has them, in milliseconds."""
    return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in stages_s.items())
