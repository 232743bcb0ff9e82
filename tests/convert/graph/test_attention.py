"""Attention of both kinds: agreement with the definitions, and the law of masks."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.errors import RefusalError
from convert.graph.export import export
from convert.graph.layer_graph import LayerGraph
from convert.parity import measure_reference
from tests.convert.made import Arrays, layer, save_h5
from tests.convert.running import read, session_of

STEPS, WIDTH = 6, 4
SHAPES = {"query": (WIDTH, 2, 3), "key": (WIDTH, 2, 3), "value": (WIDTH, 2, 5), "attention_output": (2, 5, WIDTH)}


def two_inputs(entry: dict[str, Any], second: list[Any]) -> dict[str, Any]:
    """Queries and, behind a Masking, values; `second` is how the call names the values."""
    inputs = [layer("InputLayer", name, batch_input_shape=[None, STEPS, WIDTH]) for name in ("q", "v")]
    masking = layer("Masking", "m", mask_value=0.0)
    parts = [*inputs, {**masking, "inbound_nodes": [[["v", 0, 0, {}]]]}, {**entry, "inbound_nodes": second}]
    return {
        "class_name": "Functional",
        "config": {
            "name": "made",
            "layers": [{**part, "name": part["config"]["name"]} for part in parts],
            "input_layers": [["q", 0, 0], ["v", 0, 0]],
            "output_layers": [[entry["config"]["name"], 0, 0]],
        },
    }


def heads(path: Path, call: dict[str, Any] | None = None, version: str = "2.15.0", **config: Any) -> LayerGraph:
    rng = np.random.default_rng(3)
    weights = {}
    for role, shape in SHAPES.items():
        weights[f"{role}/kernel"] = rng.normal(0, 0.5, shape).astype(np.float32)
        weights[f"{role}/bias"] = rng.normal(0, 0.1, shape[2:] if "output" in role else shape[1:]).astype(np.float32)
    settings = {"num_heads": 2, "key_dim": 3, "value_dim": 5, "use_bias": True, "attention_axes": [1]}
    entry = layer("MultiHeadAttention", "mha", **(settings | config))
    architecture = two_inputs(entry, [[["q", 0, 0, {"value": ["m", 0, 0], **(call or {})}]]])
    return read(save_h5(path, architecture, {"mha": weights}, version))


def plain(path: Path, call: dict[str, Any] | None = None, **config: Any) -> LayerGraph:
    scale: Arrays = {"scale": np.array(0.7, np.float32)} if config.get("use_scale") else {}
    concat: Arrays = {"concat_score_weight": np.array(1.3, np.float32)} if config.get("score_mode") == "concat" else {}
    architecture = two_inputs(
        layer("Attention", "att", **config), [[["q", 0, 0, call or {}], ["m", 0, 0, {}]]]
    )  # fmt: skip
    return read(save_h5(path, architecture, {"att": scale | concat}))


def proven(graph: LayerGraph) -> Any:
    exported = export(graph)
    assert measure_reference(graph, exported.model.SerializeToString()).passed
    return session_of(graph)[0]


@pytest.mark.parametrize("version", ["2.15.0", "3.5.0"])
@pytest.mark.parametrize("dropout", [0.0, 0.1])
@pytest.mark.parametrize("call", [{}, {"use_causal_mask": True}])
def test_several_heads_agree_with_their_definition(
    call: dict[str, Any], dropout: float, version: str, tmp_path: Path
) -> None:
    proven(heads(tmp_path / "m.h5", call, version, dropout=dropout))


@pytest.mark.parametrize("call", [{}, {"use_causal_mask": True}])
@pytest.mark.parametrize("config", [{}, {"use_scale": True}, {"score_mode": "concat", "use_scale": True}])
def test_attention_agrees_with_its_definition(config: dict[str, Any], call: dict[str, Any], tmp_path: Path) -> None:
    proven(plain(tmp_path / "m.h5", call, **config))


@pytest.mark.parametrize("kind", ["heads", "plain"])
def test_masked_values_might_as_well_be_others(kind: str, tmp_path: Path) -> None:
    """What a masked step holds cannot be seen: it is zero, and zeros elsewhere would change the answer."""
    session = proven(heads(tmp_path / "m.h5") if kind == "heads" else plain(tmp_path / "m.h5"))
    rng = np.random.default_rng(1)
    query = rng.uniform(-1, 1, (1, STEPS, WIDTH)).astype(np.float32)
    value = rng.uniform(-1, 1, (1, STEPS, WIDTH)).astype(np.float32)
    value[:, 4:] = 0
    moved = value[:, [4, 0, 1, 5, 2, 3]]
    assert np.abs(session.run([query, value])[0] - session.run([query, moved])[0]).max() <= 1e-6


@pytest.mark.parametrize("kind", ["heads", "plain"])
def test_causal_attention_does_not_see_the_future(kind: str, tmp_path: Path) -> None:
    call = {"use_causal_mask": True}
    session = proven(heads(tmp_path / "m.h5", call) if kind == "heads" else plain(tmp_path / "m.h5", call))
    rng = np.random.default_rng(2)
    query, value = rng.uniform(-1, 1, (2, 1, STEPS, WIDTH)).astype(np.float32)
    later = value.copy()
    later[:, 3:] += 1
    before, after = session.run([query, value])[0], session.run([query, later])[0]
    assert np.array_equal(before[:, :3], after[:, :3])
    assert np.abs(before[:, 3:] - after[:, 3:]).max() > 1e-3


@pytest.mark.parametrize("config", [{"use_gate": True}, {"sliding_window": 2}, {"attention_axes": [1, 2]}])
def test_other_kinds_of_attention_are_refused(config: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RefusalError, match="mha"):
        export(heads(tmp_path / "m.h5", **config))
