"""OpenTimelineIO: the medium as one clip, and a marker on it for each sign or moment, for editing programs.

The file is written as its documentation describes it; no library of its own is needed for that.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from service.export.answer import HighlightsExport, MediaFile, SignsExport
from service.export.edl import frame_rate
from service.export.text import one_line
from service.export.ticks import Span, ticks

Node = dict[str, Any]

OTIO_SCHEMA = {
    "type": "object",
    "properties": {"OTIO_SCHEMA": {"type": "string"}, "tracks": {"type": "object"}, "metadata": {"type": "object"}},
    "required": ["OTIO_SCHEMA", "tracks", "metadata"],
}
"""Of its JSON, as far as it is ours: a Timeline.1."""


def signs_to_otio(answer: SignsExport) -> str:
    """A marker for each sign, named by its label."""
    names = [one_line(answer.texts.get(sign.label, sign.label)) for sign in answer.signs]
    notes = [{"confidence": sign.confidence} for sign in answer.signs]
    metadata = {"model": answer.model, "created": answer.created.isoformat(), "warnings": list(answer.warnings)}
    return _timeline(answer.media, answer.signs, names, notes, metadata)


def moments_to_otio(answer: HighlightsExport) -> str:
    """A marker for each moment that stands out, named by its score."""
    names = [f"{moment.score:.2f}" for moment in answer.moments]
    notes = [{"score": moment.score, "peak_s": moment.peak_s} for moment in answer.moments]
    metadata = {"model": answer.title, "warnings": list(answer.warnings)}
    return _timeline(answer.media, answer.moments, names, notes, metadata)


def _timeline(
    media: MediaFile, spans: Sequence[Span], names: Iterable[str], notes: Iterable[Node], metadata: Node
) -> str:
    """Times count the medium's frames from 0, as the edit list does."""
    rate = frame_rate(media)
    frames = ticks(spans, rate)
    whole = round((media.duration_s or 0.0) * rate)
    length = max([whole, *(end for _, end in frames)], default=0)
    markers = [
        {
            "OTIO_SCHEMA": "Marker.2",
            "name": name,
            "color": "GREEN",
            "comment": "",
            "marked_range": _range(start, end - start, rate),
            "metadata": {"sign-service": note},
        }
        for (start, end), name, note in zip(frames, names, notes, strict=True)
    ]
    name = one_line(media.name)
    clip = {
        "OTIO_SCHEMA": "Clip.2",
        "name": name,
        "source_range": _range(0, length, rate),
        "active_media_reference_key": "DEFAULT_MEDIA",
        "media_references": {"DEFAULT_MEDIA": _reference(media, length, rate)},
        "markers": markers,
        "effects": [],
        "enabled": True,
        "metadata": {},
    }
    track = {"OTIO_SCHEMA": "Track.1", "name": "", "kind": "Video", "children": [clip], **_bare()}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track], **_bare()}
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": name,
        "global_start_time": None,
        "tracks": stack,
        "metadata": {"sign-service": metadata},
    }
    return json.dumps(timeline, ensure_ascii=False, indent=1) + "\n"


def _reference(media: MediaFile, length: int, rate: float) -> Node:
    """Where the medium lies, as far as its exporter knows."""
    target = media.way or media.place or media.name
    if not target:
        return {"OTIO_SCHEMA": "MissingReference.1", "name": "", "available_range": None, "metadata": {}}
    available = _range(0, length, rate)
    return {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": "",
        "target_url": target,
        "available_range": available,
        "metadata": {},
    }


def _bare() -> Node:
    return {"source_range": None, "effects": [], "markers": [], "enabled": True, "metadata": {}}


def _range(start: int, length: int, rate: float) -> Node:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start, rate), "duration": _time(length, rate)}


def _time(value: int, rate: float) -> Node:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(value), "rate": rate}
