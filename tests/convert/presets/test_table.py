"""Presets are whole: their sections are valid, their widths are their layouts', their assumptions are named."""

import pytest

from convert.presets.preset import Preset
from convert.presets.table import PRESETS, fit_preset, make_layout_preset, match_presets
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
        ((45, 1662), "action-holistic"),
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
    assert section["length"] == {"length": 208, "pad": "post", "value": 0.0, "truncate": "post", "resample": False}
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
