"""The label layout of the Korean AI-Hub sign corpus, as its `*_morpheme.json` files have it."""

import json
from collections.abc import Mapping
from typing import Any

from service.export.answer import SignsExport
from service.export.ticks import MILLISECONDS, ticks

_TEXT, _SECONDS = {"type": "string"}, {"type": "number", "minimum": 0}


def _object(title: str, **fields: object) -> dict[str, Any]:
    return {
        "type": "object", "title": title, "properties": fields, "required": list(fields), "additionalProperties": False,
    }  # fmt: skip


AIHUB_SCHEMA: Mapping[str, Any] = _object(
    "AihubLabels",
    metaData=_object("AihubMetaData", name=_TEXT, duration=_SECONDS, url=_TEXT, exportedOn=_TEXT),
    data={
        "type": "array",
        "items": _object(
            "AihubSign",
            start=_SECONDS,
            end=_SECONDS,
            attributes={"type": "array", "items": _object("AihubAttribute", name=_TEXT)},
        ),
    },
)
"""JSON Schema of what is written."""


def signs_to_aihub(answer: SignsExport) -> str:
    """metaData about the medium, and for each sign its seconds and its label; the url, the corpus's own, is empty."""
    meta = {
        "name": answer.media.name,
        "duration": round(answer.media.duration_s or 0.0, 3),
        "url": "",
        "exportedOn": answer.created.strftime("%Y/%m/%d"),
    }
    data = [
        {"start": start / MILLISECONDS, "end": end / MILLISECONDS, "attributes": [{"name": sign.label}]}
        for sign, (start, end) in zip(answer.signs, ticks(answer.signs, MILLISECONDS), strict=True)
    ]
    return json.dumps({"metaData": meta, "data": data}, ensure_ascii=False, indent=1) + "\n"
