"""Connections: how many there may be, in all and of one address, and who makes room for whom.

Whoever has no request under way (headers that do not end, a connection kept for later) makes room for the next, the
oldest first. So a flood of half-open connections displaces itself, and a probe is answered in the middle of it.
"""

import ipaddress
from collections import Counter
from typing import Final, Protocol

from service.errors import SignError
from service.metrics import Metrics
from service.settings import Settings

_RETRY_S: Final = 5


class Connection(Protocol):
    """What is asked of a connection."""

    def make_room(self) -> None:
        """Close, as another needs the place."""


class Connections:
    """Keeps the connections of a server within their limits."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._most = settings.most_connections
        self._most_of_address = settings.connections_per_address
        self._proxies = _networks(settings.forwarded_allow_ips)
        self._metrics = metrics
        self._open: dict[Connection, str | None] = {}
        self._waiting: dict[Connection, None] = {}
        self._by_address: Counter[str] = Counter()

    def add(self, connection: Connection, address: str | None) -> None:
        """Count a new connection; it waits for its request. Raises SignError busy where there is no room for it."""
        place = None if address is None else self._counted_as(address)
        if place is not None and self._by_address[place] >= self._most_of_address:
            raise self._refusal("of one address", self._most_of_address)
        if len(self._open) >= self._most:
            if not self._waiting:
                raise self._refusal("in all", self._most)
            oldest = next(iter(self._waiting))
            self.remove(oldest)
            oldest.make_room()
        self._open[connection] = place
        self._waiting[connection] = None
        if place is not None:
            self._by_address[place] += 1
        self._metrics.connections.set(len(self._open))

    def begin_request(self, connection: Connection) -> None:
        """A request's headers have come: the connection makes room for nobody until it has been answered."""
        self._waiting.pop(connection, None)

    def end_request(self, connection: Connection) -> None:
        """The connection waits for its next request."""
        if connection in self._open:
            self._waiting[connection] = None

    def remove(self, connection: Connection) -> None:
        """The connection is closed, or about to be."""
        place = self._open.pop(connection, None)
        self._waiting.pop(connection, None)
        if place is not None:
            self._by_address[place] -= 1
            if not self._by_address[place]:
                del self._by_address[place]
        self._metrics.connections.set(len(self._open))

    def _counted_as(self, address: str) -> str | None:
        """The address, of IPv6 the network that one household has; None where a proxy speaks for many."""
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return address
        mapped = parsed.ipv4_mapped if parsed.version == 6 else None
        parsed = mapped or parsed
        if any(parsed in network for network in self._proxies):
            return None
        return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)

    def _refusal(self, which: str, limit: int) -> SignError:
        self._metrics.rejected.labels("connections").inc()
        detail = f"{limit} connections {which} are open already; no more may be."
        return SignError("busy", detail, limit=limit, retry_after_s=_RETRY_S)


def _networks(given: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """The addresses and networks of `SIGN_FORWARDED_ALLOW_IPS`; names of sockets are none of them."""
    if given.strip() == "*":
        return (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
    found = []
    for part in given.split(","):
        try:
            found.append(ipaddress.ip_network(part.strip(), strict=False))
        except ValueError:
            continue
    return tuple(found)
