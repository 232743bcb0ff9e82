"""predict: one answer for each medium."""

from typing import Annotated

import typer

from service.analysis.predict import PredictAnswer
from service.commands.answering import CommandSpec, answer_all
from service.commands.arguments import Files, Output, Overwrite, SkipExisting, with_options
from service.commands.inputs import InputFile, find_inputs
from service.commands.outputs import plan_outputs
from service.commands.terminal_bars import terminal_bars
from service.contract.options import PredictOptions
from service.contract.use_cases import PREDICT


@with_options(PredictOptions)
def predict_command(
    options: PredictOptions,
    files: Files,
    *,
    output: Output = None,
    skip_existing: SkipExisting = False,
    overwrite: Overwrite = False,
    show_probs: Annotated[bool, typer.Option("--show-probs", help="Print all labels with a bar, best first.")] = False,
) -> None:
    """Say what is signed in each FILE: one answer each, as /predict gives it.

    The answer is JSON: readable for one medium, a line each for several. It is the same as a job's, so a medium may be
    as long as it likes where the model answers for windows of it.
    """
    inputs = find_inputs(files)
    outputs = plan_outputs(inputs, output, ".json", overwrite=overwrite, skip_existing=skip_existing)

    most = options.top_k if "top_k" in options.model_fields_set else None
    show = (lambda answer, input_file: probabilities(answer, input_file, most)) if show_probs else None
    answer_all(CommandSpec(PREDICT, options, show=show), inputs, outputs)


def probabilities(answer: PredictAnswer, input_file: InputFile, top_k: int | None) -> str:
    """The medium, what it shows, and a bar for each label: all, or the top_k that were asked for."""
    prediction = answer.prediction
    best = prediction.best
    if best is None:
        return f"{input_file.path}: nothing that {answer.manifest.name} could judge is seen.\n\n"
    said = "declined" if prediction.declined else best.class_name
    shown = prediction.ranked[:top_k]
    return f"{input_file.path}: {said}\n{terminal_bars((label.class_name, label.confidence) for label in shown)}\n"
