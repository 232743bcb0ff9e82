"""Traces: what a collector is sent of one request, and that nothing is loaded where nobody collects."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.lessons_made import pose_file
from tests.running import ROOT, SAMPLES, RunningService, running_service, wait_until

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """An OTLP receiver of the test's own: spans as JSON over HTTP, at /v1/traces."""

    def __init__(self) -> None:
        self.spans: list[dict[str, Any]] = []
        self.services: set[str] = set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.path == "/v1/traces"
                for of_resource in body["resourceSpans"]:
                    named = {one["key"]: one["value"] for one in of_resource["resource"]["attributes"]}
                    collector.services.add(named["service.name"]["stringValue"])
                    for of_scope in of_resource["scopeSpans"]:
                        collector.spans += of_scope["spans"]
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Nothing is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def of(self, trace: str) -> dict[str, dict[str, Any]]:
        """The spans of a trace by name."""
        return {span["name"]: span for span in self.spans if span["traceId"].lower() == trace}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(scope="module")
def traced(collector: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    settings = {"SIGN_TRACES_URL": collector.url, "SIGN_SLOTS": "1", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with running_service(tmp_path_factory.mktemp("traced"), **settings) as running:
        yield running


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


def test_a_request_is_one_trace_with_a_span_for_each_stage(collector: Collector, traced: RunningService) -> None:
    sent = f"00-{TRACE}-{PARENT}-01"
    clip = (SAMPLES / "letter_a_right_light.mp4").read_bytes()
    answer = traced.client.post("/predict", content=clip, headers={"traceparent": sent})
    assert answer.status_code == 200
    wait_until(lambda: "POST /predict" in collector.of(TRACE), 20, "the request's span was not sent")
    spans = collector.of(TRACE)
    request = spans["POST /predict"]
    assert {"upload", "queue", "slot", "decode", "landmarks", "tensor", "inference", "onnxruntime"} <= set(spans)
    assert request["parentSpanId"].lower() == PARENT
    assert answer.headers["traceresponse"] == f"00-{TRACE}-{request['spanId'].lower()}-01"
    for name in ("upload", "slot", "inference", "onnxruntime"):
        assert spans[name]["parentSpanId"] == request["spanId"], name
        assert int(request["startTimeUnixNano"]) <= int(spans[name]["startTimeUnixNano"]), name
        assert int(spans[name]["endTimeUnixNano"]) <= int(request["endTimeUnixNano"]), name
    for name in ("decode", "landmarks"):
        assert spans[name]["parentSpanId"] == spans["slot"]["spanId"], name
    said = attributes(request)
    assert (said["http.route"], int(said["http.response.status_code"]), said["sign.model"]) == (
        "/predict", 200, "asl-letters",
    )  # fmt: skip
    assert int(attributes(spans["slot"])["process.pid"]) in traced.workers()
    assert int(attributes(spans["onnxruntime"])["sign.rows"]) >= 1
    assert collector.services == {"sign-service"}


def test_a_trace_holds_nothing_of_what_was_sent_or_who_sent_it(collector: Collector, traced: RunningService) -> None:
    trace = "1" * 32
    headers = {"traceparent": f"00-{trace}-{PARENT}-01", "Authorization": "Bearer secret-key"}
    traced.client.post("/predict?media_name=diary.mp4&top_k=none", content=b"x", headers=headers)
    wait_until(lambda: bool(collector.of(trace)), 20, "the request's span was not sent")
    told = json.dumps(collector.spans)
    assert [word for word in ("diary", "secret-key", "127.0.0.1") if word in told] == []
    assert attributes(collector.of(trace)["POST /predict"])["error.type"] == "parameter-invalid"


def test_the_log_names_the_trace_and_probes_are_none(collector: Collector, traced: RunningService) -> None:
    trace = "2" * 32
    for path in ("/healthz", "/models"):
        traced.client.get(path, headers={"traceparent": f"00-{trace}-{PARENT}-01"})
    wait_until(lambda: bool(collector.of(trace)), 20, "the request's span was not sent")
    assert set(collector.of(trace)) == {"GET /models"}
    lines = [json.loads(line) for line in traced.log.read_text().splitlines() if trace in line]
    assert [line["route"] for line in lines] == ["/models"]


def test_a_jobs_chunks_are_traces_of_their_own(collector: Collector, traced: RunningService) -> None:
    job = traced.client.post("/jobs/predict", content=pose_file("wave")).json()["id"]

    def done() -> bool:
        return any(span["name"] == "job chunk" and attributes(span)["sign.job"] == job for span in collector.spans)

    wait_until(done, 30, "the job's span was not sent")


def test_a_collector_that_is_gone_keeps_nobody_waiting(collector: Collector, traced: RunningService) -> None:
    collector.close()
    assert traced.client.get("/models").status_code == 200


def test_without_a_collector_nothing_of_the_sdk_is_loaded() -> None:
    code = (
        "import sys; from service.app import create_app; from service.settings import Settings;"
        "import service.tracing as t; t.start(Settings()); create_app(Settings());"
        "heavy = ('opentelemetry.sdk', 'opentelemetry.exporter', 'service.otel');"
        "print([name for name in sys.modules if name.startswith(heavy)])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
