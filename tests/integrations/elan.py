"""ELAN's part in running a recognizer of the type "local", played as its LocalRecognizer does it.

It takes the platform's command from the description, splits it at spaces, starts it in the recognizer's folder with
standard error in standard output and without a locale, writes the parameters as XML, and reads lines until a result.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

CMD = "{http://www.clarin.eu/cmd/}"


@dataclass(frozen=True, slots=True)
class Ran:
    """What ELAN has of a run: how it ended, the bar's places in order, and the report."""

    is_done: bool
    progress: tuple[float, ...]
    report: str


def description(folder: Path) -> ET.Element:
    """The recognizer's part of the one description in its folder."""
    (file,) = folder.glob("*.cmdi")
    found = ET.parse(file).getroot().find(f"{CMD}Components/{CMD}RECOGNIZER")
    assert found is not None
    return found


def parameters(folder: Path) -> dict[str, str]:
    """All parameters of the description with their defaults; files have none."""
    return {
        (one.text or ""): one.get("default", "")
        for one in description(folder)
        if one.tag.removeprefix(CMD) in ("input", "output", "numparam", "textparam")
    }


@contextmanager
def started(folder: Path, chosen: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    """The recognizer, its parameters written: the defaults, and what was chosen instead."""
    recognizer = description(folder).find(f"{CMD}recognizer")
    assert recognizer is not None
    assert recognizer.get("recognizerType") == "local"
    document = ['<?xml version="1.0" encoding="UTF-8"?>', "<PARAM>", '<param name="InvocationContext">x 2026</param>']
    for name, default in parameters(folder).items():
        document.append(f'<param name="{name}">{escape(chosen.get(name, default))}</param>')
    with subprocess.Popen(
        recognizer.attrib["runLinux"].split(),
        cwd=folder,
        env={"PATH": os.defpath, "LC_ALL": "C"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        try:
            assert process.stdin is not None
            process.stdin.write("\n".join([*document, "</PARAM>", ""]))
            process.stdin.close()
            yield process
        finally:
            process.kill()


def run(folder: Path, chosen: Mapping[str, str]) -> Ran:
    """A whole run, to its result or its end without one."""
    report: list[str] = []
    progress: list[float] = []
    is_done = False
    with started(folder, chosen) as process:
        assert process.stdout is not None
        for raw in process.stdout:
            line = raw.rstrip("\n")
            report.append(line)
            if line.startswith("PROGRESS:"):
                progress.append(float(line.removeprefix("PROGRESS:").split()[0]))
            if line in ("RESULT: DONE.", "RESULT: FAILED."):
                is_done = line == "RESULT: DONE."
                break
    return Ran(is_done, tuple(progress), "\n".join(report))


def tiers(file: Path) -> dict[str, list[tuple[float, float, str]]]:
    """What ELAN makes tiers of: each column of each tier, with its spans in seconds."""
    found: dict[str, list[tuple[float, float, str]]] = {}
    root = ET.parse(file).getroot()
    assert root.tag == "TIERS"
    for tier in root.iter("TIER"):
        names = tier.attrib["columns"].split()
        for span in tier.iter("span"):
            for name, value in zip(names, span.iter("v"), strict=True):
                times = float(span.attrib["start"]), float(span.attrib["end"])
                found.setdefault(name, []).append((*times, value.text or ""))
    return found
