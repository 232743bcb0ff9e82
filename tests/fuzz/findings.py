"""What came of the inputs of a fuzzing run, how long it goes on, and where those that went wrong are kept."""

import argparse
import collections
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Budget:
    """How many inputs, or seconds, from which seed; keep: where inputs that went wrong are kept."""

    count: int | None
    seconds: float
    seed: int
    keep: Path


@dataclass(slots=True)
class Findings:
    """Outcomes by name, and how many inputs went wrong."""

    what: str
    budget: Budget
    outcomes: "collections.Counter[str]" = field(default_factory=collections.Counter)
    wrong: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def go_on(self) -> bool:
        """Whether there is time, and there are inputs, left."""
        limit = self.budget.count
        return (limit is None or self.inputs < limit) and time.monotonic() - self.began < self.budget.seconds

    @property
    def inputs(self) -> int:
        return self.outcomes.total()

    def about_to_try(self, data: bytes) -> None:
        """Keep the input until the next: it is there when the process dies."""
        (self.budget.keep / f"{self.what}-last").write_bytes(data)

    def note(self, outcome: str, wrong: str | None = None, data: bytes = b"") -> None:
        """What came of an input; wrong: what should not have, which is printed and its input kept."""
        self.outcomes[outcome] += 1
        if wrong is None:
            return
        self.wrong += 1
        kept = self.budget.keep / f"{self.what}-wrong-{self.budget.seed}-{self.inputs}"
        kept.write_bytes(data)
        sys.stderr.write(f"{kept}: {outcome}: {wrong}\n")

    def tell(self, more: str = "") -> int:
        """Print what came of all inputs; the exit status, 1 where something went wrong."""
        told = ", ".join(f"{name} {number}" for name, number in self.outcomes.most_common())
        sys.stdout.write(f"{self.inputs} {self.what} from seed {self.budget.seed}: {told}; wrong {self.wrong}{more}\n")
        sys.stdout.flush()
        return 1 if self.wrong else 0


def read_budget() -> Budget:
    """The budget that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()))
    asked = parser.parse_args()
    asked.keep.mkdir(parents=True, exist_ok=True)
    return Budget(asked.count, asked.seconds, asked.seed, asked.keep)
