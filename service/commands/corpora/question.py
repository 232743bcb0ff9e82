"""Question: what is asked of each medium of a corpus, in a form that another process can be sent."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.analysis.prediction import Prediction
from service.analysis.task import run
from service.analysis.walk import Walk
from service.commands.answering import CommandSpec
from service.commands.corpora.items import Item
from service.commands.corpora.results import Results
from service.commands.corpora.rows import Row, row_of_failure, rows_of
from service.commands.features import check_format
from service.commands.inputs import InputFile
from service.context import AppContext
from service.contract.options import MediumOptions, PredictOptions
from service.contract.requests import make_clip_request
from service.contract.use_cases import USE_CASES
from service.errors import SignError
from service.features.gathering import gather, preprocessing_to_gather
from service.features.pose import features_to_pose
from service.features.tables import Gathered, features_to_csv, features_to_npz
from service.media.medium import Medium
from service.registry.registry import ServedModel

OnProgress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Answered:
    """One medium's rows, and its own file where one was asked for."""

    item: Item
    rows: list[Row]
    file: bytes | None = None
    failed: SignError | OSError | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """kind: a use case's name, or features. out: where the answers go.

    format_name: of each medium's own file; None: only rows are wanted. ending: of such files' names.
    """

    kind: str
    options: MediumOptions
    out: Path
    format_name: str | None = None
    ending: str = ""

    async def answer(
        self, item: Item, context: AppContext, model: ServedModel, on_progress: OnProgress = lambda _: None
    ) -> Answered:
        """What is found in the medium; whatever is wrong with it is a row as well."""
        empty = Row(item.name, model.manifest.name, model.manifest.version)
        try:
            async with _at_hand(item, context.spool) as path:
                ask = self._features if self.kind == "features" else self._use_case
                rows, content = await ask(empty, path, context, model, on_progress)
        except (SignError, OSError) as problem:
            return Answered(item, [row_of_failure(empty, problem)], failed=problem)
        return Answered(item, rows, content)

    def check(self, context: AppContext, model: ServedModel) -> None:
        """SignError where the model cannot be asked this of any medium; ends the program where it has no such file."""
        if self.kind == "features":
            check_format(preprocessing_to_gather(model), (model.required or model).manifest.name, self.format_name)
            return
        case = USE_CASES[self.kind]
        case.task.check(case.make_request(self.options, Medium("", 0), context, model))

    def place_of(self, item: Item) -> Path:
        """Where a medium's own file lies."""
        return Results(self.out).file_of(item.place, self.ending)

    async def _use_case(
        self, empty: Row, path: Path, context: AppContext, model: ServedModel, on_progress: OnProgress
    ) -> tuple[list[Row], bytes | None]:
        case = USE_CASES[self.kind]
        input_file = InputFile(path)
        input_file.kind()
        windows: list[Prediction] = []
        found = await run(
            case.task,
            case.make_request(self.options, input_file.medium, context, model),
            Walk.of_job(context),
            windows=windows if case.keeps_windows(self.options) else None,
            on_progress=on_progress,
        )
        rows = rows_of(empty, await asyncio.to_thread(case.to_body, found, self.options))
        if self.format_name is None:
            return rows, None
        spec: CommandSpec[Any, Any, Any, Any] = CommandSpec(case, self.options, self.format_name)
        found = case.with_windows(found, windows)
        return rows, await asyncio.to_thread(spec.file, found, input_file, self.place_of(Item(empty.file, str(path))))

    async def _features(
        self, empty: Row, path: Path, context: AppContext, model: ServedModel, on_progress: OnProgress
    ) -> tuple[list[Row], bytes | None]:
        options = self.options
        if not isinstance(options, PredictOptions):
            raise TypeError("features are asked for with the options of predict")
        input_file = InputFile(path)
        input_file.kind()
        clip = make_clip_request(options, input_file.medium, context, model, duration_s=options.clip_duration)
        found = await gather(clip, context, on_progress=on_progress)
        one = Gathered(empty.file, empty.file.split("/", 1)[0] if "/" in empty.file else "", found)
        looked_by = f"{model.manifest.name}:{model.manifest.version}"
        duration_s = found.track.media.duration
        row = Row(empty.file, empty.model, empty.version, duration_s=duration_s)
        return [row], await asyncio.to_thread(_features_file, self.format_name, one, looked_by)


def _features_file(format_name: str | None, one: Gathered, looked_by: str) -> bytes:
    if format_name == "pose":
        return features_to_pose(one.features)
    if format_name == "csv":
        return features_to_csv([one]).encode()
    return features_to_npz([one], looked_by)


@asynccontextmanager
async def _at_hand(item: Item, spool: Path) -> AsyncIterator[Path]:
    """The medium as a file; one of a store is fetched, and removed again."""
    if not item.is_remote:
        yield Path(item.address)
        return
    from service.commands.corpora.stores import fetch  # noqa: PLC0415 - an extra

    place = spool / f"{uuid.uuid4().hex}-{item.place.name[-60:]}"
    try:
        await asyncio.to_thread(fetch, item.address, place)
        yield place
    finally:
        await asyncio.to_thread(place.unlink, missing_ok=True)
