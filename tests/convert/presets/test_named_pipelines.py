"""The presets as the service knows them: by name, without the converter."""

from convert.presets.__main__ import looking_sections
from convert.presets.table import PRESETS
from service.pipelines.presets import FILE, preset_names, read_preset, to_file


def test_the_file_is_written_from_the_converters_table() -> None:
    assert FILE.read_text() == to_file(looking_sections()), "make schema writes it again"


def test_each_preset_that_looks_by_itself_is_read_back_as_it_is() -> None:
    assert len(preset_names()) > 40
    for name in preset_names():
        assert read_preset(name) == PRESETS[name].pipeline


def test_presets_whose_features_are_a_networks_answers_are_left_out() -> None:
    missing = set(PRESETS) - set(preset_names())
    assert missing
    kinds = {PRESETS[name].pipeline.kind for name in missing}
    assert kinds <= {"series", "chunks", "face_affect"}
