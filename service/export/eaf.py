"""ELAN's annotation format, EAF 3.0: signs on a time-aligned tier, the confidence of each under it; and templates."""

import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pympi import Elan

from service.export.answer import MediaFile, Sign, SignsExport
from service.export.text import one_line
from service.export.ticks import MILLISECONDS, Span, ticks
from service.track import merge_windows

SIGNS_TIER: Final = "signs"
CONFIDENCE_TIER: Final = "confidence"
GAPS_TIER: Final = "gaps"
WARNING_PROPERTY: Final = "warning"
VOCABULARY: Final = "signs of the model"
GAP_TEXT: Final = "could not be read"

MIME_TYPES: Final = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "avi": "video/x-msvideo",
    "mpeg-ts": "video/mp2t",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "bmp": "image/bmp",
    "heic": "image/heic",
    "avif": "image/avif",
}
"""By the format that the service recognized; ELAN's own words for the rest are in `_mime_type`."""

_LANGUAGE: Final = ("und", "http://cdb.iso.org/lg/CDB-00130975-001", "undetermined (und)")
"""What ELAN itself names the language of a vocabulary in one language."""

_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


def signs_to_eaf(answer: SignsExport) -> bytes:
    """An EAF 3.0 document. Damaged stretches stand on a tier of their own, which is there only where there are any.

    The medium is linked by its place and by the way to it from the document's folder. Where they are not known it is
    `./name`: ELAN finds it without asking where both files lie in one folder. Names are not percent-encoded, because
    ELAN writes and looks them up as they are; only the four characters that the schema takes in no address (% # [ ])
    are. Warnings are properties of the document.
    """
    document = _document(answer.model, answer.created, answer.labels)
    _describe(document, answer)
    document.add_linguistic_type("confidence", "Symbolic_Association", timealignable=False)
    document.add_tier(CONFIDENCE_TIER, "confidence", parent=SIGNS_TIER)
    if any(gap.duration_s > 0 for gap in answer.gaps):
        document.add_linguistic_type("gap")
        document.add_tier(GAPS_TIER, "gap")
    _annotate(document, answer)
    return _written(document)


def signs_template(model: str, labels: Sequence[str], created: datetime) -> bytes:
    """An ELAN template (.etf): the tier of signs, without any, and the model's labels to choose from."""
    document = _document(model, created, labels)
    document.tiers[SIGNS_TIER][2].pop("ANNOTATOR")  # whoever annotates by hand
    return _written(document)


def _document(model: str, created: datetime, labels: Sequence[str]) -> Elan.Eaf:
    """An empty document with the tier of signs; where labels are given, they are its controlled vocabulary."""
    document = Elan.Eaf(author=one_line(model))
    document.remove_tier("default")
    document.remove_linguistic_type("default-lt")
    document.adocument |= {
        "DATE": created.isoformat(timespec="seconds"),
        "FORMAT": "3.0",
        "VERSION": "3.0",
        "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd",
    }
    document.header |= {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"}
    document.add_linguistic_type("sign")
    if labels:
        document.add_language(*_LANGUAGE)
        document.add_controlled_vocabulary(VOCABULARY)
        for number, label in enumerate(dict.fromkeys(one_line(label) for label in labels)):
            document.add_cv_entry(VOCABULARY, f"cve{number}", [(label, _LANGUAGE[0], None)])
        document.linguistic_types["sign"]["CONTROLLED_VOCABULARY_REF"] = VOCABULARY
    document.add_tier(SIGNS_TIER, "sign", ann=one_line(model))
    return document


def _written(document: Elan.Eaf) -> bytes:
    xml: bytes = Elan.to_string(document, encoding="utf-8")
    return _DECLARATION + xml + b"\n"


def _describe(document: Elan.Eaf, answer: SignsExport) -> None:
    media = answer.media
    if media.name:
        place, way = (_address(path) for path in (media.place or f"/{media.name}", media.way or f"./{media.name}"))
        document.add_linked_file(f"file://{place}", relpath=way, mimetype=_mime_type(media))
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{answer.media.name}/{answer.model}/{answer.created.isoformat()}")
    annotations = 2 * len(answer.signs) + len(answer.gaps)
    document.properties = [
        ("URN", f"urn:nl-mpi-tools-elan-eaf:{identity}"),
        ("lastUsedAnnotationId", annotations + 1),
        *((WARNING_PROPERTY, one_line(warning)) for warning in answer.warnings),
    ]


def _address(path: str) -> str:
    return re.sub(r"[%#\[\]]", lambda one: f"%{ord(one[0]):02X}", one_line(path))


def _annotate(document: Elan.Eaf, answer: SignsExport) -> None:
    """All tiers in one pass over time, so that the document's time slots are in order.

    The confidences go straight into pympi's documented table: its add_ref_annotation looks through all signs for
    each of them.
    """
    entries: list[tuple[Span, Sign | None]] = [(sign, sign) for sign in answer.signs]
    entries += [(gap, None) for gap in merge_windows(*answer.gaps)]
    entries.sort(key=lambda entry: (entry[0].start_s, entry[0].end_s))
    confidences = document.tiers[CONFIDENCE_TIER][1]
    for (_, sign), (start, end) in zip(entries, ticks((span for span, _ in entries), MILLISECONDS), strict=True):
        if sign is None:
            document.add_annotation(GAPS_TIER, start, end, GAP_TEXT)
            continue
        document.add_annotation(SIGNS_TIER, start, end, one_line(sign.label))
        parent = f"a{document.maxaid}"
        child = document.generate_annotation_id()
        document.annotations[child] = CONFIDENCE_TIER
        confidences[child] = (parent, f"{sign.confidence:.3f}", None, None)


def _mime_type(media: MediaFile) -> str:
    known = MIME_TYPES.get(media.format)
    if known is not None:
        return known
    return {"video": "video/*", "picture": "image/*"}.get(media.kind, "unknown")
