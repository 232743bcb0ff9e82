"""highlights: the moments of each medium that stand out."""

from typing import Annotated

import typer

from service.commands.answering import CommandSpec, answer_all
from service.commands.arguments import Files, Output, Overwrite, SkipExisting, with_options
from service.commands.environment import misused
from service.commands.inputs import find_inputs
from service.commands.outputs import ending_of, format_of, plan_outputs, refuse_mixed
from service.contract.options import HighlightsFormat, HighlightsOptions
from service.contract.use_cases import HIGHLIGHTS
from service.export.formats import HIGHLIGHT_FORMATS


@with_options(HighlightsOptions)
def highlights_command(
    options: HighlightsOptions,
    files: Files,
    *,
    format_name: Annotated[
        HighlightsFormat | None, typer.Option("--format", help="How the answer comes. Default: by --output, else json.")
    ] = None,
    output: Output = None,
    skip_existing: SkipExisting = False,
    overwrite: Overwrite = False,
) -> None:
    """Find the moments of each FILE that stand out, as /highlights answers; of any length, in the same memory."""
    inputs = find_inputs(files)
    chosen = format_name or format_of(output, HIGHLIGHT_FORMATS)
    refuse_mixed(inputs, output, chosen)
    if chosen == "png" and output is None:
        raise misused("A picture is not printed; name its file with --output FILE.png.")
    ending = ending_of(chosen, HIGHLIGHT_FORMATS)
    outputs = plan_outputs(inputs, output, ending, overwrite=overwrite, skip_existing=skip_existing)

    answer_all(CommandSpec(HIGHLIGHTS, options, chosen), inputs, outputs)
