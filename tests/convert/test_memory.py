"""What is too large for the service's default memory is said when it is converted."""

from pathlib import Path

import pytest

from convert import memory
from convert.memory import ALLOWED_BYTES, note_memory
from service.registry.memory import memory_estimate_bytes
from service.settings import Settings
from tests.convert.heads_made import publish_affect
from tests.convert.made import small_classifier
from tests.convert.running import command


def test_the_default_is_the_services() -> None:
    assert Settings.model_fields["model_memory_bytes"].default == ALLOWED_BYTES


def test_small_models_are_not_spoken_of(tmp_path: Path) -> None:
    assert note_memory(tmp_path, publish_affect(tmp_path)) == []


def test_models_that_cannot_be_loaded_together_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = publish_affect(tmp_path)
    monkeypatch.setattr(memory, "ALLOWED_BYTES", 3 * memory_estimate_bytes(manifest) // 2)
    assert note_memory(tmp_path, manifest) == []
    [said] = note_memory(tmp_path, publish_affect(tmp_path, "other"))
    assert "2 models" in said
    assert "not all loaded at once" in said


def test_one_that_does_not_fit_at_all_is_said_when_it_is_converted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "ALLOWED_BYTES", 1 << 20)
    (tmp_path / "labels.txt").write_text("a\nb\nc\n")
    result = command(
        "keras", small_classifier(tmp_path / "m.h5"), "--name", "m", "--store", tmp_path / "store", "--labels",
        tmp_path / "labels.txt",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "cannot be loaded before more is allowed (SIGN_MODEL_MEMORY_BYTES)" in result.stdout
