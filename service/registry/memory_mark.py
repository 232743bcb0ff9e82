"""How far a process grows: what a graph really takes shows when it is tried out."""

import sys
from dataclasses import dataclass
from pathlib import Path

_STATM = Path("/proc/self/statm")


@dataclass(frozen=True, slots=True)
class MemoryMark:
    """Resident memory of this process at one moment, and the most until then; what came after is measured by it."""

    resident: int
    peak: int

    @classmethod
    def now(cls) -> "MemoryMark":
        """The mark of this moment; zeros where the system does not tell."""
        if sys.platform != "linux":
            return cls(0, 0)
        import resource  # noqa: PLC0415 - not everywhere

        try:
            pages = int(_STATM.read_text(encoding="ascii").split()[1])
        except OSError:
            return cls(0, 0)
        return cls(pages * resource.getpagesize(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10)

    def growth_bytes(self) -> int:
        """The most that the process has grown since, as far as it shows: not where it has been as large before."""
        now = MemoryMark.now()
        return max(0, (now.peak if now.peak > self.peak else now.resident) - self.resident)
