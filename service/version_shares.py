"""Which version answers under a bare name, as an operator writes it: NAME=2, NAME=3@10%, NAME=3@shadow.

Standard library alone: the settings are made of it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_ENTRY: Final = re.compile(r"(?P<name>[^=\s]+)=(?P<version>\d{1,9})(@(?P<share>\d{1,3}(?:\.\d{1,4})?%|shadow))?")


@dataclass(frozen=True, slots=True)
class VersionShare:
    """A version that answers a share of a bare name's requests, in percent; or, as a shadow, none but is compared."""

    version: int
    percent: float = 0.0
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class VersionShares:
    """pins: the version served under each bare name that was given one; shares: another one beside it."""

    pins: dict[str, int]
    shares: dict[str, VersionShare]


def parse_versions(entries: Iterable[str]) -> VersionShares:
    """What the entries say together. ValueError in words where one means nothing, or two speak against each other."""
    pins: dict[str, int] = {}
    shares: dict[str, VersionShare] = {}
    for entry in entries:
        found = _ENTRY.fullmatch(entry)
        if found is None or not int(found["version"]):
            raise ValueError(f"{entry!r} is not NAME=VERSION, NAME=VERSION@10% or NAME=VERSION@shadow")
        name, version, share = found["name"], int(found["version"]), found["share"]
        known: dict[str, int] | dict[str, VersionShare] = pins if share is None else shares
        if name in known:
            raise ValueError(f"{entry!r}: {name} has {'a version' if share is None else 'a share'} already")
        if share is None:
            pins[name] = version
        else:
            shares[name] = VersionShare(
                version, *((0.0, True) if share == "shadow" else (_percent(entry, share), False))
            )
    for name, share_of in shares.items():
        if pins.get(name) == share_of.version:
            raise ValueError(f"{name}: version {share_of.version} cannot be beside itself")
    return VersionShares(pins, shares)


def _percent(entry: str, share: str) -> float:
    percent = float(share.removesuffix("%"))
    if not 0 <= percent <= 100:
        raise ValueError(f"{entry!r}: a share is between 0 and 100 percent")
    return percent
