"""An evaluation's temperature, threshold and figures → the next version of a published model, its graph unchanged."""

from datetime import UTC, datetime
from pathlib import Path

from convert.errors import CallError, RefusalError
from service.errors import InvalidModelError
from service.registry.manifest import Evaluation, Manifest, Output
from service.registry.report import EvaluationReport, Fit, read_report
from service.registry.store import Store, StoredModel


def publish_recalibrated(stored: StoredModel, report_file: Path, store: Path) -> Manifest:
    """Publish the next version with what a report of `stored` says. Raises ConversionError; nothing is written then."""
    report = _read_report_of(stored.manifest, report_file)
    before = stored.manifest
    fit = _check_fit(before, report)
    output = before.output.model_copy(
        update={
            "temperature": before.output.temperature if fit.temperature is None else fit.temperature,
            "threshold": before.output.threshold if fit.threshold is None else fit.threshold,
        }
    )
    draft = before.model_dump(by_alias=True) | {
        "output": output,
        "evaluation": _merge_evaluations(before, output, report.evaluation, fit),
        "created": datetime.now(UTC).replace(microsecond=0),
    }
    try:
        return Store(store).publish(draft, {name: stored.folder / name for name in before.files})
    except InvalidModelError as error:
        raise RefusalError(f"{error}.", "Nothing was published.") from None


def _read_report_of(manifest: Manifest, file: Path) -> EvaluationReport:
    try:
        report = read_report(file)
        report.check_is_of(manifest)
    except OSError as error:
        raise CallError(f"{file} cannot be read: {error.strerror or error}.") from None
    except InvalidModelError as error:
        raise RefusalError(
            f"{error}.", "Evaluate the version that is to be calibrated, or name the one that was: NAME:VERSION."
        ) from None
    return report


def _check_fit(manifest: Manifest, report: EvaluationReport) -> Fit:
    if report.fit is None:
        raise CallError(
            "The report holds neither a temperature nor a threshold.",
            "Run `python -m service evaluate … --fit --write-report FILE` again.",
        )
    if report.fit.temperature is not None and manifest.output.activation == "none":
        raise RefusalError(
            f"{manifest.name} gives values as they are; a temperature would change none of them.",
            "Fit a threshold alone.",
        )
    return report.fit


def _merge_evaluations(before: Manifest, output: Output, measured: Evaluation, fit: Fit) -> list[Evaluation]:
    """The new figures first; those of the same clips are replaced, others say what they were measured with."""
    said = f"{measured.protocol} {measured.note or ''}"
    if "fitted" not in said:
        fitted = [name for name in ("temperature", "threshold") if getattr(fit, name) is not None]
        sentence = f"{' and '.join(fitted)} {'were' if len(fitted) > 1 else 'was'} fitted on these clips"
        measured = measured.model_copy(update={"note": f"{measured.note}; {sentence}" if measured.note else sentence})
    kept = [
        _note_measured(one, before, output)
        for one in before.evaluation
        if (one.dataset, one.protocol) != (measured.dataset, measured.protocol)
    ]
    return [measured, *kept]


def _note_measured(one: Evaluation, before: Manifest, output: Output) -> Evaluation:
    was = f"with temperature {before.output.temperature:g} and threshold {before.output.threshold:g}"
    if output == before.output or (one.note and "measured with temperature" in one.note):
        return one
    said = f"measured {was} (version {before.version})"
    return one.model_copy(update={"note": f"{one.note}; {said}" if one.note else said})
