"""Answering: one use case asked of many media, its answers printed or written."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

import typer
from pydantic import BaseModel

from service.analysis.prediction import Prediction
from service.analysis.task import TaskRequest, run
from service.analysis.walk import Walk
from service.commands.batch import Batch, OnProgress, is_wanted, process_all, say_left_out
from service.commands.environment import configure_logs, read_settings
from service.commands.inputs import InputFile, Inputs
from service.commands.outputs import Outputs, linked_from, write_whole
from service.commands.printing import json_file, json_line
from service.context import AppContext
from service.contract.options import MediumOptions
from service.contract.use_cases import UseCase
from service.registry.registry import ServedModel

OptionsT = TypeVar("OptionsT", bound=MediumOptions)
RequestT = TypeVar("RequestT", bound=TaskRequest)
AnswerT = TypeVar("AnswerT")
BodyT = TypeVar("BodyT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class CommandSpec(Generic[OptionsT, RequestT, AnswerT, BodyT]):
    """What is asked of each medium, and how its answer comes: as json or in one of the use case's formats.

    show: what is printed of an answer beside its file; without it, the answer itself is where it has no file.
    """

    case: UseCase[OptionsT, RequestT, AnswerT, BodyT]
    options: OptionsT
    format_name: str = "json"
    show: Callable[[AnswerT, InputFile], str] | None = None

    def file(self, answer: AnswerT, input_file: InputFile, place: Path | None) -> bytes:
        """An answer as its file's bytes; place: of the file, None where it is printed."""
        if self.format_name == "json":
            return json_file(self.case.to_body(answer, self.options))
        export = self.case.to_export(answer, input_file.path.name)
        export = replace(export, media=linked_from(place, export.media, input_file.path))
        written: bytes = self.case.formats[self.format_name].file(export)
        return written

    def warnings(self, answer: AnswerT) -> list[str]:
        """What is said of an answer beside it: json has its warnings itself."""
        if self.format_name == "json" and self.show is None:
            return []
        found: list[str] = self.case.to_body(answer, self.options).model_dump(include={"warnings"})["warnings"]
        return found

    def text(self, answer: AnswerT, input_file: InputFile, *, in_file: bool, many: bool) -> str:
        """What is printed of an answer; nothing where a file is all that is wanted."""
        if self.show is not None:
            return self.show(answer, input_file)
        if in_file:
            return ""
        if many:
            return json_line(self.case.to_body(answer, self.options), input_file)
        return self.file(answer, input_file, None).decode()


def answer_all(spec: CommandSpec[OptionsT, RequestT, AnswerT, BodyT], inputs: Inputs, outputs: Outputs) -> None:
    """Ask it of all media; what fails is said, the others go on, and then the program ends with 1."""
    settings = read_settings()
    configure_logs("warning")
    say_left_out(inputs)
    case, options = spec.case, spec.options
    batch = Batch(case.name, len(inputs.media))
    wanted = [input_file for input_file in inputs.media if is_wanted(input_file, outputs, batch)]
    printer = _InOrder(batch, len(wanted))

    def check(model: ServedModel, context: AppContext) -> None:
        case.task.check(case.make_request(options, wanted[0].medium, context, model))

    async def answer(
        number: int, input_file: InputFile, context: AppContext, model: ServedModel, on_progress: OnProgress
    ) -> None:
        text = ""
        try:
            windows: list[Prediction] = []
            found = await run(
                case.task,
                case.make_request(options, input_file.medium, context, model),
                Walk.of_job(context),
                windows=windows if case.keeps_windows(options) else None,
                on_progress=on_progress,
            )
            found = case.with_windows(found, windows)
            if (place := outputs.paths[input_file]) is not None:
                content = await asyncio.to_thread(spec.file, found, input_file, place)
                await asyncio.to_thread(write_whole, place, content)
            for warning in spec.warnings(found):
                batch.say(f"{input_file.path}: {warning}")
            text = spec.text(found, input_file, in_file=outputs.paths[input_file] is not None, many=inputs.many)
        finally:
            printer.give(number, text)

    process_all(wanted, batch, settings, (options.model_of(settings), options.version), check, answer)
    if batch.failed or batch.unread or inputs.empty:
        raise typer.Exit(1)


class _InOrder:
    """Prints what comes in any order in the order of its numbers."""

    def __init__(self, batch: Batch, total: int) -> None:
        self._batch = batch
        self._texts: list[str | None] = [None] * total
        self._next = 0

    def give(self, number: int, text: str) -> None:
        """The text of one number; it and those that waited for it are printed."""
        self._texts[number] = text
        while self._next < len(self._texts) and (ready := self._texts[self._next]) is not None:
            if ready:
                self._batch.print(ready)
            self._texts[self._next] = ""
            self._next += 1
