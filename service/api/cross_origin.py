"""What pages of other origins may send here, and read (CORS)."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from service.settings import Settings

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE")
SENT = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "Last-Event-ID",
    "X-Request-ID",
    "Webhook-URL",
    "traceparent",  # what OpenTelemetry's instrumentation of fetch adds (W3C Trace Context)
    "tracestate",
)
READ = (
    "Content-Disposition",
    "Link",
    "Location",
    "Retry-After",
    "Server-Timing",
    "Warning",
    "traceresponse",
    "X-Request-ID",
)


def allow_origins(app: FastAPI, settings: Settings) -> None:
    """Answer the origins that an operator named; without any, only our own pages may read what is answered."""
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=list(METHODS),
            allow_headers=list(SENT),
            expose_headers=list(READ),
        )
