"""Who may ask, and who may change models."""

import base64
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.running import SAMPLES, RunningService, running_service
from tests.streaming import StreamClient, streaming

A = SAMPLES / "letter_a_right_light.mp4"
PROXY = Origin("https://sign.example.org")
HASHED = "sha256:" + hashlib.sha256(b"second").hexdigest()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("guarded")
    keys = {"SIGN_API_KEYS": f"first,{HASHED}", "SIGN_ADMIN_KEYS": "boss", "SIGN_ALLOWED_HOSTS": "sign.example.org"}
    with running_service(folder, SIGN_SLOTS="1", SIGN_STREAM_SLOTS="1", **keys) as running:
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


def outcome(service: RunningService, **options: object) -> tuple[str, int | None]:
    """The protocol that the service answers, and the code that it closes with where it does not say ready."""
    with streaming(service, **options) as client:
        protocol = str(client.socket.subprotocol)
        client.say("start")
        if client.hear()["type"] == "ready":
            client.stop()
            return protocol, None
        return protocol, client.closed()[0]


def as_protocol(key: str) -> str:
    return "sign.key." + base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def test_a_stream_takes_the_key_as_a_header_or_as_a_protocol(guarded: RunningService) -> None:
    assert outcome(guarded, additional_headers=bearer("first")) == ("None", None)
    assert outcome(guarded, subprotocols=["sign.v1", as_protocol("second")]) == ("sign.v1", None)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"additional_headers": bearer("third")},
        {"subprotocols": ["sign.v1", as_protocol("third")]},
        {"subprotocols": ["sign.v1", "sign.key.%%%"]},
        {"subprotocols": ["sign.v1", "sign.key."]},
        {"additional_headers": bearer("first"), "subprotocols": ["sign.v1", as_protocol("third")]},
    ],
)
def test_a_stream_without_a_key_or_with_another_is_closed(guarded: RunningService, options: dict[str, object]) -> None:
    assert outcome(guarded, **options)[1] == 1008


def test_pages_of_other_origins_may_not_stream(guarded: RunningService) -> None:
    key = bearer("first")
    own = guarded.url
    assert outcome(guarded, additional_headers=key, origin=own)[1] is None
    for origin in ("https://evil.example", own.replace("http", "https"), own + "1", "null", "http://[::1", "file://"):
        assert outcome(guarded, additional_headers=key, origin=origin)[1] == 1008


def test_behind_a_proxy_the_pages_own_origin_is_the_proxys(guarded: RunningService) -> None:
    """The proxy speaks HTTPS and hands on the host that the page was asked from."""
    host, port = guarded.url.removeprefix("http://").split(":")
    headers = {**bearer("first"), "X-Forwarded-Proto": "https"}
    with (
        socket.create_connection((host, int(port))) as passed_on,
        connect("ws://sign.example.org/stream", sock=passed_on, additional_headers=headers, origin=PROXY) as handed,
    ):
        client = StreamClient(handed)
        client.start()
        client.stop()


def test_health_and_metrics_never_ask_for_a_key(guarded: RunningService) -> None:
    assert [guarded.client.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200] * 3


def test_only_admins_change_models(guarded: RunningService) -> None:
    reload = "/models/reload"
    assert guarded.client.post(reload, headers=bearer("first")).json()["code"] == "key-refused"
    assert guarded.client.post(reload, headers=bearer("boss")).status_code == 200


def test_only_admins_share_traffic_and_give_it_back_with_one_call(guarded: RunningService) -> None:
    address, share = "/models/asl-letters/traffic", {"version": 1, "percent": 100}
    assert guarded.client.put(address, json=share, headers=bearer("first")).json()["code"] == "key-refused"
    shared = guarded.client.put(address, json=share, headers=bearer("boss"))
    beside = {"version": 1, "percent": 100.0, "shadow": False, "serving": True, "withdrawn": None}
    assert shared.json() == {"name": "asl-letters", "default_version": 2, "beside": beside}
    answer = guarded.client.post("/predict", content=A.read_bytes(), headers=bearer("first"))
    assert answer.json()["model"]["version"] == 1
    assert guarded.client.get(address, headers=bearer("first")).json()["beside"] == beside
    back = guarded.client.delete(address, headers=bearer("boss")).json()["beside"]
    assert (back["serving"], back["withdrawn"]) == (False, "taken back by an operator")
    answer = guarded.client.post("/predict", content=A.read_bytes(), headers=bearer("first"))
    assert answer.json()["model"]["version"] == 2


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"version": 9}', 404, "version-unknown"),
        (b'{"version": 1, "percent": 200}', 422, "parameter-invalid"),
        (b'{"version": 1, "part": 2}', 422, "parameter-invalid"),
        (b"[", 422, "parameter-invalid"),
        (b" " * 70_000, 413, "body-too-large"),
    ],
)
def test_a_share_that_cannot_be_is_refused(guarded: RunningService, body: bytes, status: int, code: str) -> None:
    answer = guarded.client.put("/models/asl-letters/traffic", content=body, headers=bearer("boss"))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_last_version_of_the_default_model_cannot_be_unloaded(guarded: RunningService) -> None:
    earlier, last = "/models/asl-letters/versions/1", "/models/asl-letters/versions/2"
    assert guarded.client.post(f"{earlier}/unload", headers=bearer("boss")).json()["state"] == "unloaded"
    assert guarded.client.post(f"{last}/unload", headers=bearer("boss")).json()["code"] == "model-state"
    assert guarded.client.post(f"{earlier}/load", headers=bearer("boss")).json()["state"] == "ready"


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
