"""Tally: what became of a session's frames, and how long their answers took."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from service.live.messages import Latency
from service.metrics import Metrics

_NEWEST = 4096


@dataclass(slots=True)
class Tally:
    """Counts of one session; those of pacing and mailbox are theirs."""

    metrics: Metrics
    received: int = 0
    processed: int = 0
    broken: int = 0
    first_s: float | None = None
    last_s: float = 0.0
    _latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=_NEWEST))
    _counted: dict[str, int] = field(default_factory=dict)

    def answered(self, latency_s: float) -> None:
        """One frame's answer is about to go out."""
        self.processed += 1
        self._latencies_s.append(latency_s)
        self.metrics.stream_latency.observe(latency_s)

    def saw(self, time_s: float) -> None:
        """A frame of this time came; times after a reset may begin anew."""
        self.first_s = time_s if self.first_s is None else min(self.first_s, time_s)
        self.last_s = max(self.last_s, time_s)

    @property
    def duration_s(self) -> float:
        """From the first frame to the newest, in their own time."""
        return 0.0 if self.first_s is None else self.last_s - self.first_s

    @property
    def latency(self) -> Latency:
        if not self._latencies_s:
            return Latency(p50=None, p95=None)
        p50, p95 = np.percentile(np.array(self._latencies_s) * 1000, (50, 95))
        return Latency(p50=round(float(p50), 2), p95=round(float(p95), 2))

    def count(self, **totals: int) -> None:
        """Bring the counter of frames by outcome up to these totals."""
        for outcome, total in totals.items():
            self.metrics.stream_frames.labels(outcome).inc(total - self._counted.get(outcome, 0))
            self._counted[outcome] = total
