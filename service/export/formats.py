"""The formats that answers are exported to: one table for each kind of answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from service.export.aihub import AIHUB_SCHEMA, signs_to_aihub
from service.export.answer import HighlightsExport, MediaFile, SignsExport
from service.export.captions import moments_to_vtt, signs_to_srt, signs_to_vtt
from service.export.eaf import signs_to_eaf
from service.export.edl import moments_to_edl
from service.export.otio import OTIO_SCHEMA, moments_to_otio, signs_to_otio
from service.export.png import tension_to_png
from service.export.table import moments_to_csv, signs_to_csv

AnswerT = TypeVar("AnswerT")

OTIO_MEDIA_TYPE = "application/vnd.pixar.opentimelineio+json"

JSON_MEDIA_TYPE = "application/json"
"""The default, which the routes write themselves."""


@dataclass(frozen=True, slots=True)
class Format(Generic[AnswerT]):
    """A format: what it is served as, how its files are named, and who writes it. schema: of one that is JSON."""

    media_type: str
    ending: str
    write: Callable[[AnswerT], str | bytes]
    schema: Mapping[str, Any] | None = None

    @property
    def essence(self) -> str:
        """The media type without parameters, as `Accept` names it."""
        return self.media_type.partition(";")[0]

    def file(self, answer: AnswerT) -> bytes:
        """The file's bytes; text is UTF-8."""
        written = self.write(answer)
        return written if isinstance(written, bytes) else written.encode("utf-8", "replace")

    def file_name(self, media: MediaFile) -> str:
        """The name under which it is saved."""
        return media.stem + self.ending


TIMELINE_FORMATS: Mapping[str, Format[SignsExport]] = {
    "vtt": Format("text/vtt; charset=utf-8", ".vtt", signs_to_vtt),
    "srt": Format("application/x-subrip; charset=utf-8", ".srt", signs_to_srt),
    "eaf": Format("text/x-eaf+xml; charset=utf-8", ".eaf", signs_to_eaf),
    "csv": Format("text/csv; charset=utf-8; header=present", ".csv", signs_to_csv),
    "otio": Format(OTIO_MEDIA_TYPE, ".otio", signs_to_otio, OTIO_SCHEMA),
    "aihub": Format("application/x-aihub+json", "_morpheme.json", signs_to_aihub, AIHUB_SCHEMA),
}

HIGHLIGHT_FORMATS: Mapping[str, Format[HighlightsExport]] = {
    "vtt": Format("text/vtt; charset=utf-8", ".vtt", moments_to_vtt),
    "csv": Format("text/csv; charset=utf-8; header=present", ".csv", moments_to_csv),
    "edl": Format("text/x-edl; charset=utf-8", ".edl", moments_to_edl),
    "otio": Format(OTIO_MEDIA_TYPE, ".otio", moments_to_otio, OTIO_SCHEMA),
    "png": Format("image/png", ".png", tension_to_png),
}
