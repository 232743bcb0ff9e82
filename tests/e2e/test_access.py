"""Who may ask, and who may change models."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import SAMPLES, RunningService, running_service

A = SAMPLES / "letter_a_right_light.mp4"
HASHED = "sha256:" + hashlib.sha256(b"second").hexdigest()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("guarded")
    keys = {"SIGN_API_KEYS": f"first,{HASHED}", "SIGN_ADMIN_KEYS": "boss"}
    with running_service(folder, SIGN_SLOTS="1", **keys) as running:
        yield running


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("key", ["first", "second", "boss"])
def test_plain_hashed_and_admin_keys_may_ask(guarded: RunningService, key: str) -> None:
    assert guarded.client.post("/predict", content=A.read_bytes(), headers=bearer(key)).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/timeline", "/models", "/jobs"])
def test_without_a_key_or_with_another_nothing_is_answered(guarded: RunningService, path: str) -> None:
    method = "GET" if path in ("/models", "/jobs") else "POST"
    missing = guarded.client.request(method, path)
    assert (missing.status_code, missing.json()["code"]) == (401, "key-missing")
    assert missing.headers["www-authenticate"] == "Bearer"
    refused = guarded.client.request(method, path, headers=bearer("third"))
    assert (refused.status_code, refused.json()["code"]) == (403, "key-refused")


def test_health_and_metrics_never_ask_for_a_key(guarded: RunningService) -> None:
    assert [guarded.client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3


def test_only_admins_change_models(guarded: RunningService) -> None:
    reload = "/models/reload"
    assert guarded.client.post(reload, headers=bearer("first")).json()["code"] == "key-refused"
    assert guarded.client.post(reload, headers=bearer("boss")).status_code == 200


def test_the_last_version_of_the_default_model_cannot_be_unloaded(guarded: RunningService) -> None:
    address = "/models/asl-letters/versions/1/unload"
    assert guarded.client.post(address, headers=bearer("boss")).json()["code"] == "model-state"


def test_another_model_is_unloaded_and_loaded_again(guarded: RunningService) -> None:
    address = "/models/asl-digits/versions/1"
    assert guarded.client.post(f"{address}/unload", headers=bearer("boss")).json()["state"] == "unloaded"
    asked = guarded.client.post("/predict?model=asl-digits", content=A.read_bytes(), headers=bearer("first"))
    assert asked.json()["code"] == "model-state"
    assert guarded.client.post(f"{address}/load", headers=bearer("boss")).json()["state"] == "ready"


def test_the_folder_of_media_is_private(guarded: RunningService) -> None:
    folders = {Path(str(entry.readlink())).parent for entry in Path(f"/proc/{guarded.process.pid}/fd").iterdir()}
    spools = [folder for folder in folders if folder.name.startswith("sign-")]
    assert spools
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in spools)
