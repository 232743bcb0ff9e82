"""On slots: a corpus through this machine's own slots."""

import asyncio
from collections.abc import Sequence

from service.commands.batch import Batch, run_over_slots
from service.commands.corpora.items import Item
from service.commands.corpora.keeping import Keeping
from service.commands.corpora.question import Question
from service.commands.environment import command_settings
from service.context import open_services
from service.settings import Settings


async def answer_on_slots(
    question: Question,
    model: tuple[str, int],
    items: Sequence[Item],
    settings: Settings,
    batch: Batch,
    keeping: Keeping,
) -> None:
    """Ask of each item, as many at once as there are slots."""
    async with open_services(command_settings(settings, len(items)), only=model) as context:
        served = await context.registry.get(*model)

        async def do_one(item: Item) -> None:
            told = 0.0

            def on_progress(share: float) -> None:
                nonlocal told
                told += share
                batch.advance(share)

            answered = await question.answer(item, context, served, on_progress)
            await asyncio.to_thread(keeping.keep, answered)
            batch.finish_one(1.0 - told)

        with batch.show():
            await run_over_slots(items, context.settings.slots, do_one)
