"""OpenTelemetry behind `service.tracing`: spans to an OTLP collector, as JSON over HTTP (the extra `otel`).

Names, attributes, sampling and header fields of the collector's are OpenTelemetry's own environment: OTEL_SERVICE_NAME,
OTEL_TRACES_SAMPLER, OTEL_EXPORTER_OTLP_HEADERS and so on.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service import __version__
from service.tracing import Attribute, Headers

_PATH: Final = "/v1/traces"
_CLOSE_MS: Final = 2000
_KINDS: Final = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT, "consumer": SpanKind.CONSUMER}
_W3C: Final = TraceContextTextMapPropagator()


class OtelSpan:
    """A span of OpenTelemetry's, as `service.tracing` has it."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def note(self, **attributes: Attribute) -> None:
        self._span.set_attributes(_dotted(attributes))

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def fail(self, why: str) -> None:
        self._span.set_status(Status(StatusCode.ERROR, why))

    @property
    def trace_id(self) -> str | None:
        return trace.format_trace_id(self._span.get_span_context().trace_id)

    @property
    def traceparent(self) -> str | None:
        context = self._span.get_span_context()
        ids = trace.format_trace_id(context.trace_id), trace.format_span_id(context.span_id)
        return f"00-{ids[0]}-{ids[1]}-{context.trace_flags:02x}"


class OtelTracer:
    """Spans of this process, sent in the background by a thread of the SDK's."""

    def __init__(self, url: str) -> None:
        name = os.environ.get("OTEL_SERVICE_NAME", "sign-service")
        resource = Resource.create({"service.name": name, "service.version": __version__})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=url)))
        self._tracer = self._provider.get_tracer("sign-service", __version__)

    @contextlib.contextmanager
    def begin(self, name: str, kind: str, headers: Headers, attributes: Mapping[str, Attribute]) -> Iterator[OtelSpan]:
        parent = _W3C.extract(headers)
        with self._tracer.start_as_current_span(
            name, parent, kind=_KINDS[kind], attributes=_dotted(attributes), record_exception=False
        ) as span:
            yield OtelSpan(span)

    def record(self, name: str, began_ns: int, ended_ns: int, attributes: Mapping[str, Attribute]) -> None:
        with self.part(name, began_ns, ended_ns, attributes):
            pass

    @contextlib.contextmanager
    def part(self, name: str, began_ns: int, ended_ns: int, attributes: Mapping[str, Attribute]) -> Iterator[None]:
        if not trace.get_current_span().is_recording():
            yield  # of nobody's request: a stage alone tells nothing
            return
        span = self._tracer.start_span(name, start_time=began_ns, attributes=_dotted(attributes))
        with trace.use_span(span):
            yield
        span.end(max(began_ns, ended_ns))

    def headers(self) -> dict[str, str]:
        carrier: dict[str, str] = {}
        _W3C.inject(carrier)
        return carrier

    def close(self) -> None:
        self._provider.force_flush(_CLOSE_MS)
        self._provider.shutdown()


def open_tracer(url: str) -> OtelTracer:
    """Spans are sent there from now on: the collector's address, with or without its path for traces."""
    base = url.rstrip("/")
    return OtelTracer(base if base.endswith(_PATH) else f"{base}{_PATH}")


def _dotted(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    """Keywords as OpenTelemetry writes names: http_route is http.route, but sign_decode_s is sign.decode_s."""
    return {_NAMES.get(name, name.replace("_", ".", 1)): value for name, value in attributes.items()}


_NAMES: Final = {
    "http_request_method": "http.request.method",
    "http_response_status_code": "http.response.status_code",
}
