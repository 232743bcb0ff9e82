"""Every layer type has a conversion and an independent definition, and both agree."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.graph.export import export
from convert.graph.layers import LAYERS
from convert.graph.reference import REFERENCES
from convert.parity import measure_reference
from tests.convert.made import dense_weights, layer, recurrent_weights, save_h5, sequential
from tests.convert.running import read, session_of

ACTIVATIONS = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "sigmoid", "hard_sigmoid", "softmax", "log_softmax",
    "softplus", "softsign", "tanh", "exponential", "swish", "hard_silu", "mish",
)  # fmt: skip


def test_every_conversion_has_a_definition() -> None:
    assert set(LAYERS) == set(REFERENCES)


@pytest.mark.parametrize(
    ("version", "expected"), [("2.15.0", [0.0, 0.3, 0.5, 0.7, 1.0]), ("3.5.0", [0.0, 1 / 3, 0.5, 2 / 3, 1.0])]
)
def test_hard_sigmoid_is_that_of_its_version(version: str, expected: list[float], tmp_path: Path) -> None:
    file = save_h5(
        tmp_path / "m.h5", sequential((5,), layer("Activation", "act", activation="hard_sigmoid")), {}, version
    )
    session, _ = session_of(read(file))
    got = session.run([np.array([[-4, -1, 0, 1, 4]], np.float32)])[0]
    assert got[0] == pytest.approx(expected, abs=1e-6)


def test_all_activations_agree_with_their_formulas(tmp_path: Path) -> None:
    layers = []
    weights = {}
    for number, name in enumerate(ACTIVATIONS):
        layers.append(layer("Dense", f"d{number}", units=5, activation=name, use_bias=True))
        weights[f"d{number}"] = dense_weights(5, 5, number)
    graph = read(save_h5(tmp_path / "m.h5", sequential((5,), *layers), weights))
    assert measure_reference(graph, export(graph).model.SerializeToString()).passed


@pytest.mark.parametrize("activation", ["tanh", "relu", "elu", "softsign", "linear", "hard_sigmoid"])
@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("SimpleRNN", 1)])
def test_recurrent_layers_agree_with_their_definitions(kind: str, gates: int, activation: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"recurrent_activation": "hard_sigmoid", "reset_after": False}
    entry = layer(kind, "rnn", units=4, activation=activation, return_sequences=True, **settings)
    weights = {name: array * 0.5 for name, array in recurrent_weights(3, 4, gates).items()}
    graph = read(save_h5(tmp_path / "m.h5", sequential((6, 3), entry), {"rnn": weights}))
    assert measure_reference(graph, export(graph).model.SerializeToString()).passed


def test_a_gru_may_reset_before_or_after(tmp_path: Path) -> None:
    weights = recurrent_weights(3, 4, 3)
    after = weights | {"bias": np.stack([weights["bias"], weights["bias"] * 0.5])}
    answers = []
    for reset_after, own in ((False, weights), (True, after)):
        entry = layer("GRU", "rnn", units=4, reset_after=reset_after)
        graph = read(save_h5(tmp_path / f"{reset_after}.h5", sequential((6, 3), entry), {"rnn": own}))
        content = export(graph).model.SerializeToString()
        assert measure_reference(graph, content).passed
        answers.append(session_of(graph)[0].run([np.ones((1, 6, 3), np.float32)])[0])
    assert np.abs(answers[0] - answers[1]).max() > 1e-3


def test_operations_are_named_after_the_layers(tmp_path: Path) -> None:
    entry = layer("Dense", "hand_shape", units=4, activation="relu", use_bias=True)
    graph = read(save_h5(tmp_path / "m.h5", sequential((5,), entry), {"hand_shape": dense_weights(5, 4)}))
    model = export(graph).model
    assert next(node.name for node in model.graph.node) == "hand_shape/MatMul"
    assert {one.name for one in model.graph.initializer} == {"hand_shape/kernel", "hand_shape/bias"}


def test_an_open_length_takes_any_number_of_steps(tmp_path: Path) -> None:
    entry = layer("LSTM", "rnn", units=4)
    graph = read(save_h5(tmp_path / "m.h5", sequential((None, 3), entry), {"rnn": recurrent_weights(3, 4, 4)}))
    session, _ = session_of(graph)
    for steps in (1, 5, 40):
        assert session.run([np.ones((2, steps, 3), np.float32)])[0].shape == (2, 4)
