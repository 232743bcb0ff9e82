"""Whom a browser may ask for: which names of this service are answered to, and pages of which origins may send here.

A page of a stranger's name that resolves to this machine (DNS rebinding) is of our own origin to a browser; only the
name tells. A form of a stranger's page needs no leave to be sent, and no key where none is set.
"""

import ipaddress
import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from service.settings import Settings, is_loopback

_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_PRIVATE: Final = ("local", "internal", "lan", "home.arpa")
"""Domains that nobody can register, so that no stranger's page can be of them."""
_OWN_SITE: Final = ("same-origin", "none")


class AllowedHosts:
    """The names under which the service answers: an address, its own, those of no public domain, and the listed ones.

    Bound to loopback it is asked by this machine alone, so that `localhost` and addresses are all it needs.
    """

    def __init__(self, settings: Settings) -> None:
        listed = {_host_name(entry) for entry in settings.allowed_hosts}
        self._any = "*" in listed
        self._suffixes = tuple(name.removeprefix("*") for name in listed if name.startswith("*."))
        own = socket.gethostname().lower()
        self._is_reached_by_others = not (is_loopback(settings.host) or _is_local(settings.host.lower()))
        self._names = listed | {settings.host.lower()} | ({own} if self._is_reached_by_others else set())

    def cover(self, host: str) -> bool:
        """Whether the service answers under what a Host header says."""
        name = _host_name(host)
        if self._any or name in self._names or _is_local(name) or _is_address(name):
            return True
        if self._is_reached_by_others and ("." not in name or name.endswith(tuple(f".{end}" for end in _PRIVATE))):
            return bool(name)
        return name.endswith(self._suffixes) if self._suffixes else False


def is_foreign(headers: Mapping[str, str], scheme: str, settings: Settings) -> bool:
    """Whether a page of an origin that is neither ours nor in `SIGN_CORS_ORIGINS` made the browser send this.

    Browsers say so in Sec-Fetch-Site where the address is HTTPS or localhost, and else in Origin; programs in neither.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site in _OWN_SITE:
        return False
    if origin is not None:
        return not is_welcome(origin, scheme, headers.get("host", ""), settings)
    return site is not None


def is_welcome(origin: str, scheme: str, host: str, settings: Settings) -> bool:
    """Whether pages of this origin may send here: our own (scheme and Host as the caller sees us), or allowed ones."""
    if "*" in settings.cors_origins or origin in settings.cors_origins:
        return True
    return _place(origin) == _place(f"{scheme}://{host}")


def _place(address: str) -> tuple[bool, str | None, int | None] | None:
    """Whether it is encrypted, the host and the port; None where it is no address."""
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme in ("https", "wss"), parts.hostname, port


def _host_name(host: str) -> str:
    """The name in `name`, `name:port`, `[address]:port` or `https://name:port`; empty where it is none of these."""
    try:
        return (urlsplit(host if "://" in host else f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_local(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def _is_address(name: str) -> bool:
    """An address is no name that somebody could make point elsewhere."""
    try:
        ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    return True
