"""ServedModel: a model that answers, for as long as somebody holds it."""

import asyncio
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

import numpy as np
import numpy.typing as npt

from service.errors import SignError
from service.metrics import Metrics
from service.pipelines import Observing
from service.pipelines.rows import ModelRows
from service.registry.batcher import Batcher
from service.registry.cores import Rules
from service.registry.manifest import Manifest
from service.registry.placement import Placed
from service.registry.scores import check_numbers, probabilities, votes
from service.registry.store import StoredModel
from service.registry.threads import ReplaceableThreads
from service.track import FloatArray


class ServedModel:
    """A verified, warmed-up version.

    Whoever got one may use it to the end of what they do: unloading takes it out of the registry, and its memory goes
    back when the last request that holds it has ended. `required` is the model that it reads from, held likewise, and
    `over_time` the one that says in its place what is signed when. `when_given_up` is called, with the model and the
    reason, when its inferences have to be stopped again and again; `when_answered` after each one, with whether it went
    well. `shadow_of`: the version, if there is one, whose answers are compared with this one's. `placed` says on what
    it runs.
    """

    def __init__(
        self,
        stored: StoredModel,
        placed: Placed,
        threads: ReplaceableThreads,
        metrics: Metrics,
        *,
        rules: Rules,
        memory_bytes: int,
        required: "ServedModel | None" = None,
    ) -> None:
        self.manifest: Manifest = stored.manifest
        self.memory_bytes = memory_bytes
        self.required = required
        self.over_time: ServedModel | None = None
        self.when_given_up: Callable[[ServedModel, str], None] = _keep_quiet
        self.when_answered: Callable[[ServedModel, bool], None] = _keep_quiet
        self.shadow_of: Callable[[], ServedModel | None] = lambda: None
        self.placed = placed
        self._session = session = placed.session
        name, version = stored.manifest.name, str(stored.manifest.version)
        rows_metric = metrics.batch_rows.labels(name)
        seconds_metric = metrics.inference_seconds.labels(name, version)

        def observe(rows: int, seconds: float) -> None:
            rows_metric.observe(rows)
            seconds_metric.observe(seconds)

        me = weakref.ref(self)  # a circle would keep an unloaded model in memory

        def give_up(reason: str) -> None:
            if (model := me()) is not None:
                model.when_given_up(model, reason)

        most_rows = session.most_rows(rules.batch_rows)
        self._batcher = Batcher(
            session.run,
            threads,
            most_rows=most_rows,
            most_s=rules.most_s,
            observe=observe,
            give_up=give_up,
            row_s=session.trial_row_s,
            lanes=rules.lanes(
                most_rows=most_rows,
                row_s=session.trial_row_s,
                threads=session.place.threads,
                batches=placed.provider.has_memory or session.fixed_rows is not None,
            ),
        )

    def __repr__(self) -> str:
        return f"<ServedModel {self.manifest.name} {self.manifest.version}>"

    @property
    def observing(self) -> Observing | None:
        """How media are looked at for it: its own pipeline, or that of the model which it reads from."""
        return (self.required or self).manifest.pipeline.observing

    @property
    def width(self) -> int:
        """Numbers in one answer: C."""
        output = self.manifest.output
        return 2 if output.is_binary else self._session.output_width

    @property
    def most_rows(self) -> int:
        """Rows that one inference takes together."""
        return self._batcher.most_rows

    @property
    def rows_at_once(self) -> int:
        """Rows of one caller that one inference takes."""
        return self._batcher.lanes.rows

    @property
    def side_by_side(self) -> int:
        """Inferences that may run side by side, where cores are idle."""
        return self._batcher.lanes.most

    async def outputs(self, rows: ModelRows, *, is_job: bool = False) -> FloatArray:
        """R × C numbers that the graph gives for R ≥ 1 rows, a job's behind all others'. Raises as `score` does."""
        with self._noted():
            self._check_shape(rows)
            raw = await self._batcher.outputs(rows.values, self._mask([rows]), is_job=is_job)
            check_numbers(raw, self.manifest.output, self._session.who)
        return raw

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Tell whether what happens within the block went well; not where a caller left, or had to wait too long."""
        try:
            yield
        except SignError as error:
            if error.code == "model-failed":
                self.when_answered(self, False)
            raise
        self.when_answered(self, True)

    async def tensors(self, tensors: Mapping[str, npt.NDArray[np.generic]]) -> FloatArray:
        """R × N numbers as the graph gives them, for a caller's own tensors by the names of its inputs.

        They are not looked at, and what fails here is not the version's fault. Raises SignError as `raw`.
        """
        names = {entry.source: entry.name for entry in self.manifest.inputs}
        values = cast("FloatArray", tensors[names["track"]])
        mask = cast("FloatArray | None", tensors.get(names.get("mask", "")))
        if mask is None and self._session.takes_mask:
            mask = np.ones(values.shape[:2], np.float32)
        return await self._batcher.outputs(values, mask)

    def votes(self, raw: FloatArray, lengths: Sequence[int]) -> FloatArray:
        """W × C probabilities of W windows whose rows' outputs follow one another; zeros for one without rows."""
        if not len(raw):
            return np.zeros((len(lengths), self.width), np.float32)
        return votes(raw, lengths, self.manifest.output)

    def each(self, raw: FloatArray) -> FloatArray:
        """R × C probabilities, one answer for each of R rows alone."""
        return probabilities(raw, self.manifest.output)

    async def score(self, rows: Sequence[ModelRows]) -> FloatArray:
        """W × C probabilities, one row for each of the W windows; the rows of a window vote.

        A window without rows shows no evidence: its answer is all zeros. Raises as `raw`.
        """
        raw = await self.raw(rows)
        return await asyncio.to_thread(self.votes, raw, [len(window) for window in rows])

    async def raw(self, rows: Sequence[ModelRows]) -> FloatArray:
        """R × N numbers that the graph gives for all rows of the windows, one after the other.

        Raises SignError: `model-failed` where the graph cannot run on these rows or gives no numbers, `busy` where too
        many callers wait.
        """
        seen = [window for window in rows if len(window)]
        if not seen:
            return np.zeros((0, self._session.output_width), np.float32)
        with self._noted():
            values, mask = await asyncio.to_thread(self._together, seen)
            raw = await self._batcher.outputs(values, mask)
            check_numbers(raw, self.manifest.output, self._session.who)
        return raw

    def close(self) -> None:
        """Stop answering, when the service ends: who asks after that gets SignError `model-failed`."""
        self._batcher.close()
        self._session.close()

    def _together(self, seen: Sequence[ModelRows]) -> tuple[FloatArray, FloatArray | None]:
        """The values and the mask of all windows, one after the other; there may be very many."""
        for window in seen:
            self._check_shape(window)
        return np.concatenate([window.values for window in seen]), self._mask(seen)

    def _mask(self, seen: Sequence[ModelRows]) -> FloatArray | None:
        if not self._session.takes_mask:
            return None
        return np.concatenate(
            [np.ones(window.values.shape[:2], np.float32) if window.mask is None else window.mask for window in seen]
        )

    def _check_shape(self, window: ModelRows) -> None:
        expected = self._session.row_shape
        found = window.values.shape[1:]
        if len(found) == len(expected) and all(
            length == said for length, said in zip(found, expected, strict=True) if isinstance(said, int)
        ):
            return
        raise SignError("model-failed", f"{self._session.who} takes rows of {expected}, its pipeline made {found}.")


def _keep_quiet(_: ServedModel, __: object) -> None:
    """Nobody has asked to be told."""
