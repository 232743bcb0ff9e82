"""Text on one line."""

from hypothesis import given
from hypothesis import strategies as st

from service.export.text import one_line


@given(text=st.text(alphabet=st.characters(codec=None)))
def test_any_text_becomes_one_line_that_utf_8_and_xml_can_hold(text: str) -> None:
    line = one_line(text)
    assert line
    assert line == " ".join(line.split())
    assert len(line.splitlines()) == 1
    assert line.encode()
    assert all(ord(character) >= 0x20 for character in line)


def test_what_can_stay_stays() -> None:
    assert one_line("안녕 → A-b_c's <i> 👍🏽") == "안녕 → A-b_c's <i> 👍🏽"
    assert one_line(" two\r\n\r\nlines\tand\x00more ") == "two lines and more"
    assert one_line("\ud800") == "\ufffd"
    assert one_line("\n") == "?"
