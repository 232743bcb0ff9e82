"""Text files are read in whatever people's programs wrote them, and composed."""

import unicodedata
from pathlib import Path

import pytest

from service.text import decode, find_encoding, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
def test_the_usual_encodings_are_found(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("왼쪽, left".encode(encoding))
    assert read_text(tmp_path / "a.txt") == "왼쪽, left"


def test_names_of_macos_are_composed() -> None:
    assert decode(unicodedata.normalize("NFD", "왼쪽").encode()) == "왼쪽"


def test_a_text_that_is_cut_within_a_sign_keeps_its_encoding() -> None:
    assert find_encoding("왼쪽".encode()[:-1]) == "utf-8"


def test_what_is_no_text_is_said() -> None:
    with pytest.raises(UnicodeDecodeError):
        decode(b"\xff\xff\xff")
