"""Bodies as text: the same as pydantic's own, however long their lists are."""

import json

from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from service.contract.rendering import LONG, to_json


class Entry(BaseModel):
    """One of many."""

    text: str
    number: float | None = None


class Body(BaseModel):
    """A body with what bodies have."""

    first: str
    entries: list[Entry]
    words: list[str]
    inner: Entry
    asked: list[Entry] | None = None


numbers = st.none() | st.floats(allow_nan=False, allow_infinity=False)
entries = st.builds(Entry, text=st.text(max_size=3), number=numbers)


@given(entries=st.lists(entries, max_size=5), repeat=st.sampled_from([1, LONG]), asked=st.booleans(), text=st.text())
def test_the_text_of_a_body_says_what_the_body_says(entries: list[Entry], repeat: int, asked: bool, text: str) -> None:
    more = {"asked": entries[:1]} if asked else {}
    body = Body(first=text, entries=entries * repeat, words=[text] * repeat, inner=Entry(text=text), **more)
    shown = json.loads(to_json(body))
    assert shown == body.model_dump(exclude_unset=True)
    assert list(shown) == list(body.model_dump(exclude_unset=True))
    assert "entries" not in json.loads(to_json(body, without=("entries",)))
