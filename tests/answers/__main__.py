"""The answers of a release, kept and compared: `python -m tests.answers record|compare FOLDER [--tree TREE]`.

`record` makes models and media, asks the release that lies in TREE everything that cases.py lists, and keeps all of it
in FOLDER. `compare` asks the same again, of another tree, with the models and media that were kept, and prints every
difference. Trees are asked through public doors alone (HTTP, WebSocket, command line, model store), so that whatever
is renamed inside does not matter. `--only WORD` takes the cases whose name holds a WORD. SIGN_TESTDATA is needed.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.answers.ask import Asker
from tests.answers.cases import Case, all_cases
from tests.answers.commands import run_command, run_conversion
from tests.answers.differences import differences
from tests.answers.media import Media, make_media
from tests.answers.models import copy_models, make_models
from tests.running import ROOT, RunningService, running_service

SETTINGS = {
    "SIGN_DEFAULT_MODEL": "asl-letters",
    "SIGN_STREAM_SLOTS": "1",
    "SIGN_STREAM_MAX_FPS": "1000",
    "SIGN_JOBS_CHUNK_S": "2",
    "SIGN_PIXEL_BYTES": str(1024 * 1024),
    "SIGN_PREDICT_SECONDS": "15",
    "SIGN_TIMELINE_SECONDS": "70",
}
"""Limits so low that short media meet them."""


class Release:
    """A tree's service, started where the first case needs it, with one slot or with two; and its command lines."""

    def __init__(self, tree: Path, media: Media, scratch: Path, stack: ExitStack) -> None:
        self._tree = tree
        self._media = media
        self._scratch = scratch
        self._stack = stack
        self._askers: dict[str, Asker] = {}
        copy_models(media.folder, scratch / "converted")

    def answer(self, case: Case) -> Any:
        """The answer in a form that is the same each time."""
        if case.door == "convert":
            return run_conversion(self._tree, case, self._media, self._scratch / "converted")
        if case.door == "command":
            return run_command(self._tree, case, self._media, Path(tempfile.mkdtemp(dir=self._scratch)))
        return self._asker(case.slots).ask(case)

    def _asker(self, slots: str) -> Asker:
        if slots not in self._askers:
            folder = Path(tempfile.mkdtemp(dir=self._scratch))
            settings = SETTINGS | {"SIGN_SLOTS": slots, "SIGN_MODEL_STORE": str(self._media.folder / "store")}
            service: RunningService = self._stack.enter_context(running_service(folder, self._tree, **settings))
            self._askers[slots] = Asker(service, self._media)
        return self._askers[slots]


def answers(tree: Path, media: Media, only: list[str]) -> Iterator[tuple[str, Any]]:
    """Name and answer of each case, one after the other."""
    chosen = [case for case in all_cases(media) if not only or any(word in case.name for word in only)]
    began = time.monotonic()
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        release = Release(tree, media, scratch, stack)
        for number, case in enumerate(chosen, 1):
            yield case.name, release.answer(case)
            if number % 50 == 0 or number == len(chosen):
                print(f"{number} of {len(chosen)} asked, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def record(tree: Path, folder: Path, testdata: Path, only: list[str]) -> int:
    """Keep the answers of a tree; with `only`, the others stay as they are."""
    if not (folder / "store").exists():
        for begun in ("media", "labeled", "files", "store.part"):
            shutil.rmtree(folder / begun, ignore_errors=True)
        make_media(folder)
        make_models(folder, tree, testdata)
    kept = _kept(folder) if only else {}
    try:
        for name, answer in answers(tree, Media(folder, testdata), only):
            kept[name] = answer
    finally:
        (folder / "answers.json").write_text(json.dumps(kept, ensure_ascii=False, indent=0))
    return 0


def compare(tree: Path, folder: Path, testdata: Path, only: list[str]) -> int:
    """Print how a tree answers otherwise than what was kept; 1 if it does."""
    kept = _kept(folder)
    found, asked = 0, 0
    for name, answer in answers(tree, Media(folder, testdata), only):
        asked += 1
        now = json.loads(json.dumps(answer))
        lines = list(differences(kept[name], now)) if name in kept else ["it was not recorded"]
        found += bool(lines)
        for line in lines:
            print(f"{name}: {line}", flush=True)
    print(f"{found} of {asked} answers differ")
    return int(found > 0)


def _kept(folder: Path) -> dict[str, Any]:
    file = folder / "answers.json"
    return dict(json.loads(file.read_text())) if file.exists() else {}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.answers", description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=("record", "compare"))
    parser.add_argument("folder", type=Path, help="where answers, models and media are kept; outside the repository")
    parser.add_argument("--tree", type=Path, default=ROOT, help="the checkout to ask; default: this one")
    parser.add_argument("--only", action="append", default=[], metavar="WORD", help="cases whose name holds it")
    chosen = parser.parse_args()
    if "SIGN_TESTDATA" not in os.environ:
        parser.error("SIGN_TESTDATA names no folder")
    do = record if chosen.command == "record" else compare
    return do(chosen.tree.resolve(), chosen.folder.resolve(), Path(os.environ["SIGN_TESTDATA"]), chosen.only)


if __name__ == "__main__":
    sys.exit(main())
