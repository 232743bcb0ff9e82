"""`mcp`: a client of the Model Context Protocol's own package gets over pipes what the routes answer."""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from tests.running import ROOT, SAMPLES, RunningService

LETTER, WORD = "letter_a_right_light.mp4", "word_cab_left_brown.mp4"


@pytest.mark.timeout(180)
def test_tools_answer_as_the_routes_do_and_read_nothing_outside_the_folder(
    service: RunningService, tmp_path: Path
) -> None:
    folder = tmp_path / "media"
    folder.mkdir()
    for name in (LETTER, WORD):
        shutil.copy(SAMPLES / name, folder / name)
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    (folder / "link.mp4").symlink_to(tmp_path / "secret.mp4")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "service", "mcp", "--folder", str(folder)],
        env={**clean, "SIGN_SLOTS": "1"},
        cwd=ROOT,
    )

    async def ask() -> None:
        async with Client(stdio_client(server)) as client:
            tools = (await client.list_tools()).tools
            assert [tool.name for tool in tools] == ["predict", "timeline", "highlights"]
            for case, name in (("predict", LETTER), ("timeline", WORD), ("highlights", WORD)):
                said = await client.call_tool(case, {"path": name})
                assert not said.is_error, said
                answered = service.client.post(f"/{case}", content=(SAMPLES / name).read_bytes()).json()
                assert said.structured_content == answered, case
            some = await client.call_tool("predict", {"path": LETTER, "options": {"top_k": 2, "model": "asl-digits"}})
            assert some.structured_content is not None
            assert len(some.structured_content["top"]) == 2
            for path in ("../secret.mp4", "link.mp4", str(tmp_path / "secret.mp4"), "none.mp4", ".", "\0"):
                refused = await client.call_tool("predict", {"path": path})
                assert refused.is_error, path
                assert "no file" in refused.content[0].text, path  # type: ignore[union-attr]
            unknown = await client.call_tool("predict", {"path": LETTER, "options": {"model": "no-such"}})
            assert unknown.is_error
            wrong = await client.call_tool("timeline", {"path": WORD, "options": {"format": "vtt"}})
            assert wrong.is_error

    asyncio.run(ask())


def test_without_its_folder_it_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service", "mcp", "--folder", "/no/such"],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "no folder" in done.stderr or "does not exist" in done.stderr
