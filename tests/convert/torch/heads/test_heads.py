"""`convert torch` of heads: small state_dicts that PyTorch wrote, and what PyTorch answered (tools/parity/torch)."""

import asyncio
import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from service.pipelines.series import SeriesSection
from service.registry.manifest import Manifest, read_manifest
from tests.convert.heads_made import outputs_track, publish_affect, served_answers
from tests.convert.running import answer, command
from tests.convert.torch.checkpoints_made import Checkpoint

DATA = Path(__file__).parents[3] / "data" / "torch"
FLAGS: dict[str, tuple[str, ...]] = {
    "lstm": ("--readout", "last"),
    "lstm_bi_hidden": ("--readout", "hidden"),
    "lstm_packed": ("--readout", "hidden", "--masked"),
    "gru_deep": (),
    "conv": ("--readout", "mean"),
    "conv_flat": (),
    "conv_valid": ("--readout", "max", "--padding", "valid", "--hidden", "tanh"),
    "mlp": ("--hidden", "gelu"),
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    publish_affect(tmp_path / "store")
    (tmp_path / "labels.txt").write_text("calm\nneutral\ntense\n")
    return tmp_path / "store"


def converted(name: str, store: Path, *more: str) -> tuple[str, ...]:
    """The arguments that convert a kept head; the activation and names that are not in its weights among them."""
    with np.load(DATA / f"{name}.npz") as known:
        classes = known["y0"].shape[1]
    said: tuple[str, ...] = ("--activation", "sigmoid")
    if classes > 1:
        said = ("--labels", str(store.parent / "labels.txt"), "--channel", "tense")
    file = str(DATA / f"{name}.pt")
    known_by = () if {"--golden", "--assume"} & set(more) else ("--golden", str(DATA / f"{name}.npz"))
    asked = ("torch", file, "--name", "head", "--store", str(store), "--requires", "affect")
    return (*asked, *FLAGS[name], *said, *known_by, *more)


def published(store: Path) -> Manifest:
    return read_manifest(store / "head" / "1" / "manifest.json")


@pytest.mark.parametrize("name", list(FLAGS))
def test_a_head_answers_as_pytorch_did(name: str, store: Path) -> None:
    report = answer(*converted(name, store))
    assert [one["reference"] for one in report["parity"]] == ["numpy", "golden"]
    verified = answer("verify", "head", "--store", store, "--golden", DATA / f"{name}.npz")
    assert verified["parity"][0]["reference"] == "golden"
    assert verified["parity"][0]["max_abs_diff"] <= 1e-6


def test_the_authors_own_outputs_are_compared_before_a_head_is_published(store: Path, tmp_path: Path) -> None:
    report = answer(*converted("mlp", store, "--golden", str(DATA / "mlp.npz")))
    assert [one["reference"] for one in report["parity"]] == ["numpy", "golden"]
    with np.load(DATA / "mlp.npz") as known:
        np.savez(tmp_path / "other.npz", x0=known["x0"], y0=known["y0"] + 1)
    refused = command(*converted("mlp", store, "--golden", str(tmp_path / "other.npz")))
    assert refused.exit_code == 4
    assert not (store / "head" / "2").exists()


def test_a_served_head_sees_what_is_padded_as_its_author_did(store: Path) -> None:
    """Packed in training: the mask of the shorter series reaches the graph."""
    assert command(*converted("lstm_packed", store, "--set", "length.length=12")).exit_code == 0
    with np.load(DATA / "lstm_packed.npz") as known:
        values, mask, wanted = known["x0"], known["x1"], known["y0"]
    tracks = [outputs_track(row[: int(real.sum())]) for row, real in zip(values, mask, strict=True)]
    got = asyncio.run(served_answers(store, "head", tracks))
    assert np.abs(got[:, -1] - 1 / (1 + np.exp(-wanted[:, 0].astype(np.float64)))).max() <= 1e-6
    assert [one.source for one in published(store).inputs] == ["track", "mask"]


def test_the_manifest_says_what_was_read_and_what_was_assumed(store: Path) -> None:
    result = command(*converted("gru_deep", store, "--assume"))
    assert "assumed: readout: last of the steps" in result.stdout
    assert "assumed: hidden: relu behind head.1" in result.stdout
    assert "Parity, not proven" in result.stdout
    manifest = published(store)
    assert (manifest.task, manifest.output.channel, manifest.output.activation) == ("highlight", "tense", "softmax")
    assert manifest.source is not None
    assert manifest.source.overrides["torch"]["parts"] == [
        "norm: LayerNorm 10", "proj: Linear 10 → 6", "gru: GRU 6 → 5",
        "head.0: LayerNorm 5", "head.1: Linear 5 → 4", "head.4: Linear 4 → 3",
    ]  # fmt: skip
    assert manifest.source.framework == "pytorch (zip)"
    assert manifest.parity is not None
    assert manifest.parity.proven is False
    origins = {(fact.fact, fact.origin) for fact in manifest.source.facts}
    assert {("weights", "read"), ("parts", "read"), ("labels", "declared"), ("structure", "assumed")} <= origins


def test_a_head_that_reads_all_steps_fixes_their_number(store: Path) -> None:
    assert command(*converted("conv_flat", store)).exit_code == 0
    manifest = published(store)
    assert isinstance(manifest.pipeline, SeriesSection)
    assert manifest.pipeline.length is not None
    assert manifest.pipeline.length.length == 12
    assert manifest.time is not None
    assert manifest.time.window_s == 6.0


def test_what_a_single_number_means_is_asked(store: Path) -> None:
    arguments = [*converted("lstm", store)]
    place = arguments.index("--activation")
    del arguments[place : place + 2]
    result = command(*arguments)
    assert result.exit_code == 2
    assert "--activation softmax|sigmoid|none" in result.stderr
    assert command(*arguments, "--activation", "probabilities").exit_code == 2
    assert command(*arguments, "--activation", "none").exit_code == 0
    assert published(store).output.activation == "none"


@pytest.mark.parametrize(
    ("name", "wrong", "says"),
    [
        ("conv", ("--masked",), "--masked is for recurrent heads"),
        ("lstm_bi_hidden", ("--masked", "--readout", "last"), "do not go together"),
        ("lstm", ("--masked", "--readout", "max"), "do not go together"),
        ("conv_flat", ("--readout", "mean"), "reads 12 steps at once"),
        ("mlp", ("--readout", "last"), "it has no steps"),
    ],
)
def test_flags_that_do_not_fit_the_weights(name: str, wrong: tuple[str, ...], says: str, store: Path) -> None:
    result = command(*converted(name, store, *wrong))
    assert result.exit_code == 2
    assert says in result.stderr
    assert not (store / "head").exists()


def test_a_head_of_another_width_is_refused_with_both_figures(store: Path, tmp_path: Path) -> None:
    made = Checkpoint()
    state = {"fc.weight": made.tensor(np.ones((1, 30))), "fc.bias": made.tensor(np.zeros(1))}
    file = made.zip(tmp_path / "a.pt", state)
    arguments = ("torch", str(file), "--name", "head", "--store", str(store), "--activation", "none")
    result = command(*arguments, "--requires", "affect", "--pipeline", "highlight-stats")
    assert result.exit_code == 3
    assert "gives 40 numbers (mean, std, max, min of 10); the input takes 30" in result.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lstm_bi_hidden", "lstm: LSTM 10 → 16, 2 layers, bidirectional"),
        ("conv", "features.3: Conv1d 6 → 7, kernel 5"),
        ("mlp", "1: BatchNorm1d 8"),
    ],
)
def test_inspect_says_what_a_head_is_and_which_command_converts_it(name: str, said: str) -> None:
    result = command("inspect", DATA / f"{name}.pt")
    assert result.exit_code == 0, result.stderr
    assert said in result.stdout
    assert f"{name}.pt --name NAME --requires MODEL" in result.stdout
    assert not set("|<>;&$`") & set(result.stdout.partition("Convert it: ")[2])
    assert "None" not in result.stdout
    document = answer("inspect", DATA / f"{name}.pt")
    assert document["network"]["family"] == "head"
    assert document["presets"][0]["name"] == ("highlight-stats" if name == "mlp" else "highlight-sequence")


def test_what_inspect_prints_of_a_head_converts_as_it_is_typed(store: Path) -> None:
    printed = answer("inspect", DATA / "lstm.pt")
    places = {"NAME": "head", "MODEL": "affect", "FILE.npz": str(DATA / "lstm.npz")}
    for number, line in enumerate((printed["command"], printed["command_assumed"])):
        assert line in command("inspect", DATA / "lstm.pt").stdout
        typed = [places.get(word, word) for word in shlex.split(line)[3:]]
        result = command(*typed, "--store", store)
        assert result.exit_code == 0, result.stderr
        assert ("not proven" in result.stdout) == (number == 1)


def state(**shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name.replace("__", "."): rng.normal(0, 0.3, shape).astype(np.float32) for name, shape in shapes.items()}


LSTM = state(lstm__weight_ih_l0=(32, 10), lstm__weight_hh_l0=(32, 8), lstm__bias_ih_l0=(32,), lstm__bias_hh_l0=(32,))
FC = state(fc__weight=(1, 8), fc__bias=(1,))


def refusal(tmp_path: Path, tensors: dict[str, np.ndarray]) -> str:
    made = Checkpoint()
    file = made.zip(tmp_path / "a.pt", {name: made.tensor(values) for name, values in tensors.items()})
    result = command("torch", file, "--name", "a", "--store", tmp_path / "store", "--activation", "none")
    assert result.exit_code == 3, result.stdout
    assert not (tmp_path / "store").exists()
    return str(result.stderr)


@pytest.mark.parametrize(
    ("tensors", "says"),
    [
        ({**LSTM, **state(fc__weight=(1, 9))}, "do not follow one another (lstm LSTM 10 → 8; fc Linear 9 → 1)"),
        ({**LSTM, **FC, **state(lstm__bias_hh_l0=(31,))}, "lstm.bias_hh_l0 has the shape (31,)"),
        ({**LSTM, **FC, **state(lstm__weight_hh_l2=(32, 8))}, "lstm.weight_ih_l1 has the shape of nothing"),
        ({**LSTM, **FC, **state(lstm__weight_hr_l0=(4, 8))}, "no network that is known here"),
        ({**LSTM, **FC, **state(attention__weight=(1, 8))}, "do not follow one another"),
        ({**LSTM, **FC, **state(fc__bias=(2,))}, "The tensors of fc do not fit each other"),
        ({**LSTM, "fc.weight": np.full((1, 8), np.nan, np.float32)}, "Tensor fc.weight holds NaN"),
    ],
)
def test_weights_are_all_a_heads_or_it_is_refused(tensors: dict[str, np.ndarray], says: str, tmp_path: Path) -> None:
    assert says in refusal(tmp_path, tensors)


def test_tensors_of_the_loss_are_left_out_and_named(tmp_path: Path, store: Path) -> None:
    made = Checkpoint()
    tensors = {**LSTM, **FC, "criterion.pos_weight": np.ones(1, np.float32)}
    file = made.zip(tmp_path / "a.pt", {name: made.tensor(values) for name, values in tensors.items()})
    arguments = ("torch", file, "--name", "head", "--store", store, "--requires", "affect", "--activation", "sigmoid")
    report = answer(*arguments, "--assume")
    assert "Left out, as they are outside the head: criterion.pos_weight." in json.dumps(report)
