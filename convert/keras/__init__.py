"""Keras files of all versions, read without TensorFlow."""
