"""Nothing of ours calls home."""

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize("package", ["service", "convert"])
def test_onnx_runtimes_telemetry_is_off_before_it_is_imported(package: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    code = f"import sys, {package}, os; print('onnxruntime' in sys.modules, os.environ['ORT_DISABLE_TELEMETRY'])"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "1"]
