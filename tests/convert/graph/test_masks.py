"""Masked recurrent layers are real operators and obey the law of masks: what is masked might as well not be there."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convert.graph.reference.evaluate import evaluate
from tests.convert.made import layer, recurrent_weights, save_h5, sequential
from tests.convert.running import read, session_of

STEPS, WIDTH, UNITS = 7, 3, 4
GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}


def recurrent_file(folder: Path, kind: str, **config: Any) -> Path:
    recurrent = layer(kind, "rnn", units=UNITS, activation="tanh", recurrent_activation="sigmoid", **config)
    masking = layer("Masking", "masking", mask_value=0.0)
    weights = {"rnn": recurrent_weights(WIDTH, UNITS, GATES[kind])}
    return save_h5(folder / f"{kind}.h5", sequential((None, WIDTH), masking, recurrent), weights)


@pytest.fixture(scope="module", params=list(GATES))
def masked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return session_of(read(recurrent_file(tmp_path_factory.mktemp("masks"), request.param)))


def test_a_masked_layer_is_the_real_operator(masked: Any) -> None:
    _, kinds = masked
    assert {"LSTM", "GRU", "RNN"} & set(kinds)
    assert not {"Loop", "Scan", "If"} & set(kinds)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(real=st.lists(st.booleans(), min_size=STEPS, max_size=STEPS), seed=st.integers(0, 1000))
def test_masked_steps_might_as_well_not_be_there(masked: Any, real: list[bool], seed: int) -> None:
    session, _ = masked
    x = np.random.default_rng(seed).uniform(0.1, 1, (1, STEPS, WIDTH)).astype(np.float32)
    kept = x[:, np.array(real)]
    x[:, ~np.array(real)] = 0
    got = session.run([x])[0]
    if not any(real):
        assert np.array_equal(got, np.zeros((1, UNITS), np.float32))
        return
    assert np.abs(got - session.run([kept])[0]).max() <= 1e-6


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("zeroed", [False, True])
@pytest.mark.parametrize("kind", list(GATES))
def test_sequences_with_gaps_follow_the_definition(kind: str, zeroed: bool, backwards: bool, tmp_path: Path) -> None:
    file = recurrent_file(
        tmp_path, kind, return_sequences=True, go_backwards=backwards, zero_output_for_mask=zeroed, reset_after=False
    )
    graph = read(file)
    session, _ = session_of(graph)
    x = np.random.default_rng(3).uniform(-1, 1, (5, STEPS, WIDTH)).astype(np.float32)
    x[1, 4:] = x[2, :3] = x[3, 1::2] = x[4] = 0
    got, wanted = session.run([x])[0], evaluate(graph, [x])[0]
    assert np.abs(got - wanted).max() <= 1e-6
    if not zeroed and not backwards:
        assert np.array_equal(got[1, 4], got[1, 3])  # a masked step repeats the last output
        assert not got[4].any()
