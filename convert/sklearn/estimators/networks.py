"""Multi-layer perceptrons → Network."""

from collections.abc import Callable
from itertools import pairwise
from typing import Literal, cast

from convert.sklearn.fitted import Fitted
from convert.sklearn.parts import Link, Model, Network, Part

_LINKS: dict[str, Link] = {"softmax": "softmax", "logistic": "sigmoid"}
_Activation = Literal["identity", "logistic", "tanh", "relu"]
_ACTIVATIONS = ("identity", "logistic", "tanh", "relu")


def _perceptron(fitted: Fitted) -> Part:
    weights, biases = fitted.arrays("coefs_"), fitted.arrays("intercepts_")
    activation, end = fitted.text("activation"), fitted.text("out_activation_")
    if activation not in _ACTIVATIONS or end not in _LINKS:
        raise fitted.unknown(f"its activations are {activation} and {end}")
    sizes = [one.shape for one in weights]
    fits = all(len(shape) == 2 for shape in sizes) and len(weights) == len(biases)
    fits = fits and all(bias.shape == shape[1:] for bias, shape in zip(biases, sizes, strict=True))
    fits = fits and all(one[1] == after[0] for one, after in pairwise(sizes))
    classes = len(fitted.classes())
    if not fits or sizes[-1][1] != (1 if classes == 2 and end == "logistic" else classes):
        raise fitted.contradicts(f"its layers have the shapes {sizes}, for {classes} classes")
    if end == "logistic" and classes != 2:
        raise fitted.unknown("it gives several classes at once")
    network = Network(tuple(weights), tuple(biases), cast("_Activation", activation))
    return Model(network, _LINKS[end])


NETWORKS: dict[str, Callable[[Fitted], Part]] = {"MLPClassifier": _perceptron}
