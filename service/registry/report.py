"""What an evaluation measured: what `service evaluate --write-report FILE` leaves for `convert calibrate`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from service.errors import InvalidModelError
from service.registry.manifest import MODEL_FILE, Evaluation, Manifest, Name, Sha256
from service.registry.store import explain
from service.section import Section

REPORT_BYTES = 32 * 1024 * 1024
"""Most bytes of a report; the confusion of a thousand labels takes a tenth of it."""

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class MeasuredModel(Section):
    """Which version was measured. sha256: of its model.onnx, so that figures never go to another graph."""

    name: Name
    version: int = Field(ge=1)
    sha256: Sha256


class Fit(Section):
    """What was fitted on the answers of this evaluation; None where it was not asked for.

    temperature: as it would stand in the manifest, not a factor on the one that stands there now. log_loss_before and
    log_loss_after: mean −ln of the true label's probability at the manifest's temperature and at this one.
    """

    temperature: float | None = Field(None, ge=0.01, le=100)
    threshold: Share | None = None
    log_loss_before: float | None = Field(None, ge=0)
    log_loss_after: float | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _check_something_is_fitted(self) -> "Fit":
        if self.temperature is None and self.threshold is None:
            raise ValueError("neither a temperature nor a threshold: leave `fit` out")
        return self


class ClassFigures(Section):
    """One label's row of the table. clips: how many show it; None where a share has nothing to count."""

    label: str
    clips: Count
    precision: Share | None = None
    recall: Share | None = None
    f1: Share | None = None


class EvaluationReport(Section):
    """An evaluation of one model version on labeled clips.

    evaluation: what the manifest is to say, measured with the fit in place where there is one, otherwise as the
    manifest stands. confusion: a row for each of `labels` as the clip's true one, a column for each as the answer and
    a last one for clips that were declined. command: what makes the figures again.
    """

    schema_version: Literal[1] = Field(1, alias="schema")
    model: MeasuredModel
    evaluation: Evaluation
    fit: Fit | None = None
    labels: tuple[str, ...] = ()
    classes: tuple[ClassFigures, ...] = ()
    confusion: tuple[tuple[Count, ...], ...] = ()
    left_out: dict[str, str] = Field(default_factory=dict)
    command: str | None = None
    created: datetime

    @model_validator(mode="after")
    def _check_confusion(self) -> "EvaluationReport":
        wanted = len(self.labels)
        if self.confusion and (len(self.confusion) != wanted or any(len(row) != wanted + 1 for row in self.confusion)):
            raise ValueError(
                f"confusion: {wanted} labels need {wanted} rows of {wanted + 1} columns (the last: declined)"
            )
        return self

    def check_is_of(self, manifest: Manifest) -> None:
        """InvalidModelError with both sides unless this report measured just this version with just this graph."""
        measured = self.model
        if (measured.name, measured.version) != (manifest.name, manifest.version):
            raise InvalidModelError(
                f"the report measured {measured.name} version {measured.version}, "
                f"not {manifest.name} version {manifest.version}"
            )
        stored = manifest.files[MODEL_FILE].sha256
        if measured.sha256 != stored:
            raise InvalidModelError(
                f"the report measured another graph of {measured.name} version {measured.version}: its SHA-256 begins "
                f"with {measured.sha256[:12]}, the stored one's with {stored[:12]}"
            )


def read_report(path: Path) -> EvaluationReport:
    """The report at this path. InvalidModelError where it is none, OSError where it cannot be read."""
    with path.open("rb") as file:
        raw = file.read(REPORT_BYTES + 1)
    if len(raw) > REPORT_BYTES:
        raise InvalidModelError(f"{path.name} is larger than {REPORT_BYTES} bytes")
    try:
        return EvaluationReport.model_validate_json(raw)
    except ValidationError as error:
        raise InvalidModelError(f"{path.name} is no evaluation report: {explain(error)}") from None


def report_json(report: EvaluationReport) -> str:
    """The report as it is written to a file."""
    return report.model_dump_json(by_alias=True, indent=2) + "\n"
