"""Presets of pixels: a graph's shape finds its author, and every value that he did not write down is named."""

import pytest

from convert.presets.pixels import PIXEL_PRESETS
from convert.presets.preset import Preset
from convert.presets.table import PRESETS, fit_preset, match_presets

Shape = tuple[int, ...]


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ((28, 28, 1), "sign-mnist"),
        ((300, 300, 3), "ksl-numbers"),
        ((224, 224, 3), "teachable-machine"),
        ((48, 48, 1), "fer-48"),
        ((64, 64, 1), "fer-64"),
        ((128, 128, 1), "hand-outline"),
        ((16, 112, 112, 3), "c3d"),
        ((3, 16, 112, 112), "c3d"),
        ((8, 4096), "c3d-bilstm"),
        ((1, 28, 28), "sign-mnist"),
        ((3, 224, 224), "teachable-machine"),
        ((96, 96, 3), "picture"),
        ((3, 96, 96), "picture"),
        ((32, 32, 1), "sign-mnist"),
    ],
)
def test_a_shape_of_pixels_finds_its_preset(shape: Shape, name: str) -> None:
    match = match_presets(shape)[0]
    assert match.preset.name == name
    assert all(made in (None, wanted) for made, wanted in zip(match.preset.pipeline.input_shape, shape, strict=True))
    assert " × ".join(map(str, shape)) in match.reason


def test_what_looks_the_same_from_outside_is_offered_too() -> None:
    names = [match.preset.name for match in match_presets((224, 224, 3))]
    assert names == ["teachable-machine", "cvzone", "hand-crop", "picture"]


def test_another_size_is_one_more_assumption() -> None:
    made = fit_preset(PRESETS["teachable-machine"], (96, 96, 3))
    assert made.pipeline.input_shape == (96, 96, 3)
    assert "size: 96 × 96 instead of 224 × 224" in made.assumptions
    assert fit_preset(PRESETS["teachable-machine"], (224, 224, 3)) == PRESETS["teachable-machine"]


@pytest.mark.parametrize("shape", [(), (7,), (0, 0, 3), (5000, 5000, 3), (224, 224, 2), (None, None, 3), (9, 4096)])
def test_shapes_that_no_picture_has_find_nothing(shape: tuple[int | None, ...]) -> None:
    assert match_presets(shape) == []


@pytest.mark.parametrize("preset", PIXEL_PRESETS, ids=lambda preset: preset.name)
def test_a_preset_of_pixels_reads_video_as_opencv_4_did(preset: Preset) -> None:
    if preset.name == "c3d-bilstm":
        return
    assert preset.pipeline.model_dump()["yuv"] == "bt601"
    assert any(sentence.startswith("yuv:") for sentence in preset.assumptions)


def test_cvzone_is_what_its_tutorial_does() -> None:
    section = PRESETS["cvzone"].pipeline.model_dump(mode="json")
    assert (section["draw"], section["color"], section["canvas"], section["border"]) == ("cvzone", "bgr", 300, 20)
    assert section["resize"] == {"w": 224, "h": 224, "method": "bilinear", "library": "opencv"}
    assert (section["scale"], section["offset"]) == (1 / 127, -1.0)
    assert PRESETS["hand-crop"].pipeline.model_dump()["draw"] == "none"
