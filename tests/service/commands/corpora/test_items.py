"""Items: what INPUT names, under names that are the same in every run, and which of it is a shard's."""

from pathlib import Path

import fsspec
import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from hypothesis import given

from service.commands.corpora.items import Item, Shard, find_items


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three media in two folders, a note, and a hidden file."""
    for name in ("b.mp4", "people/anna/a.MP4", "people/c.webm", "notes.txt", ".hidden/d.mp4"):
        place = tmp_path / "corpus" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"x")
    return tmp_path / "corpus"


def names(found: list[Item]) -> list[str]:
    return [item.name for item in found]


def test_a_folder_stands_for_the_media_below_it_named_from_there(corpus: Path) -> None:
    found = find_items(str(corpus))
    assert names(found) == ["b.mp4", "people/anna/a.MP4", "people/c.webm"]
    assert found[0].address == str(corpus / "b.mp4")


def test_a_pattern_stands_for_what_it_matches(corpus: Path) -> None:
    pattern = str(corpus / "**" / "*.webm")
    assert names(find_items(pattern)) == [str(corpus / "people/c.webm")]


@pytest.mark.parametrize("text", ["path,label\nb.mp4,A\npeople/c.webm,B\n", "b.mp4\n\npeople/c.webm\n"])
def test_a_csv_stands_for_the_paths_in_its_column_path_or_its_first(corpus: Path, text: str) -> None:
    (corpus / "list.csv").write_text(text, encoding="utf-8-sig")
    found = find_items(str(corpus / "list.csv"))
    assert names(found) == ["b.mp4", "people/c.webm"]
    assert [item.address for item in found] == [str(corpus / "b.mp4"), str(corpus / "people/c.webm")]


def test_a_parquet_stands_for_the_paths_in_its_column_path(corpus: Path) -> None:
    pq.write_table(pa.table({"label": ["A", "B"], "path": ["b.mp4", "s3://bucket/e.mp4"]}), corpus / "list.parquet")
    found = find_items(str(corpus / "list.parquet"))
    assert [(item.name, item.is_remote) for item in found] == [("b.mp4", False), ("s3://bucket/e.mp4", True)]


@pytest.mark.parametrize("ending", ["", "/people", "/**/*.webm", "/people/c.webm"])
def test_an_address_stands_for_what_lies_there(ending: str) -> None:
    store = fsspec.filesystem("memory")
    for path in ("/corpus/b.mp4", "/corpus/people/c.webm", "/corpus/notes.txt"):
        store.pipe_file(path, b"x")
    try:
        found = names(find_items(f"memory://corpus{ending}"))
    finally:
        store.rm("/corpus", recursive=True)
    expected = ["memory:///corpus/b.mp4", "memory:///corpus/people/c.webm"]
    assert [name.replace("memory://corpus", "memory:///corpus") for name in found] == expected[1 if ending else 0 :]


@pytest.mark.parametrize("given_text", ["nowhere", "*.nothing", "empty.csv"])
def test_what_names_no_media_ends_the_program_in_words(
    corpus: Path, given_text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (corpus / "empty.csv").write_text("")
    with pytest.raises(typer.Exit) as ended:
        find_items(str(corpus / given_text))
    assert ended.value.exit_code == 2
    assert given_text in capsys.readouterr().err


def test_files_of_their_own_lie_as_their_media_do_and_never_outside() -> None:
    assert str(Item("people/c.webm", "").place) == "people/c.webm"
    assert str(Item("../../etc/c.webm", "").place) == "etc/c.webm"
    assert str(Item("/data/c.webm", "").place) == "data/c.webm"
    assert str(Item("s3://bucket/people/c.webm", "").place) == "bucket/people/c.webm"


@given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 7))
def test_each_item_is_one_shards_and_no_others(given_names: list[str], of: int) -> None:
    shards = [Shard.parse(f"{number}/{of}") for number in range(1, of + 1)]
    for name in given_names:
        assert sum(shard.has(Item(name, name)) for shard in shards) == 1


def test_shards_are_of_about_one_size() -> None:
    third = Shard(2, 3)
    assert 900 < sum(third.has(Item(f"v{number}.mp4", "")) for number in range(3000)) < 1100


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/", "a/b", "-1/3", "1/0"])
def test_a_shard_that_is_none_ends_the_program_in_words(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit):
        Shard.parse(text)
    assert "write I/N" in capsys.readouterr().err
