"""Temperature and threshold are fitted on the vote that answers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.evaluation.evaluate import ThresholdTarget, measure, report_of
from service.evaluation.examining import Examined, answers
from service.evaluation.fitting import FitError, fit_temperature, threshold_for_coverage, threshold_for_precision
from service.registry.scores import vote
from tests.service.evaluation.answers_made import answers_of, manifest_with


def calibrated_clips(scale: float, count: int = 3000) -> list[Examined]:
    """Clips whose true labels are drawn from softmax(logits), while the graph gives logits × scale."""
    random = np.random.default_rng(5)
    logits = random.normal(0, 2, (count, 3))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    truths = [int(random.choice(3, p=row)) for row in shares]
    return [
        Examined(truth, ((row * scale)[None].astype(np.float32),)) for truth, row in zip(truths, logits, strict=True)
    ]


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_how_far_logits_were_stretched(scale: float) -> None:
    fitted = fit_temperature(calibrated_clips(scale), manifest_with())
    assert fitted.temperature == pytest.approx(scale, rel=0.1)
    assert fitted.after <= fitted.before


def test_no_other_temperature_has_a_smaller_log_loss() -> None:
    clips, manifest = calibrated_clips(2.0, 300), manifest_with()
    fitted = fit_temperature(clips, manifest)
    for temperature in np.geomspace(0.1, 10, 60):
        given_then = answers(clips, manifest, manifest.output.model_copy(update={"temperature": temperature}))
        assert float(-np.log(given_then.true_share).mean()) >= fitted.after - 1e-9


def test_a_model_that_is_never_wrong_is_not_made_ever_surer() -> None:
    clips = [Examined(0, (np.array([[5.0, 0.0, 0.0]], np.float32),)) for _ in range(5)]
    with pytest.raises(FitError, match="all but never wrong"):
        fit_temperature(clips, manifest_with())


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.floats(0.1, 5), st.integers(0, 99))
def test_answers_are_the_votes_of_the_surest_window(lengths: list[int], temperature: float, seed: int) -> None:
    manifest = manifest_with()
    output = manifest.output.model_copy(update={"temperature": temperature})
    random = np.random.default_rng(seed)
    windows = tuple(random.normal(0, 3, (length, 3)).astype(np.float32) for length in lengths)
    found = answers([Examined(1, windows)], manifest, output)
    votes = [vote(rows, output) for rows in windows]
    surest = max(votes, key=lambda shares: float(shares[:2].max()))
    assert found.confidence[0] == pytest.approx(float(surest.max()))
    assert found.true_share[0] == pytest.approx(float(surest[1]))
    assert found.top[0] == int(surest.argmax())
    assert found.answered[0] == (surest.argmax() != 2)


def test_a_clip_without_evidence_is_declined() -> None:
    found = answers([Examined(0, ())], manifest_with(), manifest_with().output)
    assert (found.top[0], found.confidence[0], bool(found.answered[0])) == (-1, 0.0, False)


CLIPS = st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=30)


@settings(max_examples=60)
@given(CLIPS, st.floats(0.1, 1))
def test_a_threshold_for_precision_answers_as_many_as_it_may(clips: list[tuple[bool, float]], least: float) -> None:
    found = answers_of([0] * len(clips), [0 if right else 1 for right, _ in clips], [sure for _, sure in clips])

    def at(threshold: float) -> tuple[float, int]:
        answered = [right for right, sure in clips if sure >= threshold]
        return sum(answered) / len(answered), len(answered)

    reachable = [at(sure) for _, sure in clips if at(sure)[0] >= least]
    if not reachable:
        with pytest.raises(FitError):
            threshold_for_precision(found, least)
        return
    fitted = threshold_for_precision(found, least)
    precision, count = at(fitted.threshold)
    assert precision == pytest.approx(fitted.precision)
    assert count == max(count for _, count in reachable)
    assert fitted.precision >= least


@settings(max_examples=60)
@given(CLIPS, st.floats(0.1, 1))
def test_a_threshold_for_coverage_is_the_highest_that_answers_enough(
    clips: list[tuple[bool, float]], least: float
) -> None:
    found = answers_of([0] * len(clips), [0 if right else 1 for right, _ in clips], [sure for _, sure in clips])
    fitted = threshold_for_coverage(found, least)
    assert fitted.coverage >= least
    higher = [sure for _, sure in clips if sure > fitted.threshold]
    assert len(higher) / len(clips) < least


def test_the_report_says_what_was_fitted_and_measures_with_it_in_place() -> None:
    clips, manifest = calibrated_clips(3.0, 400), manifest_with(threshold=0.9)
    measured = measure(clips, manifest, ThresholdTarget(precision=0.8))
    report = report_of(measured, dataset="made", protocol="all", left_out={"x": "why"}, command="evaluate")
    assert report.fit is not None
    assert report.fit.temperature == pytest.approx(3.0, rel=0.2)
    fitted = manifest.output.model_copy(update=report.fit.model_dump(include={"temperature", "threshold"}))
    again = answers(clips, manifest, fitted)
    assert report.evaluation.coverage == pytest.approx(again.answered[again.is_sign].mean())
    right = (again.top == again.truth)[again.answered].mean()
    assert right >= 0.8
    assert f"{right:.3f} of the answers are right" in (report.evaluation.note or "")
    assert [sum(row) for row in report.confusion] == [entry.clips for entry in report.classes]


def test_without_a_wish_nothing_is_fitted() -> None:
    measured = measure(calibrated_clips(2.0, 50), manifest_with(), None)
    report = report_of(measured, dataset="made", protocol="all", left_out={}, command="evaluate")
    assert report.fit is None
    assert measured.output == manifest_with().output
