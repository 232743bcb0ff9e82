"""House: what lives as long as the server and every use case needs."""

from dataclasses import dataclass
from pathlib import Path

from service.metrics import Metrics
from service.registry.registry import Registry
from service.settings import Settings
from service.workers.slots import Slots


@dataclass(slots=True)
class House:
    """The rooms that a use case walks through. spool: the private folder of media that are being read."""

    settings: Settings
    metrics: Metrics
    registry: Registry
    slots: Slots
    spool: Path
    shutting_down: bool = False

    def missing(self) -> list[str]:
        """What keeps the service from answering right now, in words; nothing when it is ready."""
        missing = []
        if self.shutting_down:
            missing.append("the service is shutting down")
        if not self.slots.ready:
            missing.append("no slot is running yet")
        if not self.registry.ready:
            missing.append(self.registry.missing)
        return missing
