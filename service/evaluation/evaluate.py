"""The use case of `evaluate`: a model's figures on labeled clips, and what can be fitted on them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.evaluation.examining import Examined, answers
from service.evaluation.figures import Figures, figures
from service.evaluation.fitting import (
    FitError,
    FittedTemperature,
    FittedThreshold,
    fit_temperature,
    threshold_for_coverage,
    threshold_for_precision,
    without_threshold,
)
from service.registry.manifest import MODEL_FILE, Evaluation, Manifest, Output
from service.registry.report import ClassFigures, EvaluationReport, Fit, MeasuredModel


@dataclass(frozen=True, slots=True)
class ThresholdTarget:
    """What the threshold is to reach: a share of right answers, or else a share of clips that are answered."""

    precision: float | None = None
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures with `output`: the manifest's, or with what was fitted in place. unfitted: why something was not."""

    manifest: Manifest
    output: Output
    figures: Figures
    temperature: FittedTemperature | None = None
    threshold: FittedThreshold | None = None
    unfitted: tuple[str, ...] = field(default=())


def measure(examined: Sequence[Examined], manifest: Manifest, target: ThresholdTarget | None) -> Measured:
    """The figures of at least one clip; with a target, temperature and then threshold are fitted on the same clips."""
    output = manifest.output
    temperature: FittedTemperature | None = None
    threshold: FittedThreshold | None = None
    unfitted: list[str] = []
    if target is not None:
        try:
            temperature = fit_temperature(examined, manifest)
            output = output.model_copy(update={"temperature": temperature.temperature})
        except FitError as error:
            unfitted.append(f"The temperature was not fitted. {error}")
        try:
            threshold = _fit_threshold(examined, manifest, output, target)
            output = output.model_copy(update={"threshold": threshold.threshold})
        except FitError as error:
            unfitted.append(f"The threshold was not fitted. {error}")
    result = figures(answers(examined, manifest, output), manifest.labels or ())
    return Measured(manifest, output, result, temperature, threshold, tuple(unfitted))


def _fit_threshold(
    examined: Sequence[Examined], manifest: Manifest, output: Output, target: ThresholdTarget
) -> FittedThreshold:
    given = answers(examined, manifest, without_threshold(output))
    if target.precision is not None:
        return threshold_for_precision(given, target.precision)
    if target.coverage is not None:
        return threshold_for_coverage(given, target.coverage)
    raise FitError("Neither a precision nor a coverage was asked for.")


def report_of(
    measured: Measured, *, dataset: str, protocol: str, left_out: dict[str, str], command: str
) -> EvaluationReport:
    """What `convert calibrate` publishes."""
    manifest, result = measured.manifest, measured.figures
    return EvaluationReport(
        model=MeasuredModel(name=manifest.name, version=manifest.version, sha256=manifest.files[MODEL_FILE].sha256),
        evaluation=Evaluation(
            dataset=dataset,
            protocol=protocol,
            clips=result.clips,
            accuracy=result.accuracy,
            macro_f1=result.macro_f1,
            coverage=result.coverage,
            per_class={entry.label: entry.recall for entry in result.classes if entry.recall is not None},
            note=_note(measured),
        ),
        fit=_fit(measured),
        labels=result.labels,
        classes=tuple(
            ClassFigures(
                label=entry.label, clips=entry.clips, precision=entry.precision, recall=entry.recall, f1=entry.f1
            )
            for entry in result.classes
        ),
        confusion=tuple(tuple(row) for row in result.confusion.tolist()),
        left_out=left_out,
        command=command,
        created=datetime.now(UTC),
    )


def _note(measured: Measured) -> str:
    result = measured.figures
    answered = (
        "" if result.right_of_answered is None else f" and {result.right_of_answered:.3f} of the answers are right"
    )
    return (
        "accuracy, macro_f1 and per_class: the most probable label, without a threshold; at the threshold "
        f"{measured.output.threshold:.4g} a share of {result.right_of_all:.3f} is answered rightly{answered}"
    )


def _fit(measured: Measured) -> Fit | None:
    if measured.temperature is None and measured.threshold is None:
        return None
    temperature, threshold = measured.temperature, measured.threshold
    return Fit(
        temperature=None if temperature is None else temperature.temperature,
        threshold=None if threshold is None else threshold.threshold,
        log_loss_before=None if temperature is None else temperature.before,
        log_loss_after=None if temperature is None else temperature.after,
    )
