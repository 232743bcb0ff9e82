"""ConvLSTM: as Keras 3 computes it, in all its options, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.errors import RefusalError
from convert.graph.export import export
from convert.parity import measure_reference
from tests.convert.made import Arrays, dense_weights, layer, save_h5, sequential
from tests.convert.running import command, read, session_of

CASE = Path(__file__).parents[2] / "data" / "keras" / "k3_convlstm.h5"
FRAMES = (4, 9, 8, 3)


def _weights(filters: int, channels: int = 3, window: tuple[int, ...] = (3, 3)) -> Arrays:
    rng = np.random.default_rng(filters)
    shapes = {
        "kernel": (*window, channels, 4 * filters),
        "recurrent_kernel": (*window, filters, 4 * filters),
        "bias": (4 * filters,),
    }
    return {role: rng.normal(0, 0.3, shape).astype(np.float32) for role, shape in shapes.items()}


def test_a_network_over_five_frames_says_what_keras_said(tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("a\nb\nc\nd\n")
    result = command(
        "keras", CASE, "--name", "m", "--store", tmp_path / "store", "--labels", labels,
        "--golden", CASE.with_suffix(".npz"),
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "from the golden file on 2 samples" in result.stdout


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"return_sequences": True, "padding": "same"},
        {"return_sequences": True, "padding": "same", "strides": [2, 2]},
        {"return_sequences": True, "go_backwards": True},
        {"dilation_rate": [2, 2], "padding": "same"},
        {"activation": "relu", "recurrent_activation": "hard_sigmoid"},
        {"padding": "same", "strides": [2, 1], "go_backwards": True},
    ],
)
def test_every_option_agrees_with_its_definition(settings: dict[str, Any], tmp_path: Path) -> None:
    part = layer("ConvLSTM2D", "c", filters=5, kernel_size=[3, 3], **settings)
    graph = read(save_h5(tmp_path / "m.h5", sequential(FRAMES, part), {"c": _weights(5)}))
    measured = measure_reference(graph, export(graph).model.SerializeToString())
    assert measured.passed


def test_channels_may_stand_first(tmp_path: Path) -> None:
    part = layer("ConvLSTM2D", "c", filters=5, padding="same", return_sequences=True, data_format="channels_first")
    first, _ = session_of(read(save_h5(tmp_path / "f.h5", sequential((4, 3, 9, 8), part), {"c": _weights(5)})))
    part["config"]["data_format"] = "channels_last"
    last, _ = session_of(read(save_h5(tmp_path / "l.h5", sequential(FRAMES, part), {"c": _weights(5)})))
    x = np.random.default_rng(0).normal(size=(2, *FRAMES)).astype(np.float32)
    turned = first.run([np.moveaxis(x, -1, 2)])[0]
    assert np.moveaxis(turned, 2, -1) == pytest.approx(last.run([x])[0], abs=1e-6)


@pytest.mark.parametrize("rank", [1, 3])
def test_it_has_one_and_three_axes_too(rank: int, tmp_path: Path) -> None:
    part = layer(f"ConvLSTM{rank}D", "c", filters=2, padding="same", return_sequences=True)
    weights = {"c": _weights(2, window=(3,) * rank)}
    graph = read(save_h5(tmp_path / "m.h5", sequential((3, *[5] * rank, 3), part), weights))
    assert measure_reference(graph, export(graph).model.SerializeToString()).passed


@pytest.mark.parametrize("sequences", [True, False])
def test_it_runs_both_ways(sequences: bool, tmp_path: Path) -> None:
    inner = layer("ConvLSTM2D", "c", filters=2, padding="same", return_sequences=sequences)
    both = layer("Bidirectional", "b", layer=inner, merge_mode="concat")
    one = _weights(2)
    weights = {f"forward_c/{role}": array for role, array in one.items()}
    weights |= {f"backward_c/{role}": array[..., ::-1].copy() for role, array in one.items()}
    graph = read(save_h5(tmp_path / "m.h5", sequential(FRAMES, both), {"b": weights}))
    assert measure_reference(graph, export(graph).model.SerializeToString()).passed
    assert export(graph).output_shapes[0][-1] == 4


def test_a_stack_ends_in_classes(tmp_path: Path) -> None:
    layers = [
        layer("ConvLSTM2D", "c", filters=3, return_sequences=True),
        layer("ConvLSTM2D", "d", filters=2),
        layer("Flatten", "f"),
        layer("Dense", "answer", units=2, activation="softmax"),
    ]
    weights = {"c": _weights(3), "d": _weights(2, 3), "answer": dense_weights(5 * 4 * 2, 2)}
    graph = read(save_h5(tmp_path / "m.h5", sequential(FRAMES, *layers), weights))
    assert measure_reference(graph, export(graph).model.SerializeToString()).passed


def test_frames_without_a_number_are_refused_with_what_to_do(tmp_path: Path) -> None:
    part = layer("ConvLSTM2D", "c", filters=5)
    graph = read(save_h5(tmp_path / "m.h5", sequential((None, 9, 8, 3), part), {"c": _weights(5)}))
    with pytest.raises(RefusalError) as refused:
        export(graph)
    assert "Input a full shape" in refused.value.advice


def test_more_steps_than_are_written_out_are_refused(tmp_path: Path) -> None:
    part = layer("ConvLSTM2D", "c", filters=5)
    graph = read(save_h5(tmp_path / "m.h5", sequential((600, 4, 4, 3), part), {"c": _weights(5)}))
    with pytest.raises(RefusalError, match="512 at most"):
        export(graph)
