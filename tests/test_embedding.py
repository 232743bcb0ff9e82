"""docs/embedding.md: a program that embeds the service gets what the routes answer."""

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from service.embedding import (
    HighlightsOptions,
    PredictOptions,
    Settings,
    SignError,
    TimelineOptions,
    highlights,
    open_services,
    predict,
    timeline,
)

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"


def test_the_program_on_the_page_prints_the_letter_that_is_signed(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "embedding.md").read_text()
    programs = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(programs) == 1
    file = tmp_path / "program.py"
    file.write_text(programs[0])
    env = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(
        [sys.executable, file], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "A"  # after what is logged


def test_each_use_case_takes_its_options_and_refuses_in_words() -> None:
    async def ask() -> None:
        async with open_services(Settings(model_store=ROOT / "model_store", slots=1)) as services:
            one = await predict(services, SAMPLES / "letter_a_right_light.mp4", PredictOptions(top_k=2))
            assert [label.class_name for label in one.top][:1] == ["A"]
            assert len(one.top) == 2
            word = SAMPLES / "word_cab_left_brown.mp4"
            found = await timeline(services, word, TimelineOptions(return_windows=True))
            assert found.transcript == "CAB"
            assert found.windows
            assert (await highlights(services, word, HighlightsOptions(sample_rate=1))).sample_rate == 1
            with pytest.raises(SignError, match="no-such-model"):
                await predict(services, word, PredictOptions(model="no-such-model"))

    asyncio.run(ask())
