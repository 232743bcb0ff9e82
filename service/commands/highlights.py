"""highlights: the moments of each medium that stand out."""

from typing import Annotated

import typer

from service.commands.answering import CommandSpec, answer_all
from service.commands.arguments import Files, Output, Overwrite, SkipExisting, described
from service.commands.environment import checked, misused
from service.commands.outputs import ending_of, format_of, plan_outputs, refuse_mixed
from service.commands.sources import find_sources
from service.contract.options import HighlightsFormat, HighlightsOptions
from service.contract.use_cases import HIGHLIGHTS
from service.export.formats import HIGHLIGHT_FORMATS
from service.pipelines.kind import Faces
from service.spotting.tension import Signal


def highlights_command(
    files: Files,
    *,
    model: Annotated[str | None, described(HighlightsOptions, "model")] = None,
    version: Annotated[int | None, described(HighlightsOptions, "version")] = None,
    start_time: Annotated[float | None, described(HighlightsOptions, "start_time")] = None,
    clip_duration: Annotated[float | None, described(HighlightsOptions, "clip_duration")] = None,
    sample_rate: Annotated[float | None, described(HighlightsOptions, "sample_rate")] = None,
    window: Annotated[float | None, described(HighlightsOptions, "window")] = None,
    threshold: Annotated[float | None, described(HighlightsOptions, "threshold")] = None,
    min_duration: Annotated[float | None, described(HighlightsOptions, "min_duration")] = None,
    merge_gap: Annotated[float | None, described(HighlightsOptions, "merge_gap")] = None,
    top_k: Annotated[int | None, described(HighlightsOptions, "top_k")] = None,
    min_faces: Annotated[int | None, described(HighlightsOptions, "min_faces")] = None,
    faces: Annotated[Faces | None, described(HighlightsOptions, "faces")] = None,
    signal: Annotated[Signal | None, described(HighlightsOptions, "signal")] = None,
    channel: Annotated[str | None, described(HighlightsOptions, "channel")] = None,
    mirrored: Annotated[bool, described(HighlightsOptions, "mirrored", "--mirrored")] = False,
    return_series: Annotated[bool, described(HighlightsOptions, "return_series", "--return-series")] = False,
    format_name: Annotated[
        HighlightsFormat | None, typer.Option("--format", help="How the answer comes. Default: by --output, else json.")
    ] = None,
    output: Output = None,
    skip_existing: SkipExisting = False,
    overwrite: Overwrite = False,
) -> None:
    """Find the moments of each FILE that stand out, as /highlights answers; of any length, in the same memory."""
    options = checked(
        HighlightsOptions,
        model=model,
        version=version,
        start_time=start_time,
        clip_duration=clip_duration,
        sample_rate=sample_rate,
        window=window,
        threshold=threshold,
        min_duration=min_duration,
        merge_gap=merge_gap,
        top_k=top_k,
        min_faces=min_faces,
        faces=faces,
        signal=signal,
        channel=channel,
        mirrored=mirrored,
        return_series=return_series,
    )
    sources = find_sources(files)
    chosen = format_name or format_of(output, HIGHLIGHT_FORMATS)
    refuse_mixed(sources, output, chosen)
    if chosen == "png" and output is None:
        raise misused("A picture is not printed; name its file with --output FILE.png.")
    ending = ending_of(chosen, HIGHLIGHT_FORMATS)
    outputs = plan_outputs(sources, output, ending, overwrite=overwrite, skip_existing=skip_existing)

    answer_all(CommandSpec(HIGHLIGHTS, options, chosen), sources, outputs)
