"""A finished job's answer as it is fetched: json, or one of its formats."""

import asyncio
from collections.abc import Iterator

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from service.analysis.prediction import Prediction
from service.api.exports import acceptable_format, download
from service.contract.answers import WINDOW_TOP_K, PredictionBody
from service.contract.options import TimelineOptions
from service.contract.rendering import to_json
from service.contract.teach_bodies import TaughtBody
from service.contract.use_cases import USE_CASES, AnyUseCase
from service.errors import SignError
from service.export.formats import JSON_MEDIA_TYPE
from service.jobs.jobs import Jobs
from service.jobs.spec import Job
from service.lessons.results import from_json
from service.lessons.training import KIND


async def show_result(request: Request, jobs: Jobs, job: Job, wanted: str | None) -> Response:
    """The answer in the wanted format, else in one that `Accept` names, else in the submission's, else as json.

    Windows' own answers are read one at a time: there may be very many. SignError where the job has no answer, or the
    format is none of its.
    """
    if job.spec.kind == KIND:
        _known_format((), wanted)
        taught = from_json(await jobs.answer_text(job))
        return Response(TaughtBody.of(taught).model_dump_json(), media_type=JSON_MEDIA_TYPE)
    answer = await jobs.answer(job)
    case = USE_CASES[job.spec.kind]
    options = case.options.model_validate_json(job.spec.options)
    format_name = _known_format(
        tuple(case.formats), wanted or _by_accept(request, case) or getattr(options, "format", None)
    )
    if format_name != "json":
        return await download(case.formats[format_name], case.to_export(answer, job.spec.media_name), _link(job))
    text = await asyncio.to_thread(lambda: to_json(case.to_body(answer, options), without=("windows",)))
    if isinstance(options, TimelineOptions) and options.return_windows:
        windows = await jobs.windows(job)
        return StreamingResponse(_with_windows(text, windows, options), media_type=JSON_MEDIA_TYPE)
    return Response(text, media_type=JSON_MEDIA_TYPE)


def _link(job: Job) -> dict[str, str]:
    """Where the whole answer is, with what a file of this format has no room for."""
    return {"Link": f'</jobs/{job.id}/result?format=json>; rel="alternate"; type="{JSON_MEDIA_TYPE}"'}


def _known_format(formats: tuple[str, ...], wanted: str | None) -> str:
    """The format that is wanted, json where none is; SignError format-not-acceptable where it is none of these."""
    known = ("json", *formats)
    if wanted is not None and wanted not in known:
        raise SignError("format-not-acceptable", f"This job's answer comes as: {', '.join(known)}.")
    return wanted or "json"


def _by_accept(request: Request, case: AnyUseCase) -> str | None:
    """What `Accept` asks for where it names a format."""
    accept = request.headers.get("accept")
    if accept is None or "*/*" in accept or not case.formats:
        return None
    return acceptable_format(accept, case.formats)


def _with_windows(body: bytes, windows: Iterator[Prediction], options: TimelineOptions) -> Iterator[str]:
    """The body and its windows, which are read one at a time: there may be very many."""
    yield body.decode()[:-1] + ',"windows":['
    comma = ""
    for window in windows:
        shown = PredictionBody.of(window, top_k=WINDOW_TOP_K, with_probabilities=options.return_probabilities)
        yield comma + shown.model_dump_json(exclude_unset=True)
        comma = ","
    yield "]}"
