"""The recognizer of ELAN, installed into a folder as ELAN has it and run as ELAN runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pympi import Elan

from integrations.elan.install import install
from tests.integrations import elan
from tests.running import SAMPLES, children, command_line, running_service, wait_until

ROOT = Path(__file__).parents[2]
FLY = SAMPLES / "word_fly_right_tan.mp4"


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    extensions = tmp_path_factory.mktemp("ELAN it's here") / "extensions"
    extensions.mkdir()
    return install(extensions, Path(sys.executable), ROOT)


def command_says(*options: str) -> dict[str, Any]:
    """What the command line says of the word."""
    command = [sys.executable, "-m", "service", "timeline", *options, str(FLY)]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, encoding="utf-8")
    found: dict[str, Any] = json.loads(said.stdout)
    return found


@pytest.fixture(scope="module")
def answer() -> dict[str, Any]:
    return command_says()


def test_its_description_names_what_is_beside_it_and_what_it_reads(recognizer: Path) -> None:
    described = elan.description(recognizer)
    documentation = described.findtext(f"{elan.CMD}documentation")
    assert documentation is not None
    assert (recognizer / documentation).is_file()
    assert set(elan.parameters(recognizer)) == {"video", "model", "threshold", "mirrored", "server", "key", "tiers"}


def test_elan_gets_the_tiers_that_the_command_line_says(
    recognizer: Path, answer: dict[str, Any], tmp_path: Path
) -> None:
    file = tmp_path / "결과 & more.xml"
    ran = elan.run(recognizer, {"video": str(FLY), "tiers": str(file)})
    assert ran.is_done, ran.report
    assert ran.progress[0] == 0
    assert f"asl-letters {answer['model']['version']}: FLY" in ran.report
    segments = answer["segments"]
    times = [(round(one["start_time"], 3), round(one["end_time"], 3)) for one in segments]
    assert elan.tiers(file) == {
        "signs": [(*time, one["class_name"]) for time, one in zip(times, segments, strict=True)],
        "confidence": [(*time, f"{one['confidence']:.3f}") for time, one in zip(times, segments, strict=True)],
    }
    document = Elan.Eaf()
    for tier, spans in elan.tiers(file).items():
        document.add_tier(tier)
        for start_s, end_s, value in spans:
            document.add_annotation(tier, round(1000 * start_s), round(1000 * end_s), value)
    document.to_file(str(tmp_path / "made.eaf"))
    again = Elan.Eaf(str(tmp_path / "made.eaf"))
    assert "".join(value for *_, value in sorted(again.get_annotation_data_for_tier("signs"))) == answer["transcript"]


def test_elan_gets_the_same_tiers_from_a_server_that_wants_a_key(
    recognizer: Path, answer: dict[str, Any], tmp_path: Path
) -> None:
    chosen = {"video": str(FLY), "tiers": str(tmp_path / "tiers.xml")}
    with running_service(tmp_path, SIGN_API_KEYS="right") as service:
        chosen["server"] = f"{service.url}/"
        refused = elan.run(recognizer, {**chosen, "key": "wrong"})
        assert not refused.is_done
        assert "ERROR: The server says:" in refused.report
        assert not Path(chosen["tiers"]).exists()
        ran = elan.run(recognizer, {**chosen, "key": "right"})
    assert ran.is_done, ran.report
    labels = [value for *_, value in elan.tiers(Path(chosen["tiers"]))["signs"]]
    assert labels == [one["class_name"] for one in answer["segments"]]


def test_what_was_chosen_counts(recognizer: Path, tmp_path: Path) -> None:
    tiers = tmp_path / "tiers.xml"
    chosen = {"video": str(FLY), "tiers": str(tiers), "threshold": "0.95", "mirrored": "yes", "model": "asl-digits"}
    ran = elan.run(recognizer, chosen)
    assert ran.is_done, ran.report
    said = command_says("--threshold", "0.95", "--mirrored", "--model", "asl-digits")
    assert said["model"]["name"] in ran.report
    assert [one[2] for one in elan.tiers(tiers).get("signs", [])] == [one["class_name"] for one in said["segments"]]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"video": str(SAMPLES / "none.mp4")}, "none.mp4"),
        ({"video": __file__}, "This kind of file is not supported"),
        ({"video": ""}, "Choose a file for video."),
        ({"video": str(FLY), "model": "no-such"}, "no-such"),
        ({"video": str(FLY), "server": "ftp://there"}, "http://"),
        ({"video": str(FLY), "server": "http://127.0.0.1:9"}, "cannot be asked"),
    ],
    ids=["no video", "no medium", "nothing chosen", "no model", "no web address", "nobody there"],
)
def test_what_goes_wrong_stands_in_elans_report(
    recognizer: Path, tmp_path: Path, chosen: dict[str, str], said: str
) -> None:
    ran = elan.run(recognizer, {"tiers": str(tmp_path / "tiers.xml"), **chosen})
    assert not ran.is_done
    assert ran.report.endswith("RESULT: FAILED.")
    assert said in ran.report
    assert "Traceback" not in ran.report
    assert list(tmp_path.iterdir()) == []


def test_it_ends_with_its_command_when_elan_stops_it(recognizer: Path, tmp_path: Path) -> None:
    with elan.started(recognizer, {"video": str(FLY), "tiers": str(tmp_path / "tiers.xml")}) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("PROGRESS:")
        wait_until(lambda: bool(children(process.pid)), 30, "it runs no command")
        (command,) = children(process.pid)
        process.terminate()
        process.wait(30)
        wait_until(lambda: not command_line(command), 30, "the command goes on")
    assert not (tmp_path / "tiers.xml").exists()
