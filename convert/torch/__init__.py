"""A PyTorch file → weights as plain arrays → one of our architectures → ONNX. Nothing of the file is executed."""
