import numpy as np
import pytest

from service.teaching.validation import LeftOut, fit, folds_of, measure


def test_each_take_is_left_out_once() -> None:
    truth = np.repeat(np.arange(3), 7)
    folds = folds_of(truth, None)
    assert len(folds) == 5
    assert sorted(np.concatenate(folds)) == list(range(21))
    assert all(set(truth[fold]) == {0, 1, 2} for fold in folds)


def test_the_only_take_of_a_sign_is_not_left_out() -> None:
    assert [fold.tolist() for fold in folds_of(np.array([0, 0, 1]), None)] == [[0], [1]]
    assert folds_of(np.array([0, 1]), None) == []


def test_people_are_left_out_whole() -> None:
    folds = folds_of(np.array([0, 0, 1, 1, 0]), ["Anna", "Ben", "Anna", "Ben", "Ben"])
    assert [fold.tolist() for fold in folds] == [[0, 2], [1, 3, 4]]


def test_one_person_alone_cannot_be_left_out() -> None:
    assert folds_of(np.array([0, 1]), ["Anna", "Anna"]) == []


def test_the_threshold_lets_most_right_answers_pass() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(200) % 2
    logits = np.zeros((200, 3), np.float32)
    logits[np.arange(200), truth] = rng.uniform(0.5, 4, 200)
    left_out = LeftOut(truth, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)))
    fitted = fit(left_out)
    figures = measure(left_out, fitted, ["up", "side"], "one take left out")
    assert figures.accuracy == 1.0
    assert figures.coverage == pytest.approx(0.93, abs=0.03)


def test_signs_that_are_taken_for_another_are_counted() -> None:
    shares = np.log(np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1]], np.float32))
    left_out = LeftOut(np.array([0, 0, 1, 1]), shares)
    figures = measure(left_out, fit(left_out), ["up", "side"], "one take left out")
    assert figures.confusions == (("side", "up", 1, 2),)
    assert figures.per_sign == {"up": 1.0, "side": 0.5}


def test_without_answers_there_are_no_figures() -> None:
    nothing = LeftOut(np.zeros(0, np.intp), np.zeros((0, 3), np.float32))
    assert measure(nothing, fit(nothing), ["up", "side"], "").accuracy is None
