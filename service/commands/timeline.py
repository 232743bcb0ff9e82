"""timeline: what is signed when in each medium."""

from typing import Annotated

import typer

from service.analysis.timeline import TimelineAnswer
from service.commands.answering import CommandSpec, answer_all
from service.commands.arguments import Files, Output, Overwrite, SkipExisting, with_options
from service.commands.inputs import InputFile, find_inputs
from service.commands.outputs import ending_of, format_of, plan_outputs, refuse_mixed
from service.commands.terminal_bars import terminal_bars
from service.contract.options import TimelineFormat, TimelineOptions
from service.contract.use_cases import TIMELINE
from service.export.formats import TIMELINE_FORMATS
from service.spotting.segment import Segment


@with_options(TimelineOptions)
def timeline_command(
    options: TimelineOptions,
    files: Files,
    *,
    format_name: Annotated[
        TimelineFormat | None, typer.Option("--format", help="How the answer comes. Default: by --output, else json.")
    ] = None,
    output: Output = None,
    skip_existing: SkipExisting = False,
    overwrite: Overwrite = False,
    show_probs: Annotated[
        bool, typer.Option("--show-probs", help="Print each sign with a bar for each label.")
    ] = False,
) -> None:
    """Say what is signed when in each FILE, as /timeline answers; of any length, in the same memory."""
    inputs = find_inputs(files)
    chosen = format_name or format_of(output, TIMELINE_FORMATS)
    refuse_mixed(inputs, output, chosen)
    ending = ending_of(chosen, TIMELINE_FORMATS)
    outputs = plan_outputs(inputs, output, ending, overwrite=overwrite, skip_existing=skip_existing)

    show = sign_bars if show_probs else None
    answer_all(CommandSpec(TIMELINE, options, chosen, show), inputs, outputs)


def sign_bars(answer: TimelineAnswer, input_file: InputFile) -> str:
    """The medium, its transcript, and the bars of each sign."""
    return f"{input_file.path}: {answer.transcript}\n{segment_bars(answer.segments)}\n"


def segment_bars(segments: tuple[Segment, ...]) -> str:
    """Each sign with its times in seconds, and a bar for it and for each label that it might be instead."""
    return "".join(
        f"{segment.start_s:.2f}–{segment.end_s:.2f} s\n"
        + terminal_bars(
            [
                (segment.label, segment.confidence),
                *((other.label, other.confidence) for other in segment.alternatives),
            ]
        )
        for segment in segments
    )
