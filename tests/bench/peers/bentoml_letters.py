"""asl-letters behind BentoML, as its documentation has it: bentoml serve tests.bench.peers.bentoml_letters:Letters."""

from pathlib import Path
from typing import Any

import bentoml

from tests.bench import letters

WORKERS = 2


@bentoml.service(workers=WORKERS)
class Letters:
    """A clip as the field `file` of a form, answered in a worker process."""

    def __init__(self) -> None:
        self._letters = letters.Letters()

    @bentoml.api
    def predict(self, file: Path) -> dict[str, Any]:
        return self._letters.answer(str(file))
