"""The job that makes a model of a lesson, and what else changes the models that were taught."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from service import __version__
from service.context import AppContext
from service.errors import InvalidModelError, SignError
from service.jobs.spec import Job, JobSpec
from service.jobs.work import Tell
from service.lessons.apart import Progress, run_apart
from service.lessons.lessons import Lessons
from service.lessons.results import Taught, to_json
from service.registry.manifest import Manifest
from service.teaching.advice import advise
from service.teaching.examples import Example, ExampleError
from service.teaching.publishing import PublishedAs, publish
from service.teaching.training import Phase, TaughtModel, train

KIND: Final = "teach"
_UNKNOWN_YET: Final = 0
"""The version of a model that is yet to be made, as a job's table has it."""

_TOLD_EACH: Final = 0.02
"""Progress is noted in steps of this, since each is written to the jobs' database."""


def training_spec(owner: str, name: str) -> JobSpec:
    """The job that makes a model of what its owner has taught under this name when it begins."""
    return JobSpec(KIND, owner, name, _UNKNOWN_YET, request=b"{}", options=b"{}")


def check_enough(examples: Sequence[Example]) -> None:
    """Raise examples-too-few with what is missing where no model can be made of them."""
    if missing := [advice.text for advice in advise(examples) if advice.blocks]:
        raise SignError("examples-too-few", " ".join(missing))


def make_model(examples: Sequence[Example], progress: Progress) -> TaughtModel:
    """Make a model of examples, in a process of its own. Raises SignError examples-too-few."""
    told = 0.0

    def tell(_phase: Phase, share: float) -> None:
        nonlocal told
        if share >= told + _TOLD_EACH:
            told = share
            progress(share)

    try:
        return train(examples, on_progress=tell)
    except ExampleError as error:
        raise SignError("examples-too-few", str(error)) from None


class Trainer:
    """Makes models of lessons and forgets them, one after the other where both would touch the store."""

    def __init__(self, context: AppContext) -> None:
        self._context = context
        self.lessons = Lessons(context.settings)
        self._changing = asyncio.Lock()

    async def work(self, job: Job, tell: Tell) -> bytes:
        """Make the model, publish and serve it: what a job of this kind does. Gives a `Taught` as JSON."""
        began = time.monotonic()
        owner, name = job.spec.owner, job.spec.model
        examples = await asyncio.to_thread(self.lessons.examples, owner, name)
        made = await run_apart(make_model, examples, tell, self._context.settings.teach_memory_bytes)
        manifest = await asyncio.shield(self._publish(owner, name, made))
        taught = Taught.of(manifest, made, time.monotonic() - began)
        await asyncio.to_thread(self.lessons.keep_result, owner, taught)
        return to_json(taught)

    async def forget_all(self, owner: str, name: str) -> None:
        """Delete a lesson with its model, which answers nobody from then on. Raises as `Lessons.forget_all`."""
        async with self._changing:
            await asyncio.to_thread(self.lessons.forget_all, owner, name)
            await self._context.registry.reload(again=False)

    async def _publish(self, owner: str, name: str, made: TaughtModel) -> Manifest:
        """Publish a model and serve it, unless its lesson was forgotten meanwhile (SignError example-unknown)."""
        store = self._context.settings.taught_store
        async with self._changing:
            await asyncio.to_thread(self.lessons.check_owned, owner, name)
            try:
                manifest = await asyncio.to_thread(publish, made, store, PublishedAs(name, version=__version__))
            except (InvalidModelError, OSError) as error:
                raise SignError("model-failed", f"The model could not be published: {error}") from None
            await self._context.registry.reload(again=False)
        await self._context.registry.get(name, manifest.version)
        return manifest
