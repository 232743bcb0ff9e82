"""How unusual each function, readout and pool is in a head: 0 for what most authors write."""

FUNCTION_COSTS = {
    "relu": 0.0, "tanh": 1.0, "gelu": 1.0, "leaky_relu": 1.2, "silu": 1.4, "elu": 1.6, "sigmoid": 2.0,
}  # fmt: skip
READOUT_COSTS = {
    True: {"last": 0.0, "hidden": 0.5, "mean": 1.0, "max": 1.2},
    False: {"mean": 0.0, "max": 0.5, "last": 1.5},
}
"""Of recurrent layers, and of others."""
POOL_COSTS = {("max", 2): 0.0, ("avg", 2): 1.0, ("max", 3): 1.5, ("max", 4): 2.0}
