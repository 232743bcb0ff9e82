"""Small heads from a state_dict: what its tensors are, and the same head in this converter's own layers."""
