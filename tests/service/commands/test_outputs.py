"""Outputs are planned before anything is done, and written whole or not at all."""

from pathlib import Path

import pytest
import typer

from service.commands.inputs import Inputs, find_inputs
from service.commands.outputs import format_of, linked_from, plan_outputs, write_whole
from service.export.answer import MediaFile
from service.export.formats import TIMELINE_FORMATS

PNG = b"\x89PNG\r\n\x1a\n"


def media(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)
    return folder


def test_a_folder_s_media_lie_in_the_output_as_they_lie_in_the_folder(tmp_path: Path) -> None:
    inputs = find_inputs([media(tmp_path / "in", "b/1.png", "a.png", ".hidden/2.png")])
    plan = plan_outputs(inputs, str(tmp_path / "out"), ".vtt")
    assert list(plan.paths.values()) == [tmp_path / "out/a.vtt", tmp_path / "out/b/1.vtt"]


@pytest.mark.parametrize(("output", "place"), [("x.json", "x.json"), ("new/", "new/a.json"), ("there", "there/a.json")])
def test_one_file_goes_to_a_file_unless_a_folder_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str, place: str
) -> None:
    monkeypatch.chdir(media(tmp_path, "a.png"))
    (tmp_path / "there").mkdir()
    plan = plan_outputs(find_inputs([Path("a.png")]), output, ".json")
    assert list(plan.paths.values()) == [Path(place)]


def test_two_answers_never_share_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    inputs = find_inputs([media(tmp_path, "a.png", "a.jpg")])
    with pytest.raises(typer.Exit):
        plan_outputs(inputs, str(tmp_path), ".json")
    assert "a.jpg and" in capsys.readouterr().err


def test_a_medium_named_twice_is_read_once(tmp_path: Path) -> None:
    path = media(tmp_path, "a.png") / "a.png"
    inputs: Inputs = find_inputs([path, path])
    assert len(inputs.media) == 1


def test_an_exported_file_links_to_its_medium_wherever_both_lie(tmp_path: Path) -> None:
    medium, link = tmp_path / "films/a.mp4", MediaFile("a.mp4", "video", "mp4", 1.0, 30.0)
    for place, way in (
        ("films/a.eaf", "./a.mp4"),
        ("out/deep/a.eaf", "../../films/a.mp4"),
        ("a.eaf", "./films/a.mp4"),
    ):
        linked = linked_from(tmp_path / place, link, medium)
        assert (linked.place, linked.way) == (str(medium), way)
        assert (tmp_path / place).parent.joinpath(linked.way).resolve() == medium


def test_one_that_is_printed_links_from_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    linked = linked_from(None, MediaFile("a.mp4", "video", "mp4", 1.0, 30.0), Path("films/a.mp4"))
    assert (linked.place, linked.way) == (f"{tmp_path}/films/a.mp4", "./films/a.mp4")


def test_a_broken_file_of_a_folder_is_taken_and_what_was_never_a_medium_is_left_out(tmp_path: Path) -> None:
    for name, content in (("a.mp4", b""), ("b.JPG", b"\0" * 100), ("c.png", b"text"), ("notes.txt", b"text")):
        (tmp_path / name).write_bytes(content)
    inputs = find_inputs([tmp_path])
    assert [one.path.name for one in inputs.media] == ["a.mp4", "b.JPG", "c.png"]
    assert [path.name for path in inputs.left_out] == ["notes.txt"]
    assert inputs.empty == ()


def test_what_fails_to_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "taken", b"new")
    write_whole(tmp_path / "deep/er/x", b"one")
    write_whole(tmp_path / "deep/er/x", b"two")
    assert (tmp_path / "deep/er/x").read_bytes() == b"two"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["deep", "er", "taken", "x"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("a.VTT", "vtt"), ("a_morpheme.json", "aihub"), ("a.json", "json"), ("a.txt", "json"), (None, "json")],
)
def test_a_file_s_name_says_its_format(name: str | None, said: str) -> None:
    assert format_of(name, TIMELINE_FORMATS) == said
