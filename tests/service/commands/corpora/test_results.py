"""Results: nothing lost and nothing counted twice, whenever it ends."""

from pathlib import Path, PurePosixPath

import hypothesis.strategies as st
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from hypothesis import HealthCheck, given, settings

from service.commands.corpora.results import RESULT, Keeper, Results
from service.commands.corpora.rows import Row

ASKED = {"kind": "timeline", "format": None, "options": {"model": "letters", "version": 1}}


def segments(name: str, count: int, confidence: float = 0.5) -> list[Row]:
    empty = Row(name, "letters", 1)
    return [
        Row(name, "letters", 1, 9.0, float(start), start + 1.0, "A", confidence) for start in reversed(range(count))
    ] or [empty]


def rows(results: Results) -> list[tuple[str, float | None, float | None]]:
    table = pq.read_table(results.folder / RESULT).to_pylist()
    return [(row["file"], row["start_s"], row["confidence"]) for row in table]


def test_parts_become_one_file_in_the_order_of_media_and_times(tmp_path: Path) -> None:
    results = Results(tmp_path / "out")
    results.add(segments("b", 2))
    results.add(segments("a", 1) + segments("c", 0))
    assert results.done() == {"a", "b", "c"}
    assert results.merge() == (3, 4)
    assert rows(results) == [("a", 0, 0.5), ("b", 0, 0.5), ("b", 1, 0.5), ("c", None, None)]
    assert results.done() == {"a", "b", "c"}
    assert list((tmp_path / "out" / "parts").iterdir()) == []


def test_a_medium_that_two_runs_did_counts_once_the_first_time(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.add(segments("a", 2, 0.1))
    results.add(segments("a", 3, 0.2))
    assert results.merge() == (1, 2)
    results.add(segments("a", 1, 0.3) + segments("b", 1, 0.4))
    assert results.merge() == (2, 3)
    assert rows(results) == [("a", 0, 0.1), ("a", 1, 0.1), ("b", 0, 0.4)]


def test_an_end_between_the_merge_and_the_removal_of_parts_doubles_nothing(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.add(segments("a", 2))
    (part,) = (tmp_path / "parts").iterdir()
    kept = part.read_bytes()
    results.merge()
    part.write_bytes(kept)
    assert results.merge() == (1, 2)


def test_a_part_that_was_not_written_to_its_end_is_no_part(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.add(segments("a", 1))
    (tmp_path / "parts" / ".0123.part").write_bytes(b"PAR1 half")
    assert results.done() == {"a"}
    assert results.merge() == (1, 1)


def test_a_corpus_without_a_row_has_a_result_with_all_columns(tmp_path: Path) -> None:
    results = Results(tmp_path)
    assert results.merge() == (0, 0)
    assert pq.read_schema(tmp_path / RESULT).names[:3] == ["file", "model", "version"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), max_size=4), max_size=6), st.integers(0, 6))
def test_whatever_is_done_in_whatever_order_is_there_once(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], merged_after: int
) -> None:
    results = Results(tmp_path_factory.mktemp("out"))
    for number, part in enumerate(parts):
        if number == merged_after:
            results.merge()
        results.add([row for name in dict.fromkeys(part) for row in segments(str(name), name)])
    wanted = {str(name) for part in parts for name in part}
    assert results.done() == wanted
    assert results.merge() == (len(wanted), sum(max(1, int(name)) for name in wanted))


def test_another_question_is_not_mixed_into_the_same_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = Results(tmp_path / "out")
    results.claim(ASKED)
    results.claim(ASKED)
    with pytest.raises(typer.Exit):
        results.claim(ASKED | {"options": {"model": "letters", "version": 2}})
    assert "'version': 1" in capsys.readouterr().err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.odt").write_text("")
    with pytest.raises(typer.Exit):
        Results(tmp_path / "mine").claim(ASKED)


def test_the_first_rows_are_written_at_once_and_others_with_the_end_at_the_latest(tmp_path: Path) -> None:
    results = Results(tmp_path)
    keeper = Keeper(results)
    keeper.keep(segments("a", 1))
    assert results.done() == {"a"}
    keeper.keep(segments("b", 1))
    assert results.done() == {"a"}
    keeper.flush()
    keeper.flush()
    assert results.done() == {"a", "b"}
    assert len(list((tmp_path / "parts").iterdir())) == 2


def test_files_of_media_that_are_named_alike_but_for_their_endings_are_two(tmp_path: Path) -> None:
    results = Results(tmp_path)
    assert results.file_of(PurePosixPath("x/a.mp4"), ".vtt") == tmp_path / "files/x/a.mp4.vtt"
    assert results.file_of(PurePosixPath("x/a.mov"), ".vtt") == tmp_path / "files/x/a.mov.vtt"


def test_columns_have_the_types_that_readers_expect(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.add([Row("a", "letters", 1, warnings=("dark",), error="media-corrupt", detail="Nothing.")])
    results.merge()
    table = pq.read_table(tmp_path / RESULT)
    assert table.schema.field("warnings").type == pa.list_(pa.string())
    assert table.to_pylist()[0]["warnings"] == ["dark"]
    assert table.to_pylist()[0]["error"] == "media-corrupt"
