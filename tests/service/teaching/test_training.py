from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from service.pipelines.keypoints import KeypointsSection
from service.registry.store import Store
from service.teaching.advice import advise
from service.teaching.body import BODY, STEPS, WIDTH, body_features, landmark_section, points_of
from service.teaching.examples import NOTHING, UNKNOWN, Example, ExampleError, make_example, track_of
from service.teaching.graph import network_graph
from service.teaching.network import Schedule, Shape, initial_weights, logits, softmax
from service.teaching.publishing import PublishedAs, publish
from service.teaching.testing import measure_on
from service.teaching.training import TaughtModel, TrainOptions, train

from .takes_made import make_takes, make_track

QUICK = TrainOptions(schedule=Schedule(steps=150), trial=Schedule(steps=50), networks=2)
SIGNS = ("up", "side", "circle")


@pytest.fixture(scope="module")
def taught() -> TaughtModel:
    return train(make_takes(SIGNS, 4), QUICK)


@pytest.mark.parametrize("has_body", [True, False])
def test_the_graph_says_what_the_network_says(*, has_body: bool) -> None:
    rng = np.random.default_rng(0)
    networks = [initial_weights(Shape(WIDTH, 4), rng) for _ in range(2)]
    model = onnx.load_from_string(network_graph(networks, has_body=has_body))
    onnx.checker.check_model(model, full_check=True)
    rows = rng.random((6, STEPS, landmark_section(has_body=has_body).width), np.float32)
    rows[1, :, :42] = 0.0
    rows[2] = 0.0
    rows[3, :, 84:] = 0.0
    rows[4, 5:9, 42:] = 0.0
    (given,) = ReferenceEvaluator(model).run(None, {"x": rows})
    features = body_features(points_of(rows))
    expected = np.mean([np.log(softmax(logits(network, features))) for network in networks], axis=0)
    np.testing.assert_allclose(np.asarray(given, np.float32), expected, atol=1e-4)


def test_signs_are_recognized_in_takes_that_were_not_taught(taught: TaughtModel) -> None:
    tested = measure_on(taught, make_takes(SIGNS, 3, first_seed=50))
    assert tested.accuracy == 1.0


def test_figures_are_of_takes_left_out(taught: TaughtModel) -> None:
    assert taught.figures.takes == 12
    assert taught.figures.accuracy is not None
    assert set(taught.figures.per_sign) == set(SIGNS)


def test_a_taught_model_lies_in_the_store_as_any_other(taught: TaughtModel, tmp_path: Path) -> None:
    manifest = publish(taught, tmp_path, PublishedAs("three-signs", "Three signs"))
    read = Store(tmp_path).read("three-signs", 1).manifest
    assert read == manifest
    assert read.labels == (*SIGNS, UNKNOWN)
    assert read.idle_labels == (UNKNOWN,)
    assert read.attribution == ("Taught by Anna",)
    assert read.parity is not None
    assert read.parity.max_abs_diff < 1e-4
    assert read.evaluation[0].clips == 12
    assert publish(taught, tmp_path, PublishedAs("three-signs")).version == 2


def _without_body(takes: Sequence[Example]) -> list[Example]:
    alone = []
    for take in takes:
        values = np.array(take.track.values, np.float32)
        values[:, BODY.start :] = np.nan
        track = replace(take.track, values=values)
        alone.append(make_example(take.label, track, teacher=take.teacher))
    return alone


def test_hands_that_stand_alone_in_the_picture_are_measured_by_themselves(tmp_path: Path) -> None:
    taught = train(_without_body(make_takes(SIGNS, 4)), TrainOptions(folds=0, networks=1))
    assert not taught.has_body
    assert measure_on(taught, _without_body(make_takes(SIGNS, 3, first_seed=50))).accuracy == 1.0
    manifest = publish(taught, tmp_path, PublishedAs("hands-alone"))
    assert isinstance(manifest.pipeline, KeypointsSection)
    assert (manifest.pipeline.source, manifest.pipeline.parts) == ("hands", ("left_hand", "right_hand"))
    assert "It looks at hands alone" in manifest.description


def test_where_a_hand_stands_in_the_picture_does_not_matter_without_a_body() -> None:
    points = np.zeros((1, STEPS, 49, 2), np.float32)
    points[0, :, 21:42] = np.random.default_rng(0).random((STEPS, 21, 2), np.float32) + 0.1
    moved = np.where(points > 0, 2 * points + 0.3, points)
    np.testing.assert_allclose(body_features(moved), body_features(points), atol=1e-4)


def test_a_network_trained_twice_is_the_same() -> None:
    takes = make_takes(("up", "side"), 2)
    one, two = (train(takes, TrainOptions(schedule=Schedule(steps=3), trial=Schedule(steps=2))) for _ in range(2))
    for name, values in one.networks[0].items():
        np.testing.assert_array_equal(values, two.networks[0][name])


def test_training_ends_where_its_progress_is_no_longer_wanted() -> None:
    class StoppedError(Exception):
        pass

    told = []

    def on_progress(_phase: str, share: float) -> None:
        told.append(share)
        if share > 0.2:
            raise StoppedError

    with pytest.raises(StoppedError):
        train(make_takes(("up", "side"), 2), QUICK, on_progress)
    assert told == sorted(told)


def test_one_sign_is_too_little() -> None:
    with pytest.raises(ExampleError, match="Show 2 signs"):
        train(make_takes(("up",), 3), QUICK)


def test_one_take_of_each_sign_teaches_a_model_that_cannot_check_itself() -> None:
    taught = train(make_takes(SIGNS, 1), QUICK)
    assert (taught.figures.takes, taught.figures.accuracy) == (0, None)
    (said,) = [advice for advice in taught.advice if advice.code == "too-few-takes"]
    assert said.text.startswith("up, side, circle have 1 take, on which the model cannot be checked")
    assert not said.blocks
    tested = measure_on(taught, make_takes(SIGNS, 3, first_seed=50))
    assert tested.accuracy is not None
    assert tested.accuracy > 0.8


def test_a_sign_of_one_take_does_not_keep_others_from_being_checked() -> None:
    taught = train([*make_takes(("up", "side"), 2), *make_takes(("circle",), 1)], QUICK)
    assert taught.figures.takes == 4
    assert set(taught.figures.per_sign) == {"up", "side"}


def test_advice_names_the_take_in_which_a_hand_was_lost() -> None:
    takes = make_takes(("up", "side"), 3)
    track = make_track("up", 9)
    track.values[8:16, 21:42] = np.nan
    takes.append(make_example("up", track, teacher="Anna"))
    (lost,) = [advice for advice in advise(takes) if advice.code == "hand-lost"]
    assert "take 4 of up" in lost.text
    assert lost.example == takes[-1].id


def test_takes_that_are_all_alike_are_to_be_varied() -> None:
    alike = [make_example("up", make_track("up", seed)) for seed in range(3)]
    codes = [(advice.code, advice.label) for advice in advise([*alike, *make_takes(("side",), 3)])]
    assert [label for code, label in codes if code == "no-variety"] == ["up"]


def test_signs_whose_takes_are_all_alike_are_named_in_one_sentence() -> None:
    alike = [make_example(way, make_track(way, seed)) for way in ("up", "side") for seed in range(3)]
    said = [advice for advice in advise(alike) if advice.code == "no-variety"]
    assert [one.text for one in said] == ["All takes of up, side are alike: vary the distance and the speed."]


def test_a_take_of_nothing_is_asked_for_until_there_is_one() -> None:
    takes = make_takes(("up", "side"), 3)
    assert "no-nothing" in [advice.code for advice in advise(takes)]
    takes.append(make_example(NOTHING, make_track("still", 3)))
    assert "no-nothing" not in [advice.code for advice in advise(takes)]


def test_a_take_in_which_no_hand_is_seen_is_answered_with_nothing(taught: TaughtModel) -> None:
    track = make_track("still", 1)
    values = np.asarray(track.values, np.float32)
    values[:, :42] = np.nan
    handless = make_example(NOTHING, track_of(values, track.times_s, 480, 480))
    (answer,) = measure_on(taught, [handless]).others
    assert (answer.sign, answer.answered) == ("", False)
