"""What ELAN runs to have a video read: parameters on standard input, progress and result on standard output, XML tiers.

ELAN's recognizers of the type "local" speak so: a <PARAM> document comes, each <param> named as in sign-service.cmdi;
lines that begin with `PROGRESS:` move its bar, all lines stand in its report, and `RESULT: DONE.` or `RESULT: FAILED.`
ends. Times of <span> are seconds. Only Python's own library is used, so that any Python can ask a server.
"""

import json
import locale
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

ROOT = "SIGN_SERVICE_ROOT"
"""The environment variable that names the folder in which the command is run."""
POLL_S = 1.0
ANSWER_S = 600.0
SIGNS, CONFIDENCE = "signs", "confidence"
FAILED_STATES = ("failed", "cancelled")


class RecognizerError(Exception):
    """Why there are no tiers, in words for ELAN's report."""


@dataclass(frozen=True)
class Parameters:
    """What was chosen in ELAN. options: of /timeline, those alone that were chosen; server: empty for this computer."""

    video: Path
    tiers: Path
    server: str
    key: str
    options: Mapping[str, str]


def read_parameters(document: bytes) -> Parameters:
    """ELAN's <PARAM> document. Raises RecognizerError where it is none, or names no video or no place for the tiers."""
    try:
        text = document.decode()
    except UnicodeDecodeError:  # ELAN says UTF-8, but writes as the system does
        text = document.decode(locale.getpreferredencoding(False), "replace")
    try:
        root = ET.fromstring(re.sub(r"^\s*<\?xml.*?\?>", "", text))
    except ET.ParseError as error:
        raise RecognizerError(f"ELAN's parameters cannot be read: {error}.") from error
    given = {one.get("name", ""): (one.text or "").strip() for one in root.iter("param")}
    for name in ("video", "tiers"):
        if not given.get(name):
            raise RecognizerError(f"Choose a file for {name}.")
    options = {"model": given.get("model", ""), "mirrored": "true" if given.get("mirrored") == "yes" else ""}
    if float(given.get("threshold") or 0) > 0:
        options["threshold"] = given["threshold"]
    return Parameters(
        Path(given["video"].removeprefix("file://")),
        Path(given["tiers"].removeprefix("file://")),
        given.get("server", "").rstrip("/"),
        given.get("key", ""),
        {name: value for name, value in options.items() if value},
    )


def ask_command(parameters: Parameters) -> dict[str, Any]:
    """The answer of `python -m service timeline` in this Python's environment."""
    options = [f"--{name}={value}" for name, value in parameters.options.items() if name != "mirrored"]
    if "mirrored" in parameters.options:
        options.append("--mirrored")
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        options += ["--format=json", f"--output={answer}"]
        _run([sys.executable, "-m", "service", "timeline", *options, "--", str(parameters.video.absolute())])
        found: dict[str, Any] = json.loads(answer.read_bytes())
        return found


def _run(command: Sequence[str]) -> None:
    """Run it, and hand on what it says. When ELAN ends this process, it ends as well."""
    process = subprocess.Popen(
        command,
        cwd=os.environ.get(ROOT) or None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    try:
        for line in process.stdout or ():
            say_progress_of(line)
        if process.wait() != 0:
            raise RecognizerError("The video could not be read; the lines above say why.")
    finally:
        process.terminate()


def say_progress_of(line: str) -> None:
    """Hand on a line of the command; where it says how far the work is, move ELAN's bar as well."""
    share = re.search(r"(\d+)\s?%", line)
    if share:
        progress(int(share[1]) / 100, line.strip())
    elif line.strip():
        say(line.strip())


def ask_server(parameters: Parameters) -> dict[str, Any]:
    """The answer of a job on a server: videos of any length, and the server says how far it is."""
    query = urllib.parse.urlencode({**parameters.options, "media_name": parameters.video.name})
    with parameters.video.open("rb") as video:
        job = _ask(parameters, f"/jobs/timeline?{query}", video, parameters.video.stat().st_size)
    place = f"/jobs/{job['id']}"
    while job["state"] != "succeeded":
        if job["state"] in FAILED_STATES:
            reason = job.get("error") or {}
            raise RecognizerError(f"The server says: {reason.get('detail') or job['state']}")
        progress(float(job.get("progress") or 0.0), job["state"])
        time.sleep(POLL_S)
        job = _ask(parameters, place)
    return _ask(parameters, f"{place}/result")


def _ask(parameters: Parameters, path: str, body: BufferedReader | None = None, size: int = 0) -> dict[str, Any]:
    if not parameters.server.startswith(("http://", "https://")):
        raise RecognizerError("The server's address begins with http:// or https://.")
    request = urllib.request.Request(parameters.server + path, data=body)
    request.add_header("Accept", "application/json")
    if body is not None:
        request.add_header("Content-Type", "application/octet-stream")
        request.add_header("Content-Length", str(size))
    if parameters.key:
        request.add_header("Authorization", f"Bearer {parameters.key}")
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            found: dict[str, Any] = json.load(answer)
            return found
    except urllib.error.HTTPError as error:
        raise RecognizerError(f"The server says: {_detail(error)}") from error
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise RecognizerError(f"{parameters.server} cannot be asked: {error}.") from error


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (ValueError, KeyError):
        return f"{error.code} {error.reason}"


def tiers_xml(segments: Sequence[Mapping[str, Any]]) -> bytes:
    """AVATecH's tiers: the signs, and the confidence of each at the same times."""
    root = ET.Element("TIERS")
    root.set("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
    root.set("xsi:noNamespaceSchemaLocation", "file:avatech-tiers.xsd")
    for tier, values in (
        (SIGNS, [str(one["class_name"]) for one in segments]),
        (CONFIDENCE, [f"{one['confidence']:.3f}" for one in segments]),
    ):
        element = ET.SubElement(root, "TIER", columns=tier)
        for one, value in zip(segments, values, strict=True):
            span = ET.SubElement(element, "span", start=f"{one['start_time']:.3f}", end=f"{one['end_time']:.3f}")
            ET.SubElement(span, "v").text = value
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written


def progress(share: float, message: str) -> None:
    say(f"PROGRESS: {share:.2f} {message}")


def say(line: str) -> None:
    print(line, flush=True)


def notes(answer: Mapping[str, Any]) -> Iterator[str]:
    """What should stand in ELAN's report: who answered, what was read, and what to know about it."""
    model = answer.get("model") or {}
    yield f"INFO: {model.get('name')} {model.get('version')}: {answer.get('transcript') or 'nothing was read'}"
    for warning in answer.get("warnings") or ():
        yield f"INFO: {warning}"
    for gap in answer.get("gaps") or ():
        yield f"INFO: could not be read: {gap['start_time']:.2f}–{gap['end_time']:.2f} s"


def main() -> int:
    """Answer one call of ELAN; 0 where the tiers are written."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")  # ELAN starts it without a locale
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # its button Stop
    try:
        parameters = read_parameters(sys.stdin.buffer.read())
        progress(0.0, "reading the video")
        answer = ask_server(parameters) if parameters.server else ask_command(parameters)
        for note in notes(answer):
            say(note)
        parameters.tiers.write_bytes(tiers_xml(answer["segments"]))
    except (RecognizerError, OSError) as error:
        say(f"ERROR: {error}")
        say("RESULT: FAILED.")
        return 1
    say("RESULT: DONE.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
