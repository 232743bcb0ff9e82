"""predict: one answer for each medium."""

from typing import Annotated

import typer

from service.analysis.predict import PredictAnswer
from service.commands.answering import CommandSpec, answer_all
from service.commands.arguments import Files, Output, Overwrite, SkipExisting, described
from service.commands.bars import bars
from service.commands.environment import checked
from service.commands.outputs import plan_outputs
from service.commands.sources import Source, find_sources
from service.contract.options import PredictOptions
from service.contract.use_cases import PREDICT


def predict_command(
    files: Files,
    *,
    model: Annotated[str | None, described(PredictOptions, "model")] = None,
    version: Annotated[int | None, described(PredictOptions, "version")] = None,
    start_time: Annotated[float | None, described(PredictOptions, "start_time")] = None,
    clip_duration: Annotated[float | None, described(PredictOptions, "clip_duration")] = None,
    top_k: Annotated[int | None, described(PredictOptions, "top_k")] = None,
    threshold: Annotated[float | None, described(PredictOptions, "threshold")] = None,
    mirrored: Annotated[bool, described(PredictOptions, "mirrored", "--mirrored")] = False,
    return_probabilities: Annotated[
        bool, described(PredictOptions, "return_probabilities", "--return-probabilities")
    ] = False,
    return_frames: Annotated[bool, described(PredictOptions, "return_frames", "--return-frames")] = False,
    output: Output = None,
    skip_existing: SkipExisting = False,
    overwrite: Overwrite = False,
    show_probs: Annotated[bool, typer.Option("--show-probs", help="Print all labels with a bar, best first.")] = False,
) -> None:
    """Say what is signed in each FILE: one answer each, as /predict gives it.

    The answer is JSON: readable for one medium, a line each for several. It is the same as a job's, so a medium may be
    as long as it likes where the model answers for windows of it.
    """
    options = checked(
        PredictOptions,
        model=model,
        version=version,
        start_time=start_time,
        clip_duration=clip_duration,
        top_k=top_k,
        threshold=threshold,
        mirrored=mirrored,
        return_probabilities=return_probabilities,
        return_frames=return_frames,
    )
    sources = find_sources(files)
    outputs = plan_outputs(sources, output, ".json", overwrite=overwrite, skip_existing=skip_existing)

    show = (lambda answer, source: probabilities(answer, source, top_k)) if show_probs else None
    answer_all(CommandSpec(PREDICT, options, show=show), sources, outputs)


def probabilities(answer: PredictAnswer, source: Source, top_k: int | None) -> str:
    """The medium, what it shows, and a bar for each label: all, or the top_k that were asked for."""
    prediction = answer.prediction
    best = prediction.best
    if best is None:
        return f"{source.path}: nothing that {answer.manifest.name} could judge is seen.\n\n"
    said = "declined" if prediction.declined else best.class_name
    shown = prediction.ranked[:top_k]
    return f"{source.path}: {said}\n{bars((label.class_name, label.confidence) for label in shown)}\n"
