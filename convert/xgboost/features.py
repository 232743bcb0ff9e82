"""What a forest's feature names say of their order: a series gives statistic after statistic, channels within each."""

import json
import re
from itertools import groupby

_WORDS = {"mean": ("mean", "avg", "average"), "std": ("std", "stdev", "sd"), "max": ("max",), "min": ("min",)}


def note_order(names: tuple[str, ...]) -> tuple[str, ...]:
    """Sentences on the order that the names tell, where each of them names one statistic."""
    found = [_statistic(name) for name in names]
    if not found or None in found:
        return (f"The file names its features: {', '.join(names[:8])} …",) if names else ()
    blocks = [statistic for statistic, _ in groupby(found)]
    if len(set(blocks)) != len(blocks) or len(names) % len(blocks):
        note = (
            f"The feature names go channel by channel ({', '.join(names[:4])} …); the service gives statistic after "
            "statistic, so this head would read the wrong numbers."
        )
        return (note,)
    order = json.dumps(blocks)
    return (f"The feature names tell the order {', '.join(map(str, blocks))}: --set statistics='{order}'.",)


def _statistic(name: str) -> str | None:
    words = set(re.split(r"[^a-z]+", name.lower()))
    told = [statistic for statistic, known in _WORDS.items() if words & set(known)]
    return told[0] if len(told) == 1 else None
