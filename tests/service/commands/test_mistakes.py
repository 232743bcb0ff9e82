"""What a person mistypes is answered with what would be right, before anything heavy starts."""

import os
from collections.abc import Iterator

import pytest
import structlog
from typer.testing import CliRunner

from service.__main__ import cli
from service.commands.environment import read_settings
from tests.running import ROOT, SAMPLES

LETTER_A = str(SAMPLES / "letter_a_right_light.mp4")
LETTER_B = str(SAMPLES / "letter_b_left_brown.mp4")


@pytest.fixture(autouse=True)
def own_logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands set up logs for their process, which is the tests' here."""
    for name in [name for name in os.environ if name.startswith("SIGN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SIGN_MODEL_STORE", str(ROOT / "model_store"))
    yield
    structlog.reset_defaults()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["predict", LETTER_A, "--model", "asl-leters"], 1, "Did you mean asl-letters"),
        (["predict", LETTER_A, "--version", "7"], 1, "asl-letters has no version 7; there are: 2, 1."),
        (["predict", LETTER_A, "--threshold", "2"], 2, "--threshold: 2.0 is not 1 or less"),
        (["timeline", LETTER_A, LETTER_B, "--format", "srt"], 2, "needs --output FOLDER"),
        (["predict", LETTER_A, LETTER_B, "--output", str(ROOT / "README.md")], 2, "README.md is a file; for several"),
        (["predict", str(ROOT / "deploy")], 1, "deploy: it holds no video, no picture and no .pose file."),
        (["evaluate", str(ROOT / "deploy")], 1, "one folder of media for each label"),
        (["evaluate", "nowhere"], 1, "There is no nowhere."),
        (["evaluate", str(SAMPLES), "--coverage", "0.9"], 2, "add --fit"),
        (["serve", "--port", "99999"], 2, "--port: 99999 is not 65535 or less"),
    ],
)
def test_mistakes_are_answered_with_what_would_be_right(arguments: list[str], code: int, said: str) -> None:
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == code
    assert said in done.stderr
    assert isinstance(done.exception, SystemExit)


def test_an_option_goes_before_the_environment_and_only_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGN_HOST", "127.0.0.2")
    monkeypatch.setenv("SIGN_PORT", "9001")
    settings = read_settings(host=None, port=9002)
    assert (settings.host, settings.port) == ("127.0.0.2", 9002)
