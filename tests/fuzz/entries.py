"""Entries of the store, laid there by hand with something wrong: refused in words, or served."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from tests.fuzz.findings import Findings
from tests.fuzz.http import PICTURE
from tests.fuzz.mutation import mutated, mutated_document
from tests.running import ROOT, RunningService

NAME = "tried"
BASES = ("asl-digits", "asl-letters", "face-motion")
_OURS = ("internal", "worker-died")


class Entries:
    """The one entry that is tried, in the store that the service serves."""

    def __init__(self, store: Path, admin: str) -> None:
        self._folder = store / NAME / "1"
        self._headers = {"Authorization": f"Bearer {admin}"}

    def put(self, service: RunningService, rng: np.random.Generator, findings: Findings) -> None:
        """Lay an entry there, have the store read, and ask the model where it is served."""
        content = self._write(rng)
        findings.about_to_try(content)
        with httpx.Client(base_url=service.url, timeout=90, headers=self._headers) as client:
            try:
                reloaded = client.post("/models/reload")
                if reloaded.status_code != 200:
                    findings.note(f"entry {reloaded.status_code}", reloaded.text, content)
                    return
                refused = [one["reason"] for one in reloaded.json()["refused"] if one["name"] == NAME]
                if refused or reloaded.json()["problem"]:
                    findings.note("entry refused", None if refused and refused[0] else reloaded.text, content)
                    return
                answer = client.post("/predict", content=PICTURE, params={"model": NAME, "timeout_s": 10})
                code = answer.json().get("code")
                wrong = answer.text if answer.status_code == 500 or code in _OURS else None
                findings.note(f"entry served {answer.status_code}", wrong, content)
            finally:
                shutil.rmtree(self._folder.parent, ignore_errors=True)
                client.post("/models/reload")

    def _write(self, rng: np.random.Generator) -> bytes:
        """An entry whose manifest or graph is wrong, with digests that are right; the manifest as it is written."""
        source = ROOT / "model_store" / BASES[int(rng.integers(len(BASES)))]
        source = max(path for path in source.iterdir() if path.is_dir())
        self._folder.mkdir(parents=True, exist_ok=True)
        manifest: dict[str, Any] = json.loads((source / "manifest.json").read_text())
        manifest |= {"name": NAME, "version": 1}
        graph = (source / "model.onnx").read_bytes()
        if rng.integers(3) == 0:
            graph = mutated(graph, graph, rng)
        (self._folder / "model.onnx").write_bytes(graph)
        manifest["files"]["model.onnx"] = {"sha256": hashlib.sha256(graph).hexdigest(), "bytes": len(graph)}
        if rng.integers(3):
            manifest = mutated_document(manifest, rng)
            if rng.integers(8):
                manifest |= {"name": NAME, "version": 1}
        text = json.dumps(manifest).encode("utf-8", "surrogatepass")
        if rng.integers(10) == 0:
            text = mutated(text, text, rng)
        (self._folder / "manifest.json").write_bytes(text)
        return text
