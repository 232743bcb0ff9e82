"""Every Prometheus metric, in one table; labels are bounded (route templates, models of the store, error codes)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from service import tracing

SECONDS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
JOB_SECONDS_BUCKETS = (1, 5, 10, 30, 60, 300, 900, 1800, 3600, 7200, 14400)
ROWS_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of one running service, in a registry of their own."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.http_requests = Counter(
            "sign_http_requests_total", "Answered requests.", ["route", "method", "status"], registry=registry
        )
        self.http_seconds = Histogram(
            "sign_http_request_seconds", "Time of a request.", ["route"], buckets=SECONDS_BUCKETS, registry=registry
        )
        self.connections = Gauge("sign_connections", "Open connections.", registry=registry)
        self.uploads = Gauge("sign_uploads", "Uploads under way.", registry=registry)
        self.stage_seconds = Histogram(
            "sign_stage_seconds", "Time of a stage.", ["stage"], buckets=SECONDS_BUCKETS, registry=registry
        )
        self.predictions = Counter(
            "sign_predictions_total", "Answers by outcome.", ["model", "version", "outcome"], registry=registry
        )
        self.inference_seconds = Histogram(
            "sign_inference_seconds",
            "Time of one inference.",
            ["model", "version"],
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self.batch_rows = Histogram(
            "sign_batch_rows", "Rows of one inference.", ["model"], buckets=ROWS_BUCKETS, registry=registry
        )
        self.queue_waiting = Gauge("sign_queue_waiting", "Requests that wait for a slot.", registry=registry)
        self.rejected = Counter("sign_rejected_total", "Requests refused by reason.", ["reason"], registry=registry)
        self.errors = Counter("sign_errors_total", "Errors by code.", ["code"], registry=registry)
        self.slots = Gauge("sign_slots", "Slots by state: busy, idle.", ["state"], registry=registry)
        self.slot_restarts = Counter(
            "sign_slot_restarts_total", "Slots started again, by reason.", ["reason"], registry=registry
        )
        self.retries = Counter(
            "sign_retries_total",
            "Requests tried again on another slot, by outcome: answered, failed.",
            ["outcome"],
            registry=registry,
        )
        self.frames = Counter("sign_frames_total", "Frames decoded and observed.", ["stage"], registry=registry)
        self.media_seconds = Counter("sign_media_seconds_total", "Seconds of media looked at.", registry=registry)
        self.stream_sessions = Gauge("sign_stream_sessions", "Live sessions that run.", registry=registry)
        self.stream_frames = Counter(
            "sign_stream_frames_total", "Live frames by what became of them.", ["outcome"], registry=registry
        )
        self.stream_latency = Histogram(
            "sign_stream_latency_seconds",
            "From a live frame's arrival to its answer.",
            buckets=SECONDS_BUCKETS,
            registry=registry,
        )
        self.jobs = Gauge("sign_jobs", "Jobs that are kept, by state.", ["state"], registry=registry)
        self.jobs_waiting = Gauge(
            "sign_jobs_waiting_seconds", "Time that the first job in the queue has waited.", registry=registry
        )
        self.jobs_disk = Gauge(
            "sign_jobs_disk_bytes",
            "Room of jobs: stored (by all of them), allowed, free (on the disk).",
            ["room"],
            registry=registry,
        )
        self.jobs_taken_over = Counter(
            "sign_jobs_taken_over_total", "Jobs taken over of replicas that live no more.", registry=registry
        )
        self.job_chunks = Counter("sign_job_chunks_total", "Chunks of jobs that were finished.", registry=registry)
        self.jobs_available = Gauge(
            "sign_jobs_available", "Whether jobs can be taken and go on: 1, or 0.", registry=registry
        )
        self.webhooks = Counter(
            "sign_webhooks_total", "Webhooks by outcome: delivered, failed, given_up.", ["outcome"], registry=registry
        )
        self.job_seconds = Histogram(
            "sign_job_seconds",
            "Time of a job from its first chunk to its end.",
            ["kind"],
            buckets=JOB_SECONDS_BUCKETS,
            registry=registry,
        )
        self.model_info = Gauge(
            "sign_model_info", "Models and their state.", ["model", "version", "task", "state"], registry=registry
        )
        self.model_memory = Gauge("sign_model_memory_bytes", "Memory of the loaded models.", registry=registry)
        self.model_share = Gauge(
            "sign_model_share",
            "Share of a bare name's requests that a version answers.",
            ["model", "version"],
            registry=registry,
        )
        self.model_withdrawn = Gauge(
            "sign_model_withdrawn", "Versions whose share was taken back.", ["model", "version"], registry=registry
        )
        self.model_requests = Counter(
            "sign_model_requests_total",
            "Requests by the version that answers; role: main, canary, asked (by number).",
            ["model", "version", "role"],
            registry=registry,
        )
        self.model_failures = Counter(
            "sign_model_failures_total", "Inferences that failed.", ["model", "version"], registry=registry
        )
        self.shadow_answers = Counter(
            "sign_shadow_answers_total",
            "Windows that a shadow answered too: same, other, failed, left_out.",
            ["model", "version", "outcome"],
            registry=registry,
        )
        self.model_refused = Gauge("sign_model_refused", "Versions in the store that are refused.", registry=registry)
        self.provider_fallbacks = Counter(
            "sign_provider_fallbacks_total",
            "Models that a provider does not serve, by why: failed, parity, memory.",
            ["model", "provider", "why"],
            registry=registry,
        )
        self.build_info = Gauge("sign_build_info", "The running version.", ["version"], registry=registry)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure one stage, also when it fails."""
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = time.perf_counter() - start
            self.stage_seconds.labels(name).observe(seconds)
            tracing.record(name, seconds)
