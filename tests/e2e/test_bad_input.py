"""Bad input gets a clear error with its code, and the service lives on."""

import socket
from pathlib import Path

import pytest

from tests.running import SAMPLES, RunningService, wait_until

A = SAMPLES / "letter_a_right_light.mp4"

PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
CONCAT = b"ffconcat version 1.0\nfile /etc/passwd\n"
SDP = b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 5004 RTP/AVP 96\r\n"
DASH = b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>\n'


@pytest.mark.parametrize(
    ("body", "code", "status"),
    [
        (b"", "media-missing", 400),
        (b"hello, this is a letter to you\n", "media-unsupported", 415),
        (PLAYLIST, "media-unsupported", 415),
        (CONCAT, "media-unsupported", 415),
        (SDP, "media-unsupported", 415),
        (DASH, "media-unsupported", 415),
        (b"\x00" * 4096, "media-unsupported", 415),
        (A.read_bytes()[:2000], "media-corrupt", 422),
    ],
    ids=["empty", "text", "m3u8", "ffconcat", "sdp", "dash", "zeros", "truncated"],
)
def test_what_is_no_medium_is_refused(service: RunningService, body: bytes, code: str, status: int) -> None:
    response = service.client.post("/predict", files={"file": ("video.mp4", body)}) if body else service.predict(body)
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert (problem["code"], problem["status"], response.status_code) == (code, status, status)
    assert problem["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    assert service.predict(A).status_code == 200


@pytest.mark.parametrize(
    ("query", "code", "place"),
    [
        ("model=none-such", "model-unknown", None),
        ("model=asl-letters&version=999", "version-unknown", None),
        ("model=../etc", "parameter-invalid", "model"),
        ("start_time=-1", "parameter-invalid", "start_time"),
        ("start_time=nan", "parameter-invalid", "start_time"),
        ("clip_duration=0", "parameter-invalid", "clip_duration"),
        ("top_k=none", "parameter-invalid", "top_k"),
        ("threshold=2", "parameter-invalid", "threshold"),
        ("color=red", "parameter-invalid", "color"),
        ("top_k=1&top_k=2", "parameter-invalid", "top_k"),
        ("start_time=1000", "window-empty", None),
    ],
)
def test_wrong_parameters_are_named(service: RunningService, query: str, code: str, place: str | None) -> None:
    response = service.client.post(f"/predict?{query}", content=A.read_bytes())
    problem = response.json()
    assert problem["code"] == code
    if place:
        assert [entry["parameter"] for entry in problem["errors"]] == [place]


def test_the_query_and_the_form_may_not_differ(service: RunningService) -> None:
    files = {"file": ("a.mp4", A.read_bytes())}
    assert service.client.post("/predict?top_k=1", files=files, data={"top_k": "1"}).status_code == 200
    assert service.client.post("/predict?top_k=1", files=files, data={"top_k": "2"}).json()["code"] == (
        "parameter-invalid"
    )


def test_unknown_routes_and_methods_are_problems_too(service: RunningService) -> None:
    assert service.client.get("/nowhere").json()["code"] == "route-unknown"
    wrong = service.client.get("/predict")
    assert wrong.json()["code"] == "method-not-allowed"
    assert wrong.headers["allow"] == "POST"


def test_changing_models_is_off_without_admin_keys(service: RunningService) -> None:
    assert service.client.post("/models/reload").json()["code"] == "admin-disabled"


def test_a_caller_who_hangs_up_in_the_middle_of_an_upload_leaves_the_service_well(service: RunningService) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
    wait_until(lambda: not list(_spooled(service)), 10, "the spool file of the broken upload is still there")
    assert service.predict(A).status_code == 200


def _spooled(service: RunningService) -> list[str]:
    """Files of a spool folder that the service holds open."""
    links = []
    for entry in Path(f"/proc/{service.process.pid}/fd").iterdir():
        try:
            links.append(str(entry.readlink()))
        except OSError:
            continue  # closed since
    return [link for link in links if "/medium-" in link]
