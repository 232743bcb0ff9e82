"""SessionStats: what became of a session's frames, and how long their answers took."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from service.contract.messages import Latency
from service.metrics import Metrics

_NEWEST = 4096


@dataclass(slots=True)
class SessionStats:
    """Counts of one session; those of sampler and queue are theirs. duration_s: of the frames, in their own time."""

    metrics: Metrics
    received: int = 0
    processed: int = 0
    broken: int = 0
    duration_s: float = 0.0
    _last_s: float | None = None
    _latencies_s: deque[float] = field(default_factory=lambda: deque(maxlen=_NEWEST))
    _counted: dict[str, int] = field(default_factory=dict)

    def note_answer(self, latency_s: float) -> None:
        """One frame's answer is about to go out."""
        self.processed += 1
        self._latencies_s.append(latency_s)
        self.metrics.stream_latency.observe(latency_s)

    def note_frame(self, time_s: float) -> None:
        """A frame of this time came; duration_s goes on with what is later than all before."""
        if self._last_s is None or time_s > self._last_s:
            self.duration_s += 0.0 if self._last_s is None else time_s - self._last_s
            self._last_s = time_s

    def reset_clock(self) -> None:
        """The next frame's time begins anew."""
        self._last_s = None

    @property
    def latency(self) -> Latency:
        if not self._latencies_s:
            return Latency(p50=None, p95=None)
        p50, p95 = np.percentile(np.array(self._latencies_s) * 1000, (50, 95))
        return Latency(p50=round(float(p50), 2), p95=round(float(p95), 2))

    def publish(self, **totals: int) -> None:
        """Bring the counter of frames by outcome up to these totals."""
        for outcome, total in totals.items():
            self.metrics.stream_frames.labels(outcome).inc(total - self._counted.get(outcome, 0))
            self._counted[outcome] = total
