"""TensorFlow Lite files, read without TensorFlow: file → Network → ONNX."""
