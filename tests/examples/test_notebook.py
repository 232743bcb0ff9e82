"""The notebook of examples/ does what it says: its cells are run one after the other, as its reader would."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from tests.running import ROOT, SAMPLES, running_service

NOTEBOOK = ROOT / "examples/folder.ipynb"


def cells() -> list[str]:
    """The source of each cell with code."""
    found = json.loads(NOTEBOOK.read_text())["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]


def test_a_folder_becomes_a_table_and_a_plot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("word_fly_right_tan", "word_cab_left_brown"):
        shutil.copy(SAMPLES / f"{name}.mp4", folder)
    (folder / "damaged.mp4").write_bytes(b"no video")
    mpl.use("Agg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGN_FOLDER", str(folder))
    with running_service(tmp_path, SIGN_SLOTS="1", SIGN_API_KEYS="a key") as service:
        monkeypatch.setenv("SIGN_URL", service.url)
        monkeypatch.setenv("SIGN_KEY", "a key")
        names: dict[str, Any] = {}
        for cell in cells():
            exec(cell, names)  # noqa: S102 - it is ours
    said = capsys.readouterr().out
    assert "3 clips" in said
    assert "6 signs" in said
    assert "damaged.mp4 {" in said
    with Path("signs.csv").open() as file:
        rows = list(csv.DictReader(file))
    spelled = {
        name: "".join(row["class_name"] for row in rows if row["clip"] == name) for name in ("word_fly_right_tan",)
    }
    assert spelled == {"word_fly_right_tan": "FLY"}
    axes = plt.gcf().axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["word_fly_right_tan", "word_cab_left_brown"]
    assert [text.get_text() for text in axes.texts] == list("CABFLY")
    plt.close("all")


def test_the_notebook_is_kept_without_what_it_printed() -> None:
    found = json.loads(NOTEBOOK.read_text())["cells"]
    assert [cell["outputs"] for cell in found if cell["cell_type"] == "code" and cell["outputs"]] == []
