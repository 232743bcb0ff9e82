"""A service that says what is signed in a video, and when."""

import os

# ONNX Runtime's wheel sends telemetry unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

__version__ = "0.1.0"
