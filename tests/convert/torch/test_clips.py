"""What a checkpoint's settings become for the service: the clips that its graph takes. Nothing here needs torch."""

import pytest

from convert.errors import CallError
from convert.presets.clips import CLIP_PRESETS, make_clip_section, set_numbers
from convert.presets.networks import NETWORKS
from convert.presets.table import PRESETS, fit_preset, match_presets
from convert.torch.architectures.settings import Settings
from convert.torch.clips import fit_numbers, preset_of
from service.pipelines.clip import ClipSection


def settings(name: str = "x3d_s", duration_s: float = 2.6, source: str = "table") -> Settings:
    network = NETWORKS[name]
    return Settings(
        network, network.frames, network.crop, network.side, duration_s, network.head_pool, "none",
        {"clip_duration": source},
    )  # fmt: skip


@pytest.mark.parametrize("name", [network.name for network in NETWORKS.values() if network.is_clip])
def test_each_video_network_is_published_with_its_own_clips(name: str) -> None:
    network = NETWORKS[name]
    preset = preset_of(settings(name, network.frames * network.sampling / 30), "pixels")
    assert preset is not None
    section = preset.pipeline
    assert isinstance(section, ClipSection)
    assert section.input_shape == (3, network.frames, network.crop, network.crop)
    assert (section.side, section.yuv, section.scale, section.mean) == (network.side, "bt601", 1.0, None)
    assert preset.times.window_s == network.frames * network.sampling / 30
    assert PRESETS[name.replace("_", "-")].pipeline == set_numbers(section, "normalised")


def test_a_network_of_pictures_has_no_clips() -> None:
    assert preset_of(settings("tf_efficientnet_b0"), "uint8") is None


def test_a_clip_duration_from_the_file_is_no_assumption() -> None:
    by_table, by_file = preset_of(settings(), "pixels"), preset_of(settings(source="file"), "pixels")
    assert by_table is not None
    assert by_file is not None
    assert len(by_table.assumptions) == len(by_file.assumptions) + 1


def test_the_section_says_what_the_graph_leaves_to_the_service() -> None:
    trained = make_clip_section(13, 182, 182, "normalised")
    assert (trained.scale, trained.mean, trained.std) == (1 / 255, (0.45,) * 3, (0.225,) * 3)
    assert fit_numbers(trained, "pixels") == make_clip_section(13, 182, 182, "pixels")
    assert fit_numbers(trained, "normalised") == trained
    whole = fit_numbers(trained, "uint8")
    assert isinstance(whole, ClipSection)
    assert whole.dtype == "uint8"


def test_other_numbers_than_the_graphs_are_a_wrong_call_and_not_done_twice() -> None:
    other = make_clip_section(13, 182, 182, "normalised").model_copy(update={"mean": (0.5,) * 3})
    with pytest.raises(CallError, match="normalizes pixels itself"):
        fit_numbers(other, "pixels")
    assert fit_numbers(other, "normalised") == other


@pytest.mark.parametrize("preset", CLIP_PRESETS, ids=lambda preset: preset.name)
def test_a_shape_of_clips_finds_its_preset(preset: object) -> None:
    known = PRESETS[preset.name]  # type: ignore[attr-defined]
    assert known.name in [match.preset.name for match in match_presets(known.pipeline.input_shape)]


def test_another_length_and_crop_are_one_more_assumption() -> None:
    (match,) = match_presets((3, 32, 112, 112))
    assert match.preset.pipeline.input_shape == (3, 32, 112, 112)
    assert match.preset.times.window_s == pytest.approx(32 * 4 / 30)
    assert match.preset.assumptions[-1].startswith("size: 32 frames")
    assert fit_preset(PRESETS["x3d-s"], (3, 13, 182, 182)) == PRESETS["x3d-s"]
    assert fit_preset(PRESETS["x3d-s"], (3, 13, 182, 160)) == PRESETS["x3d-s"]
