"""OpenTimelineIO: markers as its own library reads them, and the file as it is written."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings

from service.export.answer import SignsExport
from service.export.formats import HIGHLIGHT_FORMATS, TIMELINE_FORMATS
from tests.others import run_with_others
from tests.service.export.answers_made import MEDIA, answers, highlights, signs

READ = """
import json, sys, opentimelineio as otio
timeline = otio.adapters.read_from_string(sys.stdin.read(), "otio_json")
(clip,) = timeline.find_clips()
print(json.dumps({
    "name": timeline.name,
    "seconds": clip.source_range.duration.to_seconds(),
    "file": clip.media_reference.target_url,
    "markers": [
        [one.name, one.marked_range.start_time.to_seconds(), one.marked_range.end_time_exclusive().to_seconds()]
        for one in clip.markers
    ],
    "again": otio.adapters.write_to_string(timeline, "otio_json") != "",
}))
"""
SIGNS = signs((1.0, 2.0, "A"), (2.5, 3.0, "안녕하세요"))


def clip_of(file: bytes) -> dict[str, Any]:
    timeline = json.loads(file)
    (track,) = timeline["tracks"]["children"]
    (clip,) = track["children"]
    return dict(clip)


def test_its_own_library_reads_a_timelines_markers() -> None:
    read = json.loads(run_with_others(READ, text=TIMELINE_FORMATS["otio"].file(SIGNS).decode()))
    assert (read["name"], read["seconds"], read["file"]) == ("수어 영상.mp4", 60.0, "수어 영상.mp4")
    assert read["markers"] == [["A", 1.0, 2.0], ["안녕하세요", 2.5, 3.0]]
    assert read["again"]


def test_its_own_library_reads_a_highlights_markers() -> None:
    file = HIGHLIGHT_FORMATS["otio"].file(highlights((31.5, 37.0, 34.0, 0.91)))
    assert json.loads(run_with_others(READ, text=file.decode()))["markers"] == [["0.91", 31.5, 37.0]]


def test_a_marker_counts_frames_and_tells_how_sure_it_is() -> None:
    clip = clip_of(TIMELINE_FORMATS["otio"].file(SIGNS))
    first = clip["markers"][0]
    assert first["marked_range"]["start_time"] == {"OTIO_SCHEMA": "RationalTime.1", "value": 30.0, "rate": 30.0}
    assert first["metadata"] == {"sign-service": {"confidence": 0.9}}
    nameless = replace(SIGNS, media=replace(MEDIA, name=""))
    reference = clip_of(TIMELINE_FORMATS["otio"].file(nameless))["media_references"]["DEFAULT_MEDIA"]
    assert reference["OTIO_SCHEMA"] == "MissingReference.1"


@settings(deadline=None, max_examples=30)
@given(answer=answers())
def test_markers_are_in_order_within_the_clip_and_as_many_as_signs(answer: SignsExport) -> None:
    clip = clip_of(TIMELINE_FORMATS["otio"].file(answer))
    ranges = [one["marked_range"] for one in clip["markers"]]
    ends = [one["start_time"]["value"] + one["duration"]["value"] for one in ranges]
    assert len(ranges) == len(answer.signs)
    assert all(one["duration"]["value"] > 0 for one in ranges)
    assert max(ends, default=0) <= clip["source_range"]["duration"]["value"]
