"""timeline: what is signed when in each medium."""

from typing import Annotated

import typer

from service.analysis.timeline import TimelineAnswer
from service.commands.answering import CommandSpec, answer_all
from service.commands.arguments import Files, Output, Overwrite, SkipExisting, described
from service.commands.bars import bars
from service.commands.environment import checked
from service.commands.outputs import ending_of, format_of, plan_outputs, refuse_mixed
from service.commands.sources import Source, find_sources
from service.contract.options import TimelineFormat, TimelineOptions
from service.contract.use_cases import TIMELINE
from service.export.formats import TIMELINE_FORMATS
from service.spotting.segment import Segment, Smoothing


def timeline_command(
    files: Files,
    *,
    model: Annotated[str | None, described(TimelineOptions, "model")] = None,
    version: Annotated[int | None, described(TimelineOptions, "version")] = None,
    start_time: Annotated[float | None, described(TimelineOptions, "start_time")] = None,
    clip_duration: Annotated[float | None, described(TimelineOptions, "clip_duration")] = None,
    stride: Annotated[float | None, described(TimelineOptions, "stride")] = None,
    min_duration: Annotated[float | None, described(TimelineOptions, "min_duration")] = None,
    merge_gap: Annotated[float | None, described(TimelineOptions, "merge_gap")] = None,
    threshold: Annotated[float | None, described(TimelineOptions, "threshold")] = None,
    smoothing: Annotated[Smoothing | None, described(TimelineOptions, "smoothing")] = None,
    mirrored: Annotated[bool, described(TimelineOptions, "mirrored", "--mirrored")] = False,
    return_windows: Annotated[bool, described(TimelineOptions, "return_windows", "--return-windows")] = False,
    return_probabilities: Annotated[
        bool, described(TimelineOptions, "return_probabilities", "--return-probabilities")
    ] = False,
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
    options = checked(
        TimelineOptions,
        model=model,
        version=version,
        start_time=start_time,
        clip_duration=clip_duration,
        stride=stride,
        min_duration=min_duration,
        merge_gap=merge_gap,
        threshold=threshold,
        smoothing=smoothing,
        mirrored=mirrored,
        return_windows=return_windows,
        return_probabilities=return_probabilities,
    )
    sources = find_sources(files)
    chosen = format_name or format_of(output, TIMELINE_FORMATS)
    refuse_mixed(sources, output, chosen)
    ending = ending_of(chosen, TIMELINE_FORMATS)
    outputs = plan_outputs(sources, output, ending, overwrite=overwrite, skip_existing=skip_existing)

    show = sign_bars if show_probs else None
    answer_all(CommandSpec(TIMELINE, options, chosen, show), sources, outputs)


def sign_bars(answer: TimelineAnswer, source: Source) -> str:
    """The medium, its transcript, and the bars of each sign."""
    return f"{source.path}: {answer.transcript}\n{segment_bars(answer.segments)}\n"


def segment_bars(segments: tuple[Segment, ...]) -> str:
    """Each sign with its times in seconds, and a bar for it and for each label that it might be instead."""
    return "".join(
        f"{segment.start_s:.2f}–{segment.end_s:.2f} s\n"
        + bars(
            [
                (segment.label, segment.confidence),
                *((other.label, other.confidence) for other in segment.alternatives),
            ]
        )
        for segment in segments
    )
