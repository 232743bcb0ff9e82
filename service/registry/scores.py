"""What a graph gives → probabilities: activation, temperature, and the vote of rows. Pure; arithmetic in float64."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from service.errors import SignError
from service.registry.manifest import Output
from service.track import FloatArray

Doubles = npt.NDArray[np.float64]

_TINY = float(np.finfo(np.float32).tiny)
_HUGE = float(np.finfo(np.float32).max)


def check_numbers(raw: FloatArray, output: Output, who: str) -> None:
    """Raise SignError `model-failed` where the graph gave what is no number; `who` names the model.

    Minus infinity is a logit that says never; a row needs at least one other.
    """
    if output.activation == "softmax":
        fine = np.all(raw < np.inf, axis=1) & np.any(raw > -np.inf, axis=1)  # NaN compares false
    elif output.activation == "sigmoid":
        fine = ~np.isnan(raw).any(axis=1)
    else:
        fine = np.isfinite(raw).all(axis=1)
    fine &= np.isfinite(raw[:, list(output.measures)]).all(axis=1)
    if not fine.all():
        raise SignError(
            "model-failed",
            f"{who} gave no numbers (NaN or infinity) for {int((~fine).sum())} of {len(raw)} rows. "
            "Its weights or its preprocessing do not fit this input.",
        )


def answer_width(output: Output, raw_width: int) -> int:
    """Probabilities that come of `raw_width` numbers: one number y stands for [1 − y, y]."""
    return 2 if output.is_binary else raw_width


def probabilities(raw: FloatArray, output: Output) -> FloatArray:
    """R × C probabilities, one row for each of the R rows that the graph gave.

    softmax, sigmoid: applied to raw / temperature. probabilities: taken as they are; with a temperature other than 1
    the softmax of their logarithms / temperature. none: values as they are, whatever the temperature. Measures beside
    emotions stay as they are.
    """
    if output.measures:
        emotions = list(output.emotions)
        answers = raw.copy()
        answers[:, emotions] = probabilities(raw[:, emotions], output.model_copy(update={"channels": None}))
        return answers
    if output.activation == "none":
        return raw
    if output.activation == "probabilities" and output.temperature == 1.0:
        clipped = np.clip(raw.astype(np.float64), 0.0, 1.0)
        return _to_float32(np.concatenate([1.0 - clipped, clipped], axis=1) if output.is_binary else clipped)
    if _is_multi_label(output):
        return _to_float32(_expit(raw.astype(np.float64) / output.temperature))
    return _to_float32(np.exp(_log_probabilities(raw, output)))


def vote(raw: FloatArray, output: Output) -> FloatArray:
    """The C probabilities of one window of R ≥ 1 rows, whatever their order.

    Softmax of the mean of the rows' log-probabilities, after temperature; where labels do not exclude each other
    (sigmoid of more than one label) each label votes for itself; values without activation are averaged, and so are
    the answers where emotions stand beside measures.
    """
    if len(raw) == 1:
        return probabilities(raw, output).reshape(-1)
    if output.measures:
        return _to_float32(probabilities(raw, output).astype(np.float64).mean(axis=0))
    if output.activation == "none":
        return _to_float32(raw.astype(np.float64).mean(axis=0))
    if _is_multi_label(output):
        logits = np.clip(raw.astype(np.float64) / output.temperature, np.log(_TINY), -np.log(_TINY))
        return _to_float32(_expit(logits.mean(axis=0)))
    mean = _log_probabilities(raw, output).mean(axis=0, keepdims=True)
    return _to_float32(np.exp(_log_softmax(mean))[0])


def votes(raw: FloatArray, lengths: Sequence[int], output: Output) -> FloatArray:
    """W × C: the vote of each window, whose rows follow one another in `raw`; zeros for a window without rows."""
    answers = np.zeros((len(lengths), answer_width(output, raw.shape[1])), np.float32)
    start = 0
    for window, length in enumerate(lengths):
        if length:
            answers[window] = vote(raw[start : start + length], output)
        start += length
    return answers


def _is_multi_label(output: Output) -> bool:
    return output.activation == "sigmoid" and not output.is_binary


def _log_probabilities(raw: FloatArray, output: Output) -> Doubles:
    """R × C logarithms after temperature, none below the logarithm of the smallest float32."""
    values = raw.astype(np.float64)
    if output.activation == "sigmoid":
        values = np.clip(values, -_HUGE, _HUGE)
        logits = np.concatenate([np.zeros_like(values), values], axis=1)  # softmax([0, z]) = [1 − σ(z), σ(z)]
    elif output.activation == "probabilities":
        shares = np.concatenate([1.0 - values, values], axis=1) if output.is_binary else values
        logits = np.log(np.clip(shares, _TINY, 1.0))
    else:
        logits = values
    return np.maximum(_log_softmax(logits / output.temperature), np.log(_TINY))


def _to_float32(values: Doubles) -> FloatArray:
    return np.asarray(values, np.float32)


def _log_softmax(logits: Doubles) -> Doubles:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _expit(logits: Doubles) -> Doubles:
    return np.asarray(np.exp(-np.logaddexp(0.0, -logits)))
