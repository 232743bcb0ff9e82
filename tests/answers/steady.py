"""Answers without what is another each time: ids, moments of the clock, durations."""

import re
from typing import Any

_FLEETING = {
    "id", "instance", "created_at", "started_at", "ended_at", "expires_at", "eta", "session", "latency_ms",
    "created",
}  # fmt: skip
_CLOCK = re.compile(r'(?<=DATE=")[^"]*(?=")|(?<=elan-eaf:)[0-9a-f-]{36}')
"""In ELAN's files: when they were written, and the name that is made of that."""


def steady(document: Any) -> Any:
    """A JSON document without them."""
    if isinstance(document, dict):
        return {name: steady(value) for name, value in document.items() if name not in _FLEETING}
    if isinstance(document, list):
        return [steady(value) for value in document]
    return document


def steady_text(text: str) -> list[str]:
    """Lines of a text without them."""
    return _CLOCK.sub("…", text).splitlines()
