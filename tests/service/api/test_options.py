"""Options from the query and the form."""

from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from service.api.options import query_parameters, read_options
from service.contract.options import HighlightsOptions, PredictOptions, TimelineOptions
from service.errors import SignError


def read(query: list[tuple[str, str]], fields: dict[str, str] | None = None) -> dict[str, Any]:
    """What was given, as it is meant."""
    scope = {"type": "http", "query_string": urlencode(query).encode(), "headers": []}
    return read_options(Request(scope), fields or {}, TimelineOptions).model_dump(exclude_unset=True)


@pytest.mark.parametrize("name", TimelineOptions.model_fields)
def test_an_option_that_is_empty_is_not_given(name: str) -> None:
    assert read([(name, "")]) == read([], {name: ""}) == {}


def test_an_empty_option_does_not_contradict_a_given_one() -> None:
    assert read([("stride", "")], {"stride": "0.5"}) == read([("stride", "0.5"), ("stride", "")]) == {"stride": 0.5}


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("start_time", "0", "0.0"),
        ("start_time", "1e1", "10"),
        ("mirrored", "false", "False"),
        ("mirrored", "true", "TRUE"),
        ("version", "2", "02"),
    ],
)
def test_values_are_compared_and_not_how_they_are_written(name: str, one: str, other: str) -> None:
    assert read([(name, one)], {name: other}) == read([(name, one)])
    assert read([(name, one), (name, other)]) == read([(name, one)])


@pytest.mark.parametrize(("name", "one", "other"), [("start_time", "0", "1"), ("mirrored", "true", "False")])
def test_different_values_are_refused_with_both(name: str, one: str, other: str) -> None:
    with pytest.raises(SignError, match=f"{name}: it is given more than once, as '{one}' and as '{other}'"):
        read([(name, one)], {name: other})


@given(seconds=st.floats(0, 1e6))
def test_a_number_is_equal_to_itself_however_it_is_written(seconds: float) -> None:
    assert read([("start_time", repr(seconds))], {"start_time": f"{seconds:.17e}"}) == {"start_time": seconds}


@pytest.mark.parametrize("model", [PredictOptions, TimelineOptions, HighlightsOptions])
def test_the_schema_has_each_option_once_and_asks_for_none(model: type[PredictOptions]) -> None:
    parameters = query_parameters(model)
    assert [one["name"] for one in parameters] == list(model.model_fields)
    for one in parameters:
        assert one["schema"]["type"] in ("string", "number", "integer", "boolean")
        assert one["description"]
        assert "null" not in repr(one["schema"])
    assert "timeout_s" not in [one["name"] for one in query_parameters(model, frozenset({"timeout_s"}))]
