"""The one road of every format: draft the manifest, make and prove the graph, publish it, say so."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from convert.draft import ManifestDraft, PublishOptions
from convert.errors import UnprovenError
from convert.facts import list_facts
from convert.golden import measure_golden
from convert.memory import note_memory
from convert.model_info import ModelInfo
from convert.parity import Measured, require
from convert.publish import draft_manifest, publish
from convert.report import Made, Report, report_published


@dataclass(frozen=True, slots=True)
class Proven:
    """A graph and how far it is from its reference.

    draft: the manifest's, with what the reader adds; exact: the float graph, where `content` is a quantized one.
    """

    content: bytes
    measured: Measured
    draft: ManifestDraft
    exact: bytes | None = None
    made: Made = field(default_factory=Made)


class SourceModel(Protocol):
    """A file of any format that its reader understands."""

    @property
    def info(self) -> ModelInfo:
        """What is known of it before anything costly is done."""

    def prove(self, draft: ManifestDraft) -> Proven:
        """Make its graph and measure it against the reader's own reference. Raises ConversionError."""


def convert_model(model: SourceModel, options: PublishOptions) -> Report:
    """Publish a model if its graph says what the original says; nothing is written before. Raises ConversionError."""
    draft = draft_manifest(model.info, options)
    unproven = model.info.unproven
    if unproven is not None and not options.assume and options.golden is None:
        raise UnprovenError(unproven.reason, unproven.advice)
    with show_progress("Comparing with the reference"):
        proven = model.prove(draft)
        measured = [] if options.golden and proven.measured.reference == "itself" else [require(proven.measured)]
        if options.golden:
            outputs = [one.name for one in model.info.outputs]
            golden = measure_golden(
                proven.exact or proven.content,
                options.golden,
                outputs,
                activation=proven.draft.activation,
                half=model.info.half,
                rounding=proven.measured.rounding,
            )
            measured.append(require(golden))
    manifest = publish(model.info, proven.draft, options, proven.content, measured[-1])
    folder = options.store / manifest.name / str(manifest.version)
    facts = list_facts(model.info, proven.draft, options)
    report = report_published(model.info, proven.draft, manifest, folder, measured, proven.made, facts)
    notes = note_memory(options.store, manifest)
    report.lines += notes
    report.document["notes"] = [*report.document["notes"], *notes]
    return report


@contextmanager
def show_progress(what: str) -> Iterator[None]:
    """A line that moves while long work is done, on a terminal only."""
    from rich.console import Console  # noqa: PLC0415 - needed here only

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with console.status(f"{what} …"):
        yield
