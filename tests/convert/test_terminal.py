"""A name from a stranger's file cannot steer the terminal that it is printed on."""

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from service.terminal import dump_json, escape_controls
from tests.convert.running import command

NAME = "y\x1b[31m\nParity: \x9b2J\u202e"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A graph whose output has an escape sequence, a line break, a one-byte sequence and a turn to the left as name."""
    node = helper.make_node("Softmax", ["x"], [NAME])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 42]) for name in ("x", NAME)]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:])
    onnx.save(helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]), tmp_path / "a.onnx")
    return tmp_path / "a.onnx"


def test_what_a_file_names_is_escaped_where_it_is_printed(file: Path) -> None:
    printed = command("inspect", file).stdout
    assert r"out y\x1b[31m\nParity: \x9b2J\u202e: 42" in printed
    assert not {"\x1b", "\x9b", "\u202e"} & set(printed)


def test_json_escapes_them_too_and_programs_read_the_name_back(file: Path) -> None:
    printed = command("inspect", file, "--json").stdout
    assert not {"\x1b", "\x9b", "\u202e"} & set(printed)
    assert json.loads(printed)["outputs"][0]["name"] == NAME


def test_a_path_in_a_refusal_is_escaped(tmp_path: Path) -> None:
    odd = tmp_path / "a\x1b[31m.h5"
    odd.write_bytes(b"no model")
    said = command("inspect", odd).stderr
    assert "\x1b" not in said
    assert said.count("\n") == 2


@pytest.mark.parametrize("text", ["안녕", "a b", "é", "\U0001f469\u200d\U0001f4bb", "می\u200cخواهم"])
def test_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert escape_controls(text) == text
    assert text in dump_json({"label": text})


def test_half_a_character_can_be_printed() -> None:
    assert escape_controls("\ud800").encode() == rb"\ud800"
