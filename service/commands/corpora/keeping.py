"""Keeping: what becomes of an answer: first the medium's own file, then its rows, so that what is done is all there."""

import threading

from service.commands.batch import Batch
from service.commands.corpora.question import Answered, Question
from service.commands.corpora.results import Keeper, Results
from service.commands.outputs import write_whole


class Keeping:
    """Keeps answers as they come, from any thread. failed: media that have none."""

    def __init__(self, question: Question, results: Results, batch: Batch) -> None:
        self._question = question
        self._keeper = Keeper(results)
        self._batch = batch
        self._one_at_a_time = threading.Lock()
        self.failed = 0

    def keep(self, answered: Answered) -> None:
        """Write what was found, soon. Raises OSError where it cannot be written."""
        if answered.file is not None:
            write_whole(self._question.place_of(answered.item), answered.file)
        with self._one_at_a_time:
            if answered.failed is not None:
                self.failed += 1
                self._batch.fail(answered.item.name, answered.failed)
            self._keeper.keep(answered.rows)

    def flush(self) -> None:
        """Write what is not written yet."""
        with self._one_at_a_time:
            self._keeper.flush()
