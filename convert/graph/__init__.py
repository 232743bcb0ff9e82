"""Layers as a graph: what every reader produces, its NumPy reference and its ONNX export."""
