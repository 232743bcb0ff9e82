"""What is wrong with a value, in our words: pydantic finds it, and a person reads it."""

from collections.abc import Callable, Mapping
from typing import Any

_LONGEST_SHOWN = 60
_OWN = "value_error"
_MARK = "Value error, "


def describe_finding(finding: Mapping[str, Any]) -> str:
    """One of a ValidationError's findings as what follows "parameter: ": what was given, and what is wanted."""
    kind = str(finding["type"])
    if kind == _OWN:
        return str(finding["msg"]).removeprefix(_MARK)
    if kind in _PLAIN:
        return _PLAIN[kind]
    want = _WANTED.get(kind)
    if want is None:
        return str(finding["msg"])
    return f"{_shown(finding.get('input'))} is not {want(finding.get('ctx', {}))}"


def _shown(value: object) -> str:
    """What was given, short enough for a sentence and on one line."""
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def _figure(limit: object) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


_WANTED: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "greater_than": lambda ctx: f"more than {_figure(ctx['gt'])}",
    "greater_than_equal": lambda ctx: f"{_figure(ctx['ge'])} or more",
    "less_than": lambda ctx: f"less than {_figure(ctx['lt'])}",
    "less_than_equal": lambda ctx: f"{_figure(ctx['le'])} or less",
    "int_parsing": lambda _: "a whole number",
    "int_parsing_size": lambda _: "a whole number of usual size",
    "int_type": lambda _: "a whole number",
    "int_from_float": lambda _: "a whole number",
    "float_parsing": lambda _: "a number",
    "float_type": lambda _: "a number",
    "finite_number": lambda _: "a finite number",
    "bool_parsing": lambda _: "true or false",
    "bool_type": lambda _: "true or false",
    "literal_error": lambda ctx: f"one of {ctx['expected']}",
    "enum": lambda ctx: f"one of {ctx['expected']}",
    "string_type": lambda _: "text",
    "string_pattern_mismatch": lambda ctx: f"of the form {ctx['pattern']}",
    "string_too_long": lambda ctx: f"{ctx['max_length']} characters or fewer",
    "string_too_short": lambda ctx: f"{ctx['min_length']} characters or more",
    "union_tag_invalid": lambda ctx: f"one of {ctx['expected_tags']}",
    "model_attributes_type": lambda _: "an object",
    "model_type": lambda _: "an object",
    "dict_type": lambda _: "an object",
}
"""What each kind of finding wants; the figures are pydantic's context of it."""

_PLAIN: Mapping[str, str] = {
    "missing": "it is missing",
    "extra_forbidden": "there is no such option here",
    "union_tag_not_found": "it is missing",
    "json_invalid": "it is not JSON",
    "json_type": "it is not JSON",
}
"""Those that what was given adds nothing to."""
