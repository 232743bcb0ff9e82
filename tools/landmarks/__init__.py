"""Google's landmark networks, from .tflite to what the landmark engine runs: model_store/landmarks."""
