"""The transcript: the segments as text."""

from service.spotting.transcript import text_of, transcript


def test_letters_are_joined_without_and_words_with_a_space() -> None:
    assert transcript(["H", "E", "L", "L", "O"], "letter", {}) == "HELLO"
    assert transcript(["hello", "help"], "word", {}) == "hello help"
    assert transcript(["hello", "help"], None, {}) == "hello help"
    assert transcript([], "word", {}) == ""


def test_a_label_is_written_as_its_text_says() -> None:
    assert transcript(["THANKS", "YOU"], "word", {"THANKS": "thank you"}) == "thank you YOU"


def test_of_texts_by_language_the_asked_one_is_taken_then_english_then_any() -> None:
    texts = {"HI": {"en": "hi", "ko": "안녕"}, "OK": {"ko": "좋아"}}
    assert text_of("HI", texts, "ko") == "안녕"
    assert text_of("HI", texts, "fr") == "hi"
    assert text_of("OK", texts, "fr") == "좋아"
    assert text_of("NO", texts) == "NO"
