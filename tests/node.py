"""Node.js and the packages of package-lock.json, for tests: what TypeScript clients are made with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

WITHOUT = "needs npm's packages: make node_modules/stamp"
PACKAGES = ROOT / "node_modules"


def need_packages() -> None:
    """Without the packages the test is left out, or fails if SIGN_REQUIRE names node."""
    if all((PACKAGES / name).is_dir() for name in ("typescript", "openapi-typescript", "openapi-fetch", "@types/node")):
        return
    if "node" in os.environ.get("SIGN_REQUIRE", "").split(","):
        pytest.fail(f"SIGN_REQUIRE asks for node: this test {WITHOUT}", pytrace=False)
    pytest.skip(WITHOUT)


def ran(folder: Path, program: Path | str, *arguments: object) -> str:
    """What a program prints under Node.js in that folder; AssertionError with what it says where it fails."""
    command = [Path(sys.executable).with_name("node"), program, *map(str, arguments)]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout
