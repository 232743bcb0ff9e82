"""Go and the generator of a client in it, for tests: `make clients` installs the generator."""

import os
import shutil
from pathlib import Path

import pytest

from tests.running import ROOT

WITHOUT = "needs Go (Debian: golang-go, golang-gopkg-validator.v2-dev) and its generator: make clients"
DEBIAN = Path("/usr/share/gocode")
"""Where Debian's packages of Go lie."""


def need_tools() -> Path:
    """The generator; without the tools the test is left out, or fails if SIGN_REQUIRE names go."""
    generator = ROOT / ".venv-clients/bin/openapi-generator-cli"
    if shutil.which("go") and (DEBIAN / "src/gopkg.in/validator.v2").is_dir() and generator.is_file():
        return generator
    if "go" in os.environ.get("SIGN_REQUIRE", "").split(","):
        pytest.fail(f"SIGN_REQUIRE asks for go: this test {WITHOUT}", pytrace=False)
    pytest.skip(WITHOUT)
