"""Keras' rules for masks that need no layer's arithmetic: who passes one on, who destroys it."""

CARRIERS = {
    "Activation", "ActivityRegularization", "AlphaDropout", "BatchNormalization", "Dense", "Dropout", "ELU",
    "GaussianDropout", "GaussianNoise", "LayerNormalization", "LeakyReLU", "PReLU", "ReLU", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D", "ThresholdedReLU",
}  # fmt: skip
"""Layers whose output has the mask of their input, in Keras 2 and 3 alike."""

CARRIERS_SINCE_3 = {"Identity", "Normalization", "Rescaling"}


def carries(kind: str, keras: int) -> bool:
    """Whether a layer hands its input's mask on unchanged."""
    return kind in CARRIERS or (keras >= 3 and kind in CARRIERS_SINCE_3)


def merges_by_any(keras: int) -> bool:
    """Whether a merged step is real where any of the inputs' is (Keras 3); before, all had to be."""
    return keras >= 3
