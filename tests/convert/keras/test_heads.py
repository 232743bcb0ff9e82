"""Keras heads over another model's outputs: sequences with and without masks, and statistics."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from convert.graph.reference.evaluate import evaluate
from service.pipelines.series import SeriesSection
from service.registry.manifest import Manifest, read_manifest
from tests.convert.heads_made import outputs_track, publish_affect, served_answers
from tests.convert.made import dense_weights, layer, recurrent_weights, save_h5, sequential
from tests.convert.running import answer, command, read

STEPS, WIDTH = 12, 10
Floats = npt.NDArray[np.float32]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture(autouse=True)
def affect(store: Path) -> Manifest:
    return publish_affect(store)


def published(store: Path, name: str = "head") -> Manifest:
    return read_manifest(store / name / "1" / "manifest.json")


def conv_weights(kernel: int, inputs: int, filters: int) -> dict[str, Floats]:
    rng = np.random.default_rng(5)
    return {
        "kernel": rng.normal(0, 0.3, (kernel, inputs, filters)).astype(np.float32),
        "bias": rng.normal(0, 0.1, filters).astype(np.float32),
    }


def lstm_head(path: Path, *, masking: bool, steps: int | None = STEPS, width: int = WIDTH, ending: str = "sigmoid",
              classes: int = 1) -> Path:  # fmt: skip
    first = [layer("Masking", "masking", mask_value=0.0)] if masking else []
    layers = [
        *first, layer("LSTM", "rnn", units=6, activation="tanh", recurrent_activation="sigmoid"),
        layer("Dense", "answer", units=classes, activation=ending, use_bias=True),
    ]  # fmt: skip
    weights = {"rnn": recurrent_weights(width, 6, 4), "answer": dense_weights(6, classes)}
    return save_h5(path, sequential((steps, width), *layers), weights)


def conv_head(path: Path, *, masking: bool, ending: str = "linear") -> Path:
    first = [layer("Masking", "masking", mask_value=0.0)] if masking else []
    layers = [
        *first,
        layer("Conv1D", "conv", filters=5, kernel_size=[3], strides=[1], padding="same", activation="relu",
              use_bias=True, dilation_rate=[1], groups=1, data_format="channels_last"),
        layer("GlobalMaxPooling1D", "pool", data_format="channels_last"),
        layer("Dense", "answer", units=1, activation=ending, use_bias=True),
    ]  # fmt: skip
    weights = {"conv": conv_weights(3, WIDTH, 5), "answer": dense_weights(5, 1)}
    return save_h5(path, sequential((STEPS, WIDTH), *layers), weights)


def lstm_head_with_a_mask(path: Path, dtype: str) -> Path:
    """A functional model whose second input says which steps are real."""

    def entry(kind: str, name: str, inbound: list[Any], **config: Any) -> dict[str, Any]:
        return {**layer(kind, name, **config), "name": name, "inbound_nodes": inbound}

    architecture = {
        "class_name": "Functional",
        "config": {
            "name": "made",
            "layers": [
                entry("InputLayer", "x", [], batch_input_shape=[None, STEPS, WIDTH], dtype="float32"),
                entry("InputLayer", "real", [], batch_input_shape=[None, STEPS], dtype=dtype),
                entry("LSTM", "rnn", [[["x", 0, 0, {"mask": ["real", 0, 0]}]]], units=6, activation="tanh",
                      recurrent_activation="sigmoid"),
                entry("Dense", "answer", [[["rnn", 0, 0, {}]]], units=1, activation="sigmoid", use_bias=True),
            ],
            "input_layers": [["x", 0, 0], ["real", 0, 0]],
            "output_layers": [["answer", 0, 0]],
        },
    }  # fmt: skip
    weights = {"rnn": recurrent_weights(WIDTH, 6, 4), "answer": dense_weights(6, 1)}
    return save_h5(path, architecture, weights)


def observed(seed: int, steps: int) -> Floats:
    return np.random.default_rng(seed).uniform(-1, 1, (steps, WIDTH)).astype(np.float32)


def padded(values: Floats) -> tuple[Floats, Floats]:
    """As the author pads: zeros at the end, and what is real."""
    whole, real = np.zeros((1, STEPS, WIDTH), np.float32), np.zeros((1, STEPS), np.float32)
    whole[0, : len(values)], real[0, : len(values)] = values, 1
    return whole, real


@pytest.mark.parametrize("masking", [True, False], ids=["masking", "plain"])
@pytest.mark.parametrize("make", [lstm_head, conv_head])
def test_a_head_answers_as_its_author_padded(make: Any, masking: bool, tmp_path: Path, store: Path) -> None:
    file = make(tmp_path / "head.h5", masking=masking)
    report = answer("keras", file, "--name", "head", "--store", store, "--requires", "affect")
    assert "Found highlight-sequence" in report["notes"][0]
    series = [observed(1, STEPS), observed(2, 7)]
    got = asyncio.run(served_answers(store, "head", [outputs_track(one) for one in series]))
    graph = read(file)
    for one, given in zip(series, got, strict=True):
        wanted = evaluate(graph, [padded(one)[0]])[0]
        assert abs(float(given[-1]) - float(wanted[0, 0])) <= 1e-6


@pytest.mark.parametrize("dtype", ["bool", "float32"])
def test_a_head_may_take_the_mask_as_its_second_input(dtype: str, tmp_path: Path, store: Path) -> None:
    file = lstm_head_with_a_mask(tmp_path / "head.h5", dtype)
    assert command("keras", file, "--name", "head", "--store", store, "--requires", "affect").exit_code == 0
    manifest = published(store)
    assert [(one.source, one.shape) for one in manifest.inputs] == [
        ("track", ("batch", STEPS, WIDTH)),
        ("mask", ("batch", STEPS)),
    ]
    short = observed(3, 5)
    got = asyncio.run(served_answers(store, "head", [outputs_track(short)]))
    values, real = padded(short)
    wanted = evaluate(read(file), [values, real])[0]
    unmasked = evaluate(read(file), [values, np.ones_like(real)])[0]
    assert abs(float(got[0, -1]) - float(wanted[0, 0])) <= 1e-6
    assert abs(float(wanted[0, 0]) - float(unmasked[0, 0])) > 1e-3


def test_the_manifest_says_what_it_reads_for_which_route_and_how_long(tmp_path: Path, store: Path) -> None:
    publish_affect(store)  # version 2
    file = lstm_head(tmp_path / "head.h5", masking=True)
    arguments = ("keras", file, "--store", store, "--pipeline", "highlight-sequence", "--threshold", "0.7")
    result = command(*arguments, "--name", "head", "--requires", "affect:1")
    assert result.exit_code == 0, result.stderr
    manifest = published(store)
    assert manifest.requires is not None
    assert (manifest.requires.name, manifest.requires.version) == ("affect", 1)
    assert (manifest.task, manifest.output.shape, manifest.output.threshold) == ("highlight", ("batch", 1), 0.7)
    assert manifest.output.activation == "probabilities"
    assert isinstance(manifest.pipeline, SeriesSection)
    assert manifest.pipeline.length is not None
    assert manifest.pipeline.length.length == STEPS
    assert manifest.time is not None
    assert (manifest.time.window_s, manifest.time.stride_s) == (6.0, 0.5)
    assert "time: windows of 6 s (12 steps at 2 a second), every 0.5 s" in result.stdout
    assert command(*arguments, "--name", "newest", "--requires", "affect").exit_code == 0
    newest = published(store, "newest").requires
    assert newest is not None
    assert newest.version == 2


def test_windows_hold_as_many_steps_as_the_required_model_gives(tmp_path: Path, store: Path) -> None:
    publish_affect(store, "quick", rate=4.0)
    file = lstm_head(tmp_path / "head.h5", masking=False)
    assert command("keras", file, "--name", "head", "--store", store, "--requires", "quick").exit_code == 0
    times = published(store).time
    assert times is not None
    assert times.window_s == 3.0


def test_a_head_that_takes_any_number_of_steps_is_given_the_asked_one(tmp_path: Path, store: Path) -> None:
    file = lstm_head(tmp_path / "head.h5", masking=True, steps=None)
    arguments = ("keras", file, "--store", store, "--requires", "affect")
    assert "length: 20 steps: the graph takes any number" in command(*arguments, "--name", "head").stdout
    result = command(*arguments, "--name", "long", "--set", "length.length=30", "--set", "missing=drop")
    assert result.exit_code == 0, result.stderr
    pipeline, times = published(store, "long").pipeline, published(store, "long").time
    assert isinstance(pipeline, SeriesSection)
    assert pipeline.length is not None
    assert (pipeline.length.length, pipeline.missing) == (30, "drop")
    assert times is not None
    assert times.window_s == 15.0


def test_a_head_of_another_width_is_refused_with_both_figures(tmp_path: Path, store: Path) -> None:
    file = lstm_head(tmp_path / "head.h5", masking=False, width=7)
    result = command("keras", file, "--name", "head", "--store", store, "--requires", "affect")
    assert result.exit_code == 3
    assert "affect version 1, which gives 10 numbers; the input takes 7" in result.stderr
    assert not (store / "head").exists()


def test_statistics_of_another_width_are_refused_with_both_figures(tmp_path: Path, store: Path) -> None:
    dense = layer("Dense", "answer", units=1, activation="sigmoid", use_bias=True)
    file = save_h5(tmp_path / "head.h5", sequential((28,), dense), {"answer": dense_weights(28, 1)})
    result = command(
        "keras", file, "--name", "head", "--store", store, "--requires", "affect", "--pipeline", "highlight-stats"
    )
    assert result.exit_code == 3
    assert "gives 40 numbers (mean, std, max, min of 10); the input takes 28" in result.stderr


def test_forty_statistics_are_read_in_their_order(tmp_path: Path, store: Path) -> None:
    dense = layer("Dense", "answer", units=1, activation="linear", use_bias=True)
    file = save_h5(tmp_path / "head.h5", sequential((40,), dense), {"answer": dense_weights(40, 1)})
    report = answer("keras", file, "--name", "head", "--store", store, "--requires", "affect")
    assert report["preset"] == "highlight-stats"
    assert report["activation"] == "none"  # the value of a regression, which is named as an assumption
    assert any(sentence.startswith("output: the value of a regression") for sentence in report["assumptions"])
    values = observed(4, 9)
    present = [step != 4 for step in range(9)]
    got = asyncio.run(served_answers(store, "head", [outputs_track(values, present)]))
    seen = values[present].astype(np.float64)
    row = np.concatenate([seen.mean(0), seen.std(0), seen.max(0), seen.min(0)]).astype(np.float32)[None]
    assert abs(float(got[0, 0]) - float(evaluate(read(file), [row])[0][0, 0])) <= 1e-5


def test_of_three_classes_the_one_that_counts_is_asked_for(tmp_path: Path, store: Path) -> None:
    file = lstm_head(tmp_path / "head.h5", masking=True, classes=3, ending="softmax")
    (tmp_path / "labels.txt").write_text("calm\nneutral\ntense\n")
    arguments = ("keras", file, "--name", "head", "--store", store, "--requires", "affect")
    unnamed = command(*arguments)
    assert unnamed.exit_code == 2
    assert "3 numbers, and the file does not name them" in unnamed.stderr
    undecided = command(*arguments, "--labels", tmp_path / "labels.txt")
    assert undecided.exit_code == 2
    assert "one of: calm, neutral, tense" in undecided.stderr
    assert command(*arguments, "--labels", tmp_path / "labels.txt", "--channel", "tense").exit_code == 0
    manifest = published(store)
    assert (manifest.labels, manifest.output.channel) == (("calm", "neutral", "tense"), "tense")
    single = lstm_head(tmp_path / "one.h5", masking=True)
    wrong = command("keras", single, "--name", "one", "--store", store, "--requires", "affect", "--channel", "tense")
    assert wrong.exit_code == 2


def test_a_series_names_the_model_that_it_reads(tmp_path: Path, store: Path) -> None:
    file = lstm_head(tmp_path / "head.h5", masking=True)
    arguments = ("keras", file, "--name", "head", "--store", store)
    missing = command(*arguments, "--pipeline", "highlight-sequence")
    assert missing.exit_code == 2
    assert "--requires" in missing.stderr
    assert command(*arguments, "--requires", "affect:9").exit_code == 2
    looking = command(*arguments, "--requires", "affect", "--pipeline", "one-hand")
    assert looking.exit_code == 2
    report = answer(*arguments)
    assert report["pipeline"]["kind"] == "tensor"
    assert "--requires" in report["notes"][0]


def test_a_head_over_a_model_without_preprocessing_says_so(tmp_path: Path, store: Path) -> None:
    publish_affect(store, "bare", pipeline={"kind": "tensor"})
    file = lstm_head(tmp_path / "head.h5", masking=True)
    report = answer("keras", file, "--name", "head", "--store", store, "--requires", "bare")
    assert any("stored without its preprocessing" in note for note in report["notes"])


def test_inspect_names_the_heads_presets(tmp_path: Path) -> None:
    report = answer("inspect", lstm_head(tmp_path / "head.h5", masking=True))
    assert report["presets"][0]["name"] == "highlight-sequence"
    assert "12 steps of 10" in report["presets"][0]["why"]
    with_mask = answer("inspect", lstm_head_with_a_mask(tmp_path / "mask.h5", "bool"))
    assert with_mask["presets"][0]["name"] == "highlight-sequence"
