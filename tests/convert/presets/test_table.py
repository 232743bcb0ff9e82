"""Presets are whole: their sections are valid, their widths are their layouts', their assumptions are named."""

import pytest

from convert.presets.clues import list_clues
from convert.presets.preset import Preset
from convert.presets.table import PRESETS, fit_preset, make_layout_preset, match_presets, name_others
from service.pipelines.layouts import LAYOUTS


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_a_preset_names_what_it_assumes(preset: Preset) -> None:
    assert preset.assumptions
    assert all(sentence.strip() for sentence in preset.assumptions)
    assert preset.times.stride_s <= preset.times.window_s


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ((208, 114), "ksl-words"), ((30, 1662), "action-holistic"), ((42,), "hand-keypoints"),
        ((63,), "hand-landmarks"),
        ((30, 63), "one-hand"), ((30, 126), "two-hands"), ((30, 99), "gesture-angles"), ((30, 258), "body-hands"),
        ((45, 1662), "action-holistic"), ((84,), "two-hands-xy"), ((30, 42), "one-hand-xy-30"),
        ((21, 2), "hand-keypoints"), ((21, 3), "hand-landmarks"), ((30, 21, 3), "one-hand"),
    ],
)  # fmt: skip
def test_a_shape_finds_its_preset(shape: tuple[int, ...], name: str) -> None:
    match = match_presets(shape)[0]
    assert match.preset.name == name
    assert match.preset.pipeline.input_shape == shape
    assert str(shape[-1]) in match.reason


def test_shapes_of_nobody_find_none() -> None:
    assert not match_presets((17,))
    assert not match_presets((5, 224, 224, 3))


def test_ksl_words_is_what_its_author_did() -> None:
    preset = PRESETS["ksl-words"]
    section = preset.pipeline.model_dump(mode="json")
    assert section["sampling"] == {"every": 2, "fps": 30.0}
    assert section["missing"] == "zero"
    assert section["length"] == {
        "length": 208,
        "pad": "post",
        "value": 0.0,
        "truncate": "post",
        "resample": False,
        "in_time": False,
        "between": "linear",
    }
    assert preset.times.window_s == 4.0


def test_another_length_is_one_more_assumption() -> None:
    preset = fit_preset(PRESETS["action-holistic"], (45, 1662))
    assert preset.pipeline.input_shape == (45, 1662)
    assert preset.times.window_s == 1.5
    assert len(preset.assumptions) == len(PRESETS["action-holistic"].assumptions) + 1


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_makes_a_pipeline(name: str) -> None:
    width = LAYOUTS[name].width
    assert make_layout_preset(name, (width,)).pipeline.input_shape == (width,)
    assert make_layout_preset(name, (20, width)).pipeline.input_shape == (20, width)


def test_all_that_fit_42_values_are_named_each_with_what_would_tell_it() -> None:
    matches = match_presets((42,))
    assert {match.preset.name for match in matches} == {
        "hand-keypoints", "hand-min-origin", "hand-distance", "hand-base", "hand-box", "hand-zscore", "hand-xy",
        "hand-pixels",
    }  # fmt: skip
    clues = list_clues(matches)
    assert all(any(f". {match.preset.name}: " in line for line in clues) for match in matches)
    assert "as well fit" in name_others(matches)
    assert not list_clues(matches[:1])
    assert not name_others(matches[:1])


@pytest.mark.parametrize(("rate", "seconds"), [(6, 5.0), (10, 3.0)])
def test_a_sequence_at_another_rate_has_windows_that_hold_its_steps(rate: int, seconds: float) -> None:
    preset = PRESETS[f"one-hand-{rate}fps"]
    assert preset.times.window_s == seconds
    assert fit_preset(preset, (60, 63)).times.window_s == 2 * seconds


def test_a_layout_is_given_as_points_where_the_graph_takes_points() -> None:
    made = make_layout_preset("hand_min_42", (21, 2))
    assert made.pipeline.input_shape == (21, 2)
    assert any(sentence.startswith("form: 21 points") for sentence in made.assumptions)
    assert make_layout_preset("hands_84", (20, 42, 2)).pipeline.input_shape == (20, 42, 2)
