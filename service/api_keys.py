"""A key as an operator writes it: KEY, or KEY;name=lab;requests=60;jobs=5;sessions=2;bytes=1000000000.

Standard library alone: the settings are made of it.
"""

from dataclasses import dataclass
from typing import Final

LIMITS: Final = ("requests", "jobs", "sessions", "bytes")
_LONGEST_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, plain or sha256:HEX, its name in the logs, and what it may; None: as much as the service can.

    requests: in a minute. jobs: that wait or run at a time. sessions: live ones at a time. bytes: of media in a day.
    """

    secret: str
    name: str
    requests: int | None = None
    jobs: int | None = None
    sessions: int | None = None
    bytes: int | None = None


def parse_key(text: str, name: str) -> ApiKey:
    """The key that an entry says; name: where it says none. ValueError in words, which do not say the key."""
    secret, *attributes = (part.strip() for part in text.split(";"))
    if not secret:
        raise ValueError("an entry has no key before its first semicolon")
    limits: dict[str, int] = {}
    for attribute in attributes:
        field, equals, value = attribute.partition("=")
        if not equals or field not in ("name", *LIMITS):
            raise ValueError(f"after a key stand name=… and limits ({', '.join(LIMITS)}), not {field[:20]!r}")
        if field == "name":
            if not 0 < len(value) <= _LONGEST_NAME or not value.isprintable():
                raise ValueError(f"a key's name has 1 to {_LONGEST_NAME} characters")
            name = value
        else:
            if not (value.isascii() and value.isdigit() and int(value)):
                raise ValueError(f"{field} is a whole number, 1 at least, not {value[:20]!r}")
            limits[field] = int(value)
    return ApiKey(secret, name, *(limits.get(field) for field in LIMITS))


def parse_keys(entries: tuple[str, ...], kind: str) -> tuple[ApiKey, ...]:
    """All entries of a setting; those without a name are called by their kind and place. ValueError as `parse_key`."""
    keys = tuple(parse_key(entry, f"{kind}-{place}") for place, entry in enumerate(entries, 1))
    if len({key.name for key in keys}) < len(keys):
        raise ValueError("two keys have the same name")
    return keys
