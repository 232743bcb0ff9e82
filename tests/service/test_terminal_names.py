"""Names of files cannot steer the terminal that a command prints them on."""

import os
import subprocess
import sys
from pathlib import Path

from service.terminal import escape_answer
from tests.running import ROOT

NAME = "a\x1b[31m\x9b2J\u202e.mp4"


def test_the_name_of_a_file_is_escaped_where_the_command_line_prints_it(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no medium")
    command = [sys.executable, "-m", "service", "predict", str(tmp_path / NAME)]
    environment = {**os.environ, "SIGN_SLOTS": "1", "SIGN_STREAM_SLOTS": "0"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert r"a\x1b[31m\x9b2J\u202e.mp4" in done.stderr
    assert not {"\x1b", "\x9b", "\u202e"} & set(done.stdout + done.stderr)


def test_an_answer_keeps_its_lines_and_loses_what_steers() -> None:
    assert escape_answer('{"a": "x\x9b"}\r\n\t안녕') == '{"a": "x\\u009b"}\r\n\t안녕'
