"""LIBSVM's probabilities of several classes, coupled from those of each pair.

Wu, Lin and Weng, "Probability Estimates for Multi-class Classification by Pairwise Coupling" (JMLR 5, 2004), their
second method: minimize pᵀQp by coordinates. LIBSVM stops as soon as no |(Qp)ₜ − pᵀQp| reaches 0.005 / C, which is
early: what it answers is where it stops, not the minimum. So the same steps are done here, and in the graph.
"""

import numpy as np

from convert.sklearn.parts import Doubles, SupportVectors

LEAST = 1e-7
"""A pair's probability is kept so far from 0 and 1."""
STOP = 0.005
SWEEPS = 100


def coupled(part: SupportVectors, pairs: Doubles) -> Doubles:
    """N × C probabilities of N × C(C − 1) / 2 decisions."""
    if part.slope is None or part.shift is None:
        raise TypeError("it was fitted without probabilities")
    with np.errstate(over="ignore"):
        won = np.clip(1 / (1 + np.exp(part.slope * pairs + part.shift)), LEAST, 1 - LEAST)
    return np.stack([_coupled_row(row, len(part.counts)) for row in won])


def _coupled_row(won: Doubles, classes: int) -> Doubles:
    r = np.zeros((classes, classes))
    r[np.triu_indices(classes, 1)] = won
    r += np.tril(1 - r.T, -1)
    q = -r.T * r
    np.fill_diagonal(q, (r**2).sum(axis=0))
    p = np.full(classes, 1 / classes)
    for _ in range(max(SWEEPS, classes)):
        qp = q @ p
        pqp = p @ qp
        if np.abs(qp - pqp).max() < STOP / classes:
            break
        for t in range(classes):
            step = (pqp - qp[t]) / q[t, t]
            p[t] += step
            pqp = (pqp + step * (step * q[t, t] + 2 * qp[t])) / (1 + step) / (1 + step)
            qp = (qp + step * q[t]) / (1 + step)
            p /= 1 + step
    return p
