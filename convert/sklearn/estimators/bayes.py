"""Naive Bayes and quadratic discriminant analysis → likelihoods of each class."""

from collections.abc import Callable

import numpy as np

from convert.sklearn.fitted import Fitted
from convert.sklearn.parts import Binarize, Chain, GaussianBayes, Linear, Model, Part, Quadratic


def _gaussian(fitted: Fitted) -> Part:
    means, variances = fitted.array("theta_", ndim=2), fitted.array("var_", "sigma_", ndim=2)
    priors = fitted.array("class_prior_", ndim=1)
    if means.shape != variances.shape or len(means) != len(priors) or (variances <= 0).any() or (priors <= 0).any():
        raise fitted.contradicts(f"means {means.shape}, variances {variances.shape} and {len(priors)} priors")
    return Model(GaussianBayes(means, variances, np.log(priors)), "softmax")


def _multinomial(fitted: Fitted) -> Part:
    weights, priors = fitted.array("feature_log_prob_", ndim=2), fitted.array("class_log_prior_", ndim=1)
    return _likelihoods(fitted, weights, priors)


def _complement(fitted: Fitted) -> Part:
    weights = fitted.array("feature_log_prob_", ndim=2)
    return _likelihoods(fitted, weights, np.zeros(len(weights)))


def _bernoulli(fitted: Fitted) -> Part:
    present, priors = fitted.array("feature_log_prob_", ndim=2), fitted.array("class_log_prior_", ndim=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        absent = np.log(1 - np.exp(present))
    if not np.isfinite(absent).all():
        raise fitted.contradicts("a feature is always there")
    model = _likelihoods(fitted, present - absent, priors + absent.sum(axis=1))
    return model if not fitted.has("binarize") else Chain((Binarize(fitted.number("binarize")),), model)


def _likelihoods(fitted: Fitted, weights: np.ndarray, bias: np.ndarray) -> Part:
    if len(weights) != len(bias) or len(bias) != len(fitted.classes()):
        raise fitted.contradicts(f"{len(weights)} rows of likelihoods, {len(bias)} priors")
    return Model(Linear(weights, bias), "softmax")


def _quadratic(fitted: Fitted) -> Part:
    means, priors = fitted.array("means_", ndim=2), fitted.array("priors_", ndim=1)
    rotations, scalings = fitted.arrays("rotations_"), fitted.arrays("scalings_")
    fits = len(means) == len(priors) == len(rotations) == len(scalings) == len(fitted.classes())
    if not fits or not all(one.ndim == 2 and one.shape == (means.shape[1], len(s)) and (s > 0).all()
                           for one, s in zip(rotations, scalings, strict=True)):  # fmt: skip
        raise fitted.contradicts("its rotations and scalings are not one for each class")
    turned = tuple(rotation / np.sqrt(scaling) for rotation, scaling in zip(rotations, scalings, strict=True))
    constants = np.log(priors) - 0.5 * np.asarray([np.log(scaling).sum() for scaling in scalings])
    return Model(Quadratic(means, turned, constants), "softmax")


BAYES: dict[str, Callable[[Fitted], Part]] = {
    "GaussianNB": _gaussian,
    "MultinomialNB": _multinomial,
    "ComplementNB": _complement,
    "BernoulliNB": _bernoulli,
    "QuadraticDiscriminantAnalysis": _quadratic,
}
