"""PyTorch's files of any age read as data: tensors by name, and what lies beside them."""
