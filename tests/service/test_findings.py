"""What is wrong with a value, in our words."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from service.contract.messages import StartMessage
from service.contract.options import HighlightsOptions, JobsQuery, PredictOptions, TimelineOptions
from service.findings import describe_finding
from service.settings import Settings

OPTIONS: tuple[type[BaseModel], ...] = (PredictOptions, TimelineOptions, HighlightsOptions, JobsQuery)
_PYDANTICS_WORDS = ("Input should", "should be", "unable to", "Extra inputs", "String should", "valid ")


def said(model: type[BaseModel], values: dict[str, Any]) -> list[str]:
    """What is said of these strings."""
    try:
        model.model_validate_strings(values)
    except ValidationError as error:
        return [describe_finding(finding) for finding in error.errors()]
    return []


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("threshold", "2", "'2' is not 1 or less"),
        ("start_time", "-1", "'-1' is not 0 or more"),
        ("start_time", "nan", "'nan' is not a finite number"),
        ("clip_duration", "0", "'0' is not more than 0"),
        ("top_k", "many", "'many' is not a whole number"),
        ("top_k", "1.5", "'1.5' is not a whole number"),
        ("mirrored", "maybe", "'maybe' is not true or false"),
        ("model", "../etc", "'../etc' is not of the form ^[a-z0-9][a-z0-9-]{0,63}$"),
        ("color", "red", "there is no such option here"),
        ("media_name", "x" * 300, f"'{'x' * 58}… is not 255 characters or fewer"),
    ],
)
def test_an_option_that_is_wrong_is_told_what_it_is_and_what_is_wanted(name: str, given: str, expected: str) -> None:
    assert said(PredictOptions, {name: given}) == [expected]


def test_a_choice_names_all_there_are() -> None:
    assert said(TimelineOptions, {"smoothing": "much"}) == ["'much' is not one of 'none' or 'viterbi'"]


@given(
    model=st.sampled_from(OPTIONS),
    place=st.integers(0, 30),
    text=st.one_of(st.text(max_size=300), st.sampled_from(["-1", "1e999", "0", "9" * 30, "nan", "0.5", "1000000"])),
)
def test_no_option_is_refused_in_pydantics_words(model: type[BaseModel], place: int, text: str) -> None:
    names = list(model.model_fields)
    for sentence in said(model, {names[place % len(names)]: text}):
        told = sentence.partition(" is not ")[2] or sentence
        assert not any(words in told for words in _PYDANTICS_WORDS)


@pytest.mark.parametrize(
    "message", ["{", "[]", "{}", '{"type": "start", "version": "1"}', '{"type": "go"}', '{"x": 1}']
)
def test_a_start_message_is_not_refused_in_pydantics_words_either(message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        StartMessage.model_validate_json(message)
    for finding in caught.value.errors():
        assert not any(words in describe_finding(finding) for words in _PYDANTICS_WORDS)


def test_our_own_words_are_kept() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(model_versions=("letters",))
    assert [describe_finding(finding) for finding in caught.value.errors()] == [
        "'letters' is not NAME=VERSION, NAME=VERSION@10% or NAME=VERSION@shadow"
    ]
