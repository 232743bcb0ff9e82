"""`--set` changes its value and nothing else: every example of the documentation, on models of 12, 30 and 60 steps."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from convert.draft import ManifestDraft, PublishOptions
from convert.errors import CallError, RefusalError
from convert.model_info import ModelInfo, TensorSpec
from convert.overrides import parse_overrides
from convert.publish import draft_manifest
from service.pipelines.keypoints import KeypointsSection
from service.registry.manifest import read_manifest
from tests.convert.heads_made import publish_affect
from tests.convert.made import dense_weights, layer, recurrent_weights, save_h5, sequential
from tests.convert.running import command

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = re.compile(r"--set ('[^']+'|[^\s`)]+)")
STEPS = (12, 30, 60)


def _find_examples() -> list[str]:
    """Every example, alternatives (`a|b`) one by one."""
    found = []
    for page in sorted(DOCS.rglob("*.md")):
        for written in EXAMPLE.findall(page.read_text()):
            path, _, values = shlex.split(written)[0].partition("=")
            found += [f"{path}={value}" for value in values.split("|")]
    return sorted({one for one in found if not one.startswith("PATH=")})


EXAMPLES = _find_examples()


def _shapes(steps: int) -> dict[str, tuple[int, ...]]:
    """Preset → a graph's input that it is meant for, with so many steps where it has any."""
    return {
        "one-hand": (steps, 63),
        "action-holistic": (steps, 1662),
        "gesture-angles": (steps, 99),
        "hand-landmarks": (63,),
        "highlight-sequence": (steps, 10),
        "highlight-stats": (40,),
        "video-clip": (3, steps, 112, 112),
        "c3d": (16, 112, 112, 3),
        "teachable-machine": (96, 96, 3),
        "hand-crop": (128, 128, 3),
        "cvzone": (224, 224, 3),
        "picture": (steps, steps, 3),
        "fer-48": (48, 48, 1),
        "hsemotion-b0": (3, 224, 224),
    }


def _draft(preset: str, shape: tuple[int, ...], *settings: str, folder: Path) -> ManifestDraft:
    labels = folder / "labels.txt"
    labels.write_text("a\nb\n")
    info = ModelInfo(
        "m.h5", "0" * 64, "keras 2", (TensorSpec("x", (None, *shape)),), (TensorSpec("y", (None, 2)),), "softmax", 1, {}
    )
    options = PublishOptions("m", folder / "store", pipeline=preset, settings=settings, labels=str(labels))
    if preset.startswith("highlight"):
        if not options.store.exists():
            publish_affect(options.store)
        options = replace(options, requires="affect", channel="a")
    return draft_manifest(info, options)


def _read(document: object, path: str) -> object:
    for step in path.split("."):
        document = document.get(step) if isinstance(document, dict) else None
    return document


def _without(document: dict[str, object], path: str) -> dict[str, object]:
    """The section without what the path names; of `sampling`, whose forms exclude each other, without all of it."""
    first, _, rest = path.partition(".")
    inner = document.get(first)
    if not rest or first == "sampling" or not isinstance(inner, dict):
        return {key: value for key, value in document.items() if key != first}
    return {**document, first: _without(inner, rest)}


def test_the_documentation_has_examples() -> None:
    assert {"sampling.every=3", "length.pad=pre", "selfie=false"} <= set(EXAMPLES)


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_changes_its_value_and_nothing_else(example: str, steps: int, tmp_path: Path) -> None:
    [(path, value)] = parse_overrides([example]).items()
    taken = 0
    for preset, shape in _shapes(steps).items():
        if path == "length.length" and shape[0] != value:
            continue  # the graph has its own number
        try:
            changed = _draft(preset, shape, example, folder=tmp_path)
        except (CallError, RefusalError):
            continue  # another kind's setting
        taken += 1
        plain = _draft(preset, shape, folder=tmp_path)
        before, after = (one.pipeline.model_dump(mode="json") for one in (plain, changed))
        assert changed.pipeline.input_shape == plain.pipeline.input_shape
        assert all(a in {None, b} for a, b in zip(changed.pipeline.input_shape or (), shape, strict=True))
        assert _read(after, path) == value
        assert _without(after, path) == _without(before, path)
        if not path.startswith("sampling"):
            assert changed.times == plain.times
        elif isinstance(changed.pipeline, KeypointsSection) and changed.pipeline.length:
            assert changed.times is not None
            assert changed.times.window_s == pytest.approx(steps * 3 / 30, abs=1e-3)
    assert taken or path == "statistics" or (path == "length.length" and steps != value)


def test_statistics_that_are_chosen_change_how_wide_a_row_is(tmp_path: Path) -> None:
    draft = _draft("highlight-stats", (20,), 'statistics=["mean","std"]', folder=tmp_path)
    assert draft.pipeline.model_dump(mode="json")["statistics"] == ["mean", "std"]


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("chosen", [("--pipeline", "one-hand"), ("--layout", "hand_63"), ()])
def test_the_examples_together_publish_a_model_of_any_number_of_steps(
    steps: int, chosen: tuple[str, ...], tmp_path: Path
) -> None:
    weights = {"rnn": recurrent_weights(63, 4, 4), "answer": dense_weights(4, 2)}
    dense = layer("Dense", "answer", units=2, activation="softmax")
    file = save_h5(tmp_path / "m.h5", sequential((steps, 63), layer("LSTM", "rnn", units=4), dense), weights)
    (tmp_path / "labels.txt").write_text("a\nb\n")
    settings = ("--set", "sampling.every=3", "--set", "length.pad=pre", "--set", "selfie=false")
    result = command(
        "keras", file, "--name", "m", "--store", tmp_path / "store", "--labels", tmp_path / "labels.txt", *chosen,
        *settings,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    manifest = read_manifest(tmp_path / "store" / "m" / "1" / "manifest.json")
    section = manifest.pipeline
    assert isinstance(section, KeypointsSection)
    assert section.length is not None
    assert (section.length.length, section.length.pad, section.selfie) == (steps, "pre", False)
    assert manifest.time is not None
    assert manifest.time.window_s == pytest.approx(steps / 10)


def test_a_preset_is_brought_to_the_size_and_color_of_a_graph_together(tmp_path: Path) -> None:
    draft = _draft("picture", (64, 64, 1), "color=grey", folder=tmp_path)
    assert draft.pipeline.input_shape == (64, 64, 1)


def test_a_window_that_was_set_stays(tmp_path: Path) -> None:
    weights = {"rnn": recurrent_weights(63, 4, 4), "answer": dense_weights(4, 2)}
    dense = layer("Dense", "answer", units=2, activation="softmax")
    file = save_h5(tmp_path / "m.h5", sequential((12, 63), layer("LSTM", "rnn", units=4), dense), weights)
    (tmp_path / "labels.txt").write_text("a\nb\n")
    result = command(
        "keras", file, "--name", "m", "--store", tmp_path / "store", "--labels", tmp_path / "labels.txt",
        "--pipeline", "one-hand", "--set", "sampling.every=3", "--window-s", "2.5",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    time = read_manifest(tmp_path / "store" / "m" / "1" / "manifest.json").time
    assert time is not None
    assert time.window_s == 2.5
