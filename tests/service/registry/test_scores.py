"""Scores: the laws of activation, temperature and vote."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from service.errors import SignError
from service.registry.manifest import Activation, Output
from service.registry.scores import check_numbers, probabilities, vote, votes
from service.track import FloatArray

temperatures = st.floats(0.05, 20)
distributions: list[Activation] = ["softmax", "probabilities"]


def _output(activation: Activation, width: int, temperature: float = 1.0) -> Output:
    return Output(name="y", shape=("batch", width), activation=activation, temperature=temperature)


def _raw(low: float = -50, high: float = 50, rows: int = 6, width: int = 5) -> st.SearchStrategy[FloatArray]:
    shapes = st.tuples(st.integers(1, rows), st.integers(2, width))
    return hnp.arrays(np.float32, shapes, elements=st.floats(low, high, width=32))


def _shares(raw: FloatArray) -> FloatArray:
    grown = np.exp(raw.astype(np.float64) - raw.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True), np.float32)


@given(raw=_raw(), temperature=temperatures, activation=st.sampled_from(distributions))
def test_probabilities_of_labels_that_exclude_each_other_sum_to_one(
    raw: FloatArray, temperature: float, activation: Activation
) -> None:
    given_raw = raw if activation == "softmax" else _shares(raw)
    output = _output(activation, raw.shape[1], temperature)
    for answer in (probabilities(given_raw, output), vote(given_raw, output)[None]):
        assert answer.dtype == np.float32
        assert ((answer >= 0) & (answer <= 1)).all()
        np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-5)


@given(raw=_raw(), temperature=temperatures)
def test_temperature_keeps_the_order_of_labels(raw: FloatArray, temperature: float) -> None:
    answer = probabilities(raw, _output("softmax", raw.shape[1], temperature))
    best = raw.argmax(axis=1)
    np.testing.assert_array_equal(answer[np.arange(len(raw)), best], answer.max(axis=1))


@given(raw=_raw(), warmer=st.floats(1.1, 10))
def test_a_higher_temperature_never_makes_the_answer_surer(raw: FloatArray, warmer: float) -> None:
    width = raw.shape[1]
    cool, warm = (probabilities(raw, _output("softmax", width, temperature)) for temperature in (1.0, warmer))
    assert (warm.max(axis=1) <= cool.max(axis=1) + 1e-6).all()


@given(raw=_raw(-20, 20), temperature=temperatures)
def test_temperature_on_probabilities_is_temperature_on_their_logits(raw: FloatArray, temperature: float) -> None:
    width = raw.shape[1]
    from_logits = probabilities(raw, _output("softmax", width, temperature))
    from_shares = probabilities(_shares(raw), _output("probabilities", width, temperature))
    np.testing.assert_allclose(from_logits, from_shares, atol=1e-4)


@given(
    raw=_raw(),
    temperature=temperatures,
    seed=st.integers(0, 2**32 - 1),
    activation=st.sampled_from(["softmax", "sigmoid", "none"]),
)
def test_the_order_of_rows_does_not_matter_to_the_vote(
    raw: FloatArray, temperature: float, seed: int, activation: Activation
) -> None:
    output = _output(activation, raw.shape[1], temperature)
    shuffled = np.random.default_rng(seed).permutation(raw, axis=0)
    np.testing.assert_allclose(vote(raw, output), vote(shuffled, output), rtol=1e-5, atol=1e-6)


@given(
    raw=_raw(-20, 20, rows=1),
    temperature=temperatures,
    times=st.integers(2, 5),
    activation=st.sampled_from(["softmax", "sigmoid", "none"]),
)
def test_rows_that_agree_vote_for_what_each_says(
    raw: FloatArray, temperature: float, times: int, activation: Activation
) -> None:
    output = _output(activation, raw.shape[1], temperature)
    np.testing.assert_allclose(
        vote(np.repeat(raw, times, axis=0), output), probabilities(raw, output)[0], rtol=1e-4, atol=1e-6
    )


def test_the_vote_is_the_softmax_of_the_mean_log_probabilities() -> None:
    raw = np.log(np.array([[0.8, 0.2], [0.1, 0.9]], np.float32))
    expected = np.sqrt([0.8 * 0.1, 0.2 * 0.9])
    np.testing.assert_allclose(vote(raw, _output("softmax", 2)), expected / expected.sum(), rtol=1e-6)


@given(
    logits=hnp.arrays(np.float32, st.tuples(st.integers(1, 5), st.just(1)), elements=st.floats(-30, 30, width=32)),
    temperature=temperatures,
)
def test_one_number_stands_for_itself_and_its_opposite(logits: FloatArray, temperature: float) -> None:
    positive = 1 / (1 + np.exp(-logits.astype(np.float64) / temperature))
    answer = probabilities(logits, _output("sigmoid", 1, temperature))
    np.testing.assert_allclose(answer, np.concatenate([1 - positive, positive], axis=1), atol=1e-6)
    np.testing.assert_allclose(vote(logits, _output("sigmoid", 1, temperature)).sum(), 1, atol=1e-5)


def test_a_number_that_is_a_probability_already_stands_for_itself_and_its_opposite() -> None:
    raw = np.array([[0.25], [1.0]], np.float32)
    np.testing.assert_allclose(probabilities(raw, _output("probabilities", 1)), [[0.75, 0.25], [0.0, 1.0]])
    np.testing.assert_allclose(probabilities(raw[:1], _output("probabilities", 1, 2.0)).sum(), 1, rtol=1e-6)


def test_labels_that_do_not_exclude_each_other_are_kept_as_they_are() -> None:
    raw = np.array([[0.0, 100.0, -100.0], [0.0, 100.0, 100.0]], np.float32)
    np.testing.assert_allclose(probabilities(raw, _output("sigmoid", 3))[0], [0.5, 1, 0], atol=1e-6)
    np.testing.assert_allclose(vote(raw, _output("sigmoid", 3)), [0.5, 1, 0.5], atol=1e-6)


def test_probabilities_at_temperature_one_are_the_authors_own_numbers() -> None:
    raw = np.array([[0.25, 0.7]], np.float32)
    np.testing.assert_array_equal(vote(raw, _output("probabilities", 2)), raw[0])


def test_values_without_activation_are_averaged_and_have_no_temperature() -> None:
    raw = np.array([[-3.0, 7.0], [5.0, 9.0]], np.float32)
    np.testing.assert_array_equal(probabilities(raw, _output("none", 2, 3.0)), raw)
    np.testing.assert_array_equal(vote(raw, _output("none", 2, 3.0)), [1.0, 8.0])


def test_certainty_is_no_end_of_the_world_for_the_vote() -> None:
    sure = np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)
    np.testing.assert_allclose(vote(sure, _output("probabilities", 2)), [0.5, 0.5])
    never = np.array([[0.0, -np.inf], [-np.inf, 0.0]], np.float32)
    np.testing.assert_allclose(vote(never, _output("softmax", 2)), [0.5, 0.5])
    certain = np.array([[np.inf], [-np.inf]], np.float32)
    np.testing.assert_allclose(vote(certain, _output("sigmoid", 1)), [0.5, 0.5])


@given(lengths=st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_each_window_gets_the_vote_of_its_own_rows_and_zeros_without_any(lengths: list[int]) -> None:
    raw = np.random.default_rng(0).normal(size=(sum(lengths), 3)).astype(np.float32)
    output = _output("softmax", 3)
    answers = votes(raw, lengths, output)
    start = 0
    for answer, length in zip(answers, lengths, strict=True):
        expected = vote(raw[start : start + length], output) if length else np.zeros(3, np.float32)
        np.testing.assert_array_equal(answer, expected)
        start += length


@pytest.mark.parametrize(
    ("activation", "row"),
    [
        ("softmax", [np.nan, 1.0]),
        ("softmax", [np.inf, 1.0]),
        ("softmax", [-np.inf, -np.inf]),
        ("sigmoid", [np.nan, 1.0]),
        ("probabilities", [np.nan, 1.0]),
        ("none", [np.inf, 1.0]),
    ],
)
def test_what_is_no_number_is_the_models_failure(activation: Activation, row: list[float]) -> None:
    raw = np.array([[0.0, 1.0], row], np.float32)
    with pytest.raises(SignError, match=r"letters version 1 gave no numbers .* for 1 of 2 rows") as caught:
        check_numbers(raw, _output(activation, 2), "letters version 1")
    assert caught.value.code == "model-failed"
    check_numbers(raw[:1], _output(activation, 2), "letters version 1")


def _emotions(activation: Activation, temperature: float = 1.0) -> Output:
    channels = ("valence", "joy", "fear", "arousal", "calm")
    shape = ("batch", len(channels))
    return Output(name="y", shape=shape, activation=activation, temperature=temperature, channels=channels)


@given(raw=hnp.arrays(np.float32, (4, 5), elements=st.floats(-20, 20, width=32)), temperature=temperatures)
def test_softmax_is_over_emotions_and_measures_stay_as_they_are(raw: FloatArray, temperature: float) -> None:
    answer = probabilities(raw, _emotions("softmax", temperature))
    np.testing.assert_array_equal(answer[:, [0, 3]], raw[:, [0, 3]])
    np.testing.assert_allclose(answer[:, [1, 2, 4]], _shares(raw[:, [1, 2, 4]] / np.float32(temperature)), atol=1e-5)
    np.testing.assert_allclose(vote(raw, _emotions("softmax", temperature)), answer.mean(axis=0), atol=1e-5)


def test_measures_beside_probabilities_are_not_clipped() -> None:
    raw = np.array([[-0.7, 0.2, 0.5, 1.4, 0.3]], np.float32)
    np.testing.assert_array_equal(probabilities(raw, _emotions("probabilities")), raw)


@pytest.mark.parametrize("place", [0, 3])
def test_a_measure_that_is_no_number_is_a_failure(place: int) -> None:
    raw = np.zeros((2, 5), np.float32)
    raw[1, place] = -np.inf
    with pytest.raises(SignError, match="1 of 2 rows"):
        check_numbers(raw, _emotions("softmax"), "moods version 1")


def test_an_output_of_measures_alone_has_no_emotions() -> None:
    output = Output(name="y", shape=("batch", 2), activation="softmax", channels=("valence", "arousal"))
    assert output.measures == ()
