"""Ready ONNX files: checked, described, proven to be steady."""
