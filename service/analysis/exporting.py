"""What exports are made from: a use case's answer, and the medium's name as its sender knows it."""

from datetime import UTC, datetime

from service.analysis.highlights import HighlightsAnswer
from service.analysis.timeline import TimelineAnswer
from service.export.answer import HighlightsExport, MediaFile, SignsExport
from service.registry.manifest import Manifest, Text
from service.spotting.transcript import text_of
from service.track import MediaInfo


def media_file(media: MediaInfo, name: str) -> MediaFile:
    """The medium as exports show it; name: its file name without a folder, empty where none is known."""
    return MediaFile(name, media.kind, media.format, media.duration, media.frame_rate)


def signs_answer(answer: TimelineAnswer, name: str) -> SignsExport:
    """A timeline's answer for export, of a medium with this file name; created now."""
    label_text = answer.manifest.label_text
    texts = {label: text_of(label, label_text) for label in label_text}
    file, created = media_file(answer.media, name), datetime.now(UTC)
    return SignsExport(
        file,
        answer.segments,
        created,
        answer.manifest.name,
        texts,
        answer.gaps,
        answer.warnings,
        signs_of(answer.manifest),
    )


def signs_of(manifest: Manifest) -> tuple[str, ...]:
    """The labels that a model may answer with: all but the idle ones."""
    return tuple(label for label in manifest.labels or () if label not in manifest.idle_labels)


def moments_answer(answer: HighlightsAnswer, name: str) -> HighlightsExport:
    """The answer of /highlights for export, of a medium with this file name."""
    return HighlightsExport(
        media=media_file(answer.media, name),
        moments=answer.highlights,
        tension=answer.tension,
        title=f"{_title(answer.manifest.title)}: {answer.channel}",
        samples=answer.series or (),
        threshold=answer.threshold,
        warnings=answer.warnings,
    )


def _title(text: Text) -> str:
    """A title in English, or in the first language that it has."""
    return text if isinstance(text, str) else text.get("en") or next(iter(text.values()), "")
