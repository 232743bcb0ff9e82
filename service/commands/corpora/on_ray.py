"""On Ray: a corpus through the cores of several machines. The one module that knows Ray.

Actors answer, and this process keeps what they answer: they need the media and the models, not the output folder.
"""

import asyncio
import logging
import os
import pickle
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import ray
import ray.data

import service
from service.commands.batch import Batch
from service.commands.corpora.items import Item
from service.commands.corpora.keeping import Keeping
from service.commands.corpora.question import Answered, Question
from service.commands.environment import command_settings, configure_logs
from service.context import AppContext, open_services
from service.registry.registry import ServedModel
from service.settings import Settings

LOCAL: Final = "local"
_MOST_IN_A_BLOCK: Final = 8
"""What an actor answers before any of it is kept: so much is done again after an end of the driver."""

_BLOCKS_AN_ACTOR: Final = 4
_MIB: Final = 1024 * 1024


class Answering:
    """An actor on one core, with its slot and its model, as long as the corpus lasts."""

    def __init__(self, question: Question, model: tuple[str, int], settings: Settings) -> None:
        configure_logs("warning")
        self._question = question
        self._model = model
        self._settings = command_settings(settings, 1)
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="answers", daemon=True).start()
        self._stack = AsyncExitStack()
        self._context, self._served = self._wait_for(self._open())

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[bytes]]:
        """The answers to items, each pickled."""
        items = [Item(str(name), str(address)) for name, address in zip(batch["name"], batch["address"], strict=True)]
        return {"answered": [pickle.dumps(self._wait_for(self._answer(item))) for item in items]}

    async def _open(self) -> tuple[AppContext, ServedModel]:
        context = await self._stack.enter_async_context(open_services(self._settings, only=self._model))
        return context, await context.registry.get(*self._model)

    async def _answer(self, item: Item) -> Answered:
        return await self._question.answer(item, self._context, self._served)

    def _wait_for(self, work: Any) -> Any:  # noqa: ANN401 - a coroutine and what it gives
        running: Future[Any] = asyncio.run_coroutine_threadsafe(work, self._loop)
        return running.result()


def answer_on_ray(
    question: Question,
    model: tuple[str, int],
    items: Sequence[Item],
    settings: Settings,
    batch: Batch,
    keeping: Keeping,
    address: str,
) -> None:
    """Ask of each item, on all cores of the cluster but one. address: of its head; `local`: one is started here."""
    own = {"num_cpus": settings.slots + 1, "object_store_memory": 512 * _MIB, "include_dashboard": False}
    variables = {"PYTHONPATH": _code(), "OPENBLAS_NUM_THREADS": "1"}
    ray.init(
        runtime_env={"env_vars": variables},
        logging_level=logging.ERROR,
        log_to_driver=False,
        **(own if address == LOCAL else {"address": address}),
    )
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        # One core is left: where actors hold all of them, Ray Data waits for ever for one to read or write with.
        actors = max(1, int(ray.cluster_resources().get("CPU", 1)) - 1)
        in_a_block = max(1, min(_MOST_IN_A_BLOCK, len(items) // (actors * _BLOCKS_AN_ACTOR)))
        # Without so many blocks a list is one of them, and one actor does everything.
        asked = ray.data.from_items([asdict(item) for item in items], override_num_blocks=-(-len(items) // in_a_block))
        answered = asked.map_batches(
            Answering,
            fn_constructor_args=(question, model, settings),
            compute=ray.data.ActorPoolStrategy(size=min(actors, len(items))),
            batch_size=None,
            batch_format="numpy",
            num_cpus=1,
        )
        with batch.show():
            for block in answered.iter_batches(batch_size=None, batch_format="numpy", prefetch_batches=0):
                for one in block["answered"]:
                    keeping.keep(pickle.loads(one))  # noqa: S301 - of our own actors
                    batch.finish_one(1.0)
    finally:
        ray.shutdown()


def _code() -> str:
    """Where actors find this package, where it is not installed."""
    root = str(Path(service.__file__).parents[1])
    return os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
