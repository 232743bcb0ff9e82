"""The offline converter: a file from somebody's notebook → model_store/NAME/N/, with a measured proof."""

import os

# as in `service`: ONNX Runtime's wheel sends telemetry unless this is set before it is imported
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
