"""The landmark engine: MediaPipe's networks in ONNX Runtime, in loops of our own. Only workers import this."""
