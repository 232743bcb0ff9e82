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
class Speed:
    """Of one server and clip. single_ms: each answer's time; rates: answers a second, by how many clients asked."""

    single_ms: list[float] = field(default_factory=list)
    rates: dict[int, list[float]] = field(default_factory=lambda: {2: [], 4: []})


@dataclass(slots=True)
class Figures:
    """Of one server. speeds: by what the clip shows."""

    speeds: dict[str, Speed] = field(default_factory=dict)
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


def page(found: dict[str, Figures], clip_s: float, loads: tuple[float, float]) -> str:
    """docs/benchmarks/peers.md. clip_s: how long the clips are; loads: load averages before and after."""
    now = datetime.now(UTC)
    lines = [
        "# Beside LitServe and BentoML",
        "",
        f"Written by `make bench-peers`, not by hand. asl-letters on clips of {clip_s:.1f} s, answered by",
        "LitServe 0.2.19 and BentoML 1.4.40 with MediaPipe 0.10.21, by this service with its engine, two workers",
        f"each, on one machine of {os.cpu_count()} cores, in turns. {now:%Y-%m-%d}, load average {loads[0]:.1f}",
        f"before, {loads[1]:.1f} after.",
        "",
    ]
    for clip in next(iter(found.values())).speeds:
        lines += _speed_lines(clip, {name: figures.speeds[clip] for name, figures in found.items()})
    lines += [
        f"{CROWD} callers at once, each of whom waits {CROWD_PATIENCE_S:g} s; and a caller who comes right after",
        f"{HANG_UPS} others, of clips of {LONG_REPEATS * clip_s:.0f} s, have hung up.",
        "",
        "| | answered | slowest | refused | told within | gave up | answered after hang-ups | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, figures in found.items():
        if (many := figures.crowd) is not None:
            lines.append(
                f"| {name} | {many.answered} | {many.slowest_s:.1f} s | {many.refused} "
                f"| {f'{many.refused_s:.2f} s' if many.refused else '–'} | {many.gave_up} "
                f"| {statistics.median(figures.after_hang_up_s):.1f} s | {figures.memory_mb:.0f} MB |"
            )
    return "\n".join([*lines, ""])


def _speed_lines(clip: str, speeds: dict[str, Speed]) -> list[str]:
    lines = [f"| {clip} | single, p50 | 2 clients, answers/s | 4 clients, answers/s |", "|---|---|---|---|"]
    for name, speed in speeds.items():
        two, four = (statistics.median(speed.rates[clients]) for clients in (2, 4))
        lines.append(f"| {name} | {statistics.median(speed.single_ms):.0f} ms | {two:.2f} | {four:.2f} |")
    ours, *others = speeds.values()
    single = min(statistics.median(one.single_ms) for one in others) / statistics.median(ours.single_ms)
    ratios = [
        statistics.median(ours.rates[clients]) / max(statistics.median(one.rates[clients]) for one in others)
        for clients in (2, 4)
    ]
    verdicts = [f"{ratio:.2f} ×, {'reached' if ratio >= AIM else 'missed'}" for ratio in ratios]
    return [*lines, f"| against the better of the two (aim {AIM} ×) | {single:.2f} × | {' | '.join(verdicts)} |", ""]
