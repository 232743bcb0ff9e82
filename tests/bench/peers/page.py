"""What was measured of the servers, and docs/benchmarks/peers.md made of it."""

import os
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime

AIM = 1.4
CROWD = 40
CROWD_PATIENCE_S = 10.0
HANG_UPS = 4
LONG_REPEATS = 20


@dataclass(slots=True)
class Figures:
    """Of one server. single_ms: each answer's time; rates: answers a second, by how many clients asked."""

    single_ms: list[float] = field(default_factory=list)
    rates: dict[int, list[float]] = field(default_factory=lambda: {2: [], 4: []})
    crowd: "Crowd | None" = None
    after_hang_up_s: list[float] = field(default_factory=list)
    memory_mb: float = 0.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """CROWD clients at once, each for CROWD_PATIENCE_S. refused_s: how soon those learned it who were refused."""

    answered: int
    refused: int
    gave_up: int
    slowest_s: float
    refused_s: float


def page(found: dict[str, Figures], loads: tuple[float, float]) -> str:
    """docs/benchmarks/peers.md."""
    now = datetime.now(UTC)
    lines = [
        "# Beside LitServe and BentoML",
        "",
        "Written by `make bench-peers`, not by hand. asl-letters on a clip of 1.5 s, answered by LitServe 0.2.19 and",
        "BentoML 1.4.40 with MediaPipe 0.10.21, by this service with its engine, two workers each, on one machine of",
        f"{os.cpu_count()} cores, in turns. Load average {loads[0]:.1f} before, {loads[1]:.1f} after; {now:%Y-%m-%d}.",
        "",
        "| | single, p50 | 2 clients, answers/s | 4 clients, answers/s | memory |",
        "|---|---|---|---|---|",
    ]
    for name, figures in found.items():
        rates = [statistics.median(figures.rates[clients]) for clients in (2, 4)]
        lines.append(
            f"| {name} | {statistics.median(figures.single_ms):.0f} ms | {rates[0]:.2f} | {rates[1]:.2f} "
            f"| {figures.memory_mb:.0f} MB |"
        )
    ours, *others = found.values()
    lines += ["", "| against the better of the two | ratio | aim |", "|---|---|---|"]
    single = min(statistics.median(one.single_ms) for one in others) / statistics.median(ours.single_ms)
    lines.append(f"| single, p50 | {single:.2f} × as fast | |")
    for clients in (2, 4):
        best = max(statistics.median(one.rates[clients]) for one in others)
        ratio = statistics.median(ours.rates[clients]) / best
        verdict = "reached" if ratio >= AIM else "missed"
        lines.append(f"| {clients} clients, answers/s | {ratio:.2f} | ≥ {AIM}: {verdict} |")
    lines += [
        "",
        f"{CROWD} callers at once, each of whom waits {CROWD_PATIENCE_S:g} s; and a caller who comes right after",
        f"{HANG_UPS} others, of clips of {LONG_REPEATS * 1.5:g} s, have hung up.",
        "",
        "| | answered | slowest | refused | told within | gave up | answered after hang-ups |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, figures in found.items():
        if (many := figures.crowd) is not None:
            lines.append(
                f"| {name} | {many.answered} | {many.slowest_s:.1f} s | {many.refused} "
                f"| {f'{many.refused_s:.2f} s' if many.refused else '–'} | {many.gave_up} "
                f"| {statistics.median(figures.after_hang_up_s):.1f} s |"
            )
    return "\n".join([*lines, ""])
