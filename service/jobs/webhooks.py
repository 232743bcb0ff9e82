"""Webhooks: who is told that a job has ended. Rows say what is due; requests are signed and bounded.

Requests follow Standard Webhooks (standardwebhooks.com): id, timestamp and signature in the headers. A job's caller
names an address of a host that the operator listed; what that resolves to is checked, and is what is connected to.
"""

import asyncio
import base64
import contextlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import structlog

from service import __version__, tracing
from service.jobs.spec import Job
from service.jobs.storage import StorageCalls
from service.jobs.table import JobTable
from service.metrics import Metrics
from service.settings import Settings

MOST_TRIES: Final = 12
FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 3600.0
"""After the first failure it is tried again so soon, then twice as late each time, at most so late."""

LEASE_S: Final = 60.0
"""For so long a replica that has taken a webhook up has it to itself; if it ends meanwhile, it is due again then."""

REQUEST_S: Final = 10.0
LOOK_S: Final = 1.0
AT_ONCE: Final = 8
LONGEST_URL: Final = 2048
_PORTS: Final = {"https": 443, "http": 80}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Iterable[str]]

_log = structlog.get_logger(__name__)


class WebhookRefusedError(Exception):
    """An address that nobody is told at, and why."""


@dataclass(frozen=True, slots=True)
class AllowedTargets:
    """names: hosts, also as *.domain. networks: addresses that may be private, since they are listed."""

    names: tuple[str, ...]
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    @classmethod
    def of(cls, entries: Iterable[str]) -> "AllowedTargets":
        """Of a setting's entries: names, addresses and networks."""
        names, networks = [], []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                names.append(entry.lower().rstrip("."))
        return cls(tuple(names), tuple(networks))

    def check(self, url: str) -> SplitResult:
        """The address's parts; WebhookRefusedError where it is none that may be named."""
        if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
            raise WebhookRefusedError(f"an address has at most {LONGEST_URL} plain characters")
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:
            raise WebhookRefusedError("it is no address") from None
        if parts.scheme not in _PORTS or not parts.hostname or "@" in parts.netloc or parts.fragment:
            raise WebhookRefusedError("it is https://HOST/PATH, without user, password and fragment")
        if not self._lists(parts.hostname):
            raise WebhookRefusedError(f"{parts.hostname} is none of the hosts that SIGN_WEBHOOK_HOSTS names")
        return parts

    def check_address(self, address: str, scheme: str) -> None:
        """Raise WebhookRefusedError for an address of a private network that is not listed, or HTTP to any other."""
        found = _address(address)
        is_listed = found is not None and any(found in network for network in self.networks)
        if found is None or not (is_listed or (found.is_global and not found.is_multicast)):
            raise WebhookRefusedError(f"{address} is an address of a private network that is not listed")
        if scheme == "http" and not is_listed:
            raise WebhookRefusedError("HTTP without TLS goes to listed addresses alone")

    def _lists(self, host: str) -> bool:
        name = host.lower().rstrip(".")
        if (found := _address(name)) is not None:
            return any(found in network for network in self.networks)
        return any(name == one or (one.startswith("*.") and name.endswith(one[1:])) for one in self.names)


def _address(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return found if mapped is None else mapped


def sign(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The signature: HMAC-SHA256 of id, timestamp and body, by the secret (whsec_ and base64, or as it is)."""
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    signed = hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(signed).decode()}"


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class _PinnedConnection(http.client.HTTPSConnection):
    """Connects to an address that was checked, and speaks to the name; without TLS where it is None."""

    def __init__(self, address: str, port: int, name: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(address, port, timeout=REQUEST_S, context=tls or ssl.create_default_context())
        self._name = name
        self._tls = tls

    def connect(self) -> None:
        self.sock = socket.create_connection((self.host, self.port), REQUEST_S)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self._name)

    def hang_up(self) -> None:
        """End it, whoever waits for it; from another thread."""
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


class Sender:
    """Sends one request; `post` blocks, and says the status."""

    def __init__(self, settings: Settings, look_up: Resolve = resolve) -> None:
        self.allowed = AllowedTargets.of(settings.webhook_hosts)
        self._secret = settings.webhook_secret or ""
        self._resolve = look_up

    def post(self, url: str, webhook_id: str, body: bytes, extra: dict[str, str]) -> int:
        """The status of the answer, whatever it is: a redirect is not gone after.

        Raises WebhookRefusedError, OSError, http.client.HTTPException.
        """
        parts = self.allowed.check(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        addresses = list(self._resolve(host, port))
        if not addresses:
            raise WebhookRefusedError(f"{host} has no address")
        for address in addresses:
            self.allowed.check_address(address, parts.scheme)
        timestamp = int(time.time())
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/json",
            "User-Agent": f"sign-service/{__version__}",
            "Connection": "close",
            "webhook-id": webhook_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": sign(self._secret, webhook_id, timestamp, body),
            **extra,
        }
        tls = ssl.create_default_context() if parts.scheme == "https" else None
        connection = _PinnedConnection(addresses[0], port, host, tls)
        end = threading.Timer(REQUEST_S, connection.hang_up)  # a receiver may send a byte now and then, for ever
        end.daemon = True
        end.start()
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body, headers)
            return connection.getresponse().status  # what it says beside is not read
        finally:
            end.cancel()
            connection.close()


class Webhooks:
    """Tells who asked for it, again and again until it was heard, or tried often enough. describe: a job as JSON."""

    def __init__(
        self,
        sender: Sender,
        table: JobTable,
        calls: StorageCalls,
        metrics: Metrics,
        describe: Callable[[Job], dict[str, Any]],
    ) -> None:
        self._sender = sender
        self._table = table
        self._calls = calls
        self._counts = metrics.webhooks
        self._describe = describe

    async def live(self) -> None:
        """Deliver what is due, until it is cancelled. Raises StorageError."""
        while True:
            due = await self._calls.ask(self._table.claim_webhooks, time.time(), LEASE_S, AT_ONCE)
            await asyncio.gather(*(self._deliver(job, tries) for job, tries in due))
            if len(due) < AT_ONCE:
                await asyncio.sleep(LOOK_S)

    async def _deliver(self, job: Job, tries: int) -> None:
        """One try, counted from 1, and what becomes of it."""
        problem = await self._try(job, tries)
        if problem is None:
            self._counts.labels("delivered").inc()
            await self._calls.ask(self._table.end_webhook, job.id)
        elif tries >= MOST_TRIES:
            self._counts.labels("given_up").inc()
            _log.warning("webhook_given_up", job=job.id, tries=tries, reason=problem)
            await self._calls.ask(self._table.end_webhook, job.id)
        else:
            self._counts.labels("failed").inc()
            pause_s = min(FIRST_PAUSE_S * 2 ** (tries - 1), LONGEST_PAUSE_S)
            _log.info("webhook_fails", job=job.id, tries=tries, again_s=pause_s, reason=problem)
            await self._calls.ask(self._table.put_webhook_off, job.id, time.time() + pause_s)

    async def _try(self, job: Job, tries: int) -> str | None:
        """Send it; why it did not arrive, or None."""
        body = json.dumps(
            {
                "type": "job.ended",
                "timestamp": datetime.fromtimestamp(job.ended or 0.0, UTC).isoformat(),
                "data": self._describe(job),
            },
            ensure_ascii=False,
        ).encode()
        with tracing.root("webhook", "client", sign_job=job.id, sign_try=tries) as span:
            try:
                status = await asyncio.to_thread(
                    self._sender.post, job.spec.webhook or "", job.id, body, tracing.outgoing()
                )
            except (WebhookRefusedError, OSError, http.client.HTTPException) as error:
                span.fail(type(error).__name__)
                return str(error) or type(error).__name__
            span.note(http_response_status_code=status)
            return None if 200 <= status < 300 else f"it was answered with {status}"
