"""Command lines of a release: what they print and write, in a form that is the same each time."""

import csv
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from tests.answers.cases import Case
from tests.answers.media import Media
from tests.answers.steady import steady, steady_text
from tests.running import ROOT, SAMPLES

_LIMIT_S = 300
_LOG = re.compile(r"^([WIEF]\d{4} |WARNING: All log messages|INFO: Created TensorFlow Lite)")


def run_command(tree: Path, case: Case, media: Media, out: Path) -> dict[str, Any]:
    """What a command of the service does: its exit code, what it says, and the files that it writes."""
    settings = {"SIGN_SLOTS": "1", "SIGN_MODEL_STORE": str(media.folder / "store"), "SIGN_JOBS_CHUNK_S": "2"}
    done = _run(tree, "service", case.arguments, media, out, settings)
    roots = {str(out): "OUT", str(tree): "TREE", **media.roots()}
    files = [path for path in sorted(out.rglob("*")) if path.is_file()]
    return {
        "code": done.returncode,
        "stdout": _printed(done.stdout, roots),
        "stderr": [line for line in _named(done.stderr, roots).splitlines() if not _LOG.match(line)],
        "files": {str(path.relative_to(out)): _written(path, roots) for path in files},
    }


def convert(
    tree: Path, name: str, arguments: tuple[str, ...], media: Media, store: Path
) -> "subprocess.CompletedProcess[str]":
    """Publish a file in a store with a tree's converter."""
    return _run(tree, "convert", (*arguments, "--name", name, "--store", str(store), "--json"), media, store, {})


def run_conversion(tree: Path, case: Case, media: Media, store: Path) -> dict[str, Any]:
    """What the converter says, and what it publishes."""
    done = convert(tree, case.model, case.arguments, media, store)
    roots = {str(store): "STORE", str(tree): "TREE", **media.roots()}
    version = store / case.model / "1"
    return {
        "code": done.returncode,
        "stdout": _printed(done.stdout, roots),
        "files": {path.name: _written(path, roots) for path in sorted(version.glob("*"))},
    }


def _run(
    tree: Path, module: str, arguments: tuple[str, ...], media: Media, out: Path, settings: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    folders = {
        "OUT": out, "SAMPLES": SAMPLES, "MADE": media.folder / "media", "KEPT": media.folder,
        "FILES": media.folder / "files", "DATA": ROOT / "tests" / "data", "TESTDATA": media.testdata,
    }  # fmt: skip
    words = [sys.executable, "-m", module]
    for argument in arguments:
        top, slash, rest = argument.partition("/")
        words.append(f"{folders[top]}/{rest}" if slash and top in folders else argument)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SIGN_")}
    return subprocess.run(
        words, cwd=tree, env={**clean, "COLUMNS": "200", **settings}, capture_output=True, text=True,
        timeout=_LIMIT_S, check=False,
    )  # fmt: skip


def _named(text: str, roots: dict[str, str]) -> str:
    for folder, name in roots.items():
        text = text.replace(folder, name)
    return text


def _printed(text: str, roots: dict[str, str]) -> Any:
    """JSON as such, whole or line by line; else the lines."""
    text = _named(text, roots)
    try:
        return steady(json.loads(text))
    except ValueError:
        return [_line(line) for line in steady_text(text)]


def _line(line: str) -> Any:
    try:
        return steady(json.loads(line))
    except ValueError:
        return line


def _written(path: Path, roots: dict[str, str]) -> Any:
    """Text as it is, arrays by digests, anything else by one digest."""
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            return {name: _array(arrays[name], roots) for name in arrays.files}
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return [[_named(cell, roots) for cell in row] for row in csv.reader(file)]
    if path.suffix == ".onnx":
        return _graph(onnx.load(path).graph)
    if path.name == "manifest.json":  # without the files' digests: _graph says of graphs what matters
        return {name: value for name, value in _printed(path.read_text(), roots).items() if name != "files"}
    if path.suffix in {".json", ".eaf", ".vtt", ".srt"}:
        return _printed(path.read_text(), roots)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _graph(graph: onnx.GraphProto) -> str:
    """One digest whatever the order of nodes and weights, which graphs with branches do not keep from run to run."""
    parts = [*graph.node, *graph.initializer, *graph.input, *graph.output]
    serialized = sorted(part.SerializeToString(deterministic=True) for part in parts)
    return hashlib.sha256(b"".join(serialized)).hexdigest()


def _array(values: np.ndarray[Any, Any], roots: dict[str, str]) -> Any:
    if values.dtype.kind == "U":
        return [_named(str(value), roots) for value in values.reshape(-1)]
    return [str(values.dtype), list(values.shape), hashlib.sha256(values.tobytes()).hexdigest()]
