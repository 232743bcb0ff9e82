"""Placement: a graph onto the first provider that loads it, runs it, and answers as the CPU does."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np

from service.errors import InvalidModelError, SignError
from service.execution_providers import CPU, Provider
from service.registry.manifest import SAMPLE_FILE, Manifest
from service.registry.parity_sample import Sample, drawn_values, read_sample
from service.registry.providers import Place, Precision
from service.registry.session import ModelSession
from service.registry.store import StoredModel
from service.track import FloatArray

TOLERANCE = 1e-4
"""Largest difference of a provider's answers from the CPU's, times the largest of them (at least 1), where the manifest
names none: what the order of sums in float32 moves in deep networks."""
COARSE = {"tf32": 1e-2, "bf16": 5e-2}
"""The same where an operator allows less precision: a mantissa of 10 and of 7 bits."""

Why = Literal["failed", "parity", "memory"]


@dataclass(frozen=True, slots=True)
class Fallback:
    """A provider that does not serve the model, and why."""

    provider: str
    why: Why
    reason: str

    @property
    def sentence(self) -> str:
        return f"{self.provider}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ProviderParity:
    """How far the provider's answers are from the CPU's on a sample, and how far they may be.

    against: the answers that the model was published with, or those of the CPU here.
    """

    samples: int
    max_abs_diff: float
    bound: float
    against: Literal["stored", "cpu"]

    @property
    def holds(self) -> bool:
        return self.max_abs_diff <= self.bound  # NaN does not


@dataclass(frozen=True, slots=True)
class Placed:
    """A session that answers, where it is, what was measured there, and which providers were tried before."""

    session: ModelSession
    parity: ProviderParity | None = None
    fallbacks: tuple[Fallback, ...] = ()

    @property
    def provider(self) -> Provider:
        return self.session.place.provider


def place_model(
    stored: StoredModel,
    places: Sequence[Place | Fallback],
    precision: Precision = "float32",
    most_bytes: int = sys.maxsize,
) -> Placed:
    """The model on the first of these places that serves it; blocking. The last is the CPU's.

    A Fallback among them stands for a place that is known not to do. Raises InvalidModelError where the CPU refuses the
    model.
    """
    fallbacks: list[Fallback] = []
    with _reference(stored, places, most_bytes) as reference:
        for place in places:
            if isinstance(place, Fallback):
                fallbacks.append(place)
                continue
            if place.provider is CPU:
                return Placed(reference.session(), None, tuple(fallbacks))
            tried = _try(stored, place, reference, precision, most_bytes)
            if isinstance(tried, Placed):
                return Placed(tried.session, tried.parity, tuple(fallbacks))
            fallbacks.append(tried)
    raise RuntimeError("no place was the CPU's")


def _try(
    stored: StoredModel, place: Place, reference: "_Reference", precision: Precision, most_bytes: int
) -> Placed | Fallback:
    name = place.provider.name
    try:
        session = ModelSession(stored, most_bytes=most_bytes, place=place)
        session.try_out()
    except InvalidModelError as error:
        return Fallback(name, "failed", str(error))
    try:
        parity = _measure(session, reference, precision)
    except SignError as error:
        session.close()
        return Fallback(name, "failed", f"it fails on the sample: {error.__cause__ or error.detail}")
    if parity is not None and not parity.holds:
        session.close()
        said = f"its answers are {parity.max_abs_diff:.2g} from the CPU's, {parity.bound:.2g} are allowed"
        return Fallback(name, "parity", said)
    return Placed(session, parity)


def _measure(session: ModelSession, reference: "_Reference", precision: Precision) -> ProviderParity | None:
    """How far the session's answers are from the reference's; None of a model that cannot be asked."""
    sample = reference.sample(session)
    if sample is None:
        return None
    given = session.run(sample.values, sample.mask)
    far = float(np.abs(given.astype(np.float64) - sample.outputs).max())
    bound = _bound(reference.manifest, sample.outputs, precision)
    return ProviderParity(len(sample.values), far, bound, sample.against)


def _bound(manifest: Manifest, outputs: FloatArray, precision: Precision) -> float:
    largest = max(1.0, float(np.abs(outputs).max()))
    if precision != "float32":
        return COARSE[precision] * largest
    own = 0.0 if manifest.parity is None else manifest.parity.tolerance
    return own or TOLERANCE * largest


class _Reference:
    """The CPU's session and the sample, each made when it is first needed, and once."""

    def __init__(self, stored: StoredModel, place: Place, most_bytes: int) -> None:
        self.manifest = stored.manifest
        self._stored = stored
        self._place = place
        self._most_bytes = most_bytes
        self._session: ModelSession | None = None
        self._sample: Sample | None = None
        self.is_taken = False

    def session(self) -> ModelSession:
        """The session on the CPU, tried out, for whoever serves with it."""
        self.is_taken = True
        return self._on_cpu()

    def sample(self, session: ModelSession) -> Sample | None:
        """Rows and the answers to compare with."""
        if self._sample is None and SAMPLE_FILE in self.manifest.files:
            self._sample = read_sample(self._stored)
        if self._sample is None and not session.is_kept_only:
            values = drawn_values(self.manifest, session.row_shape, session.fixed_rows)
            self._sample = Sample(values, None, self._on_cpu().run(values, None), "cpu")
        return self._sample

    def close(self) -> None:
        if self._session is not None and not self.is_taken:
            self._session.close()

    def _on_cpu(self) -> ModelSession:
        if self._session is None:
            session = ModelSession(self._stored, most_bytes=self._most_bytes, place=self._place)
            session.try_out()
            self._session = session
        return self._session


@contextmanager
def _reference(stored: StoredModel, places: Sequence[Place | Fallback], most_bytes: int) -> Iterator[_Reference]:
    last = places[-1]
    reference = _Reference(stored, last if isinstance(last, Place) else Place(), most_bytes)
    try:
        yield reference
    finally:
        reference.close()
