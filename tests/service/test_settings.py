"""Settings come from the environment and are checked."""

import pytest
from pydantic import ValidationError

from service.settings import Settings, allowed_cores, allowed_memory_bytes, default_slots


def test_every_setting_has_a_default_and_a_description() -> None:
    Settings()
    assert all(field.description for field in Settings.model_fields.values())


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGN_API_KEYS", "one, two,")
    monkeypatch.setenv("SIGN_MODEL_VERSIONS", "asl-letters=2,ksl=1")
    settings = Settings()
    assert settings.api_keys == ("one", "two")
    assert settings.pinned_versions == {"asl-letters": 2, "ksl": 1}


@pytest.mark.parametrize(
    ("name", "value"),
    [("SIGN_PORT", "70000"), ("SIGN_MODEL_VERSIONS", "asl-letters"), ("SIGN_SLOTS", "0"), ("SIGN_LOG_LEVEL", "loud")],
)
def test_a_wrong_value_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError):
        Settings()


def test_jobs_are_left_to_others_only_where_there_can_be_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGN_JOBS_SLOTS", "0")
    with pytest.raises(ValidationError, match="SIGN_JOBS_DATABASE_URL"):
        Settings()
    monkeypatch.setenv("SIGN_JOBS_DATABASE_URL", "postgresql://service@database/jobs")
    assert Settings().slots_for_jobs == 0


def test_slots_follow_cores_and_memory() -> None:
    assert 1 <= default_slots() <= allowed_cores()
    assert (allowed_memory_bytes() or 0) > 0
