"""The AI-Hub layout: read back as the corpus's own tools read it."""

import json

import jsonschema
from hypothesis import given

from service.export.aihub import AIHUB_SCHEMA, signs_to_aihub
from service.export.answer import SignsExport
from service.export.formats import TIMELINE_FORMATS
from service.export.ticks import MILLISECONDS, ticks
from tests.service.export.answers_made import MEDIA, answers, signs


def test_a_timeline_as_aihub_reads_like_this() -> None:
    assert json.loads(signs_to_aihub(signs((1.878, 3.086, "고민")))) == {
        "metaData": {"name": "수어 영상.mp4", "duration": 60.0, "url": "", "exportedOn": "2026/11/21"},
        "data": [{"start": 1.878, "end": 3.086, "attributes": [{"name": "고민"}]}],
    }


def test_its_file_is_named_as_in_the_corpus() -> None:
    assert TIMELINE_FORMATS["aihub"].file_name(MEDIA) == "수어 영상_morpheme.json"


@given(answer=answers())
def test_aihub_is_as_its_schema_says_and_gives_back_the_times_and_labels(answer: SignsExport) -> None:
    written = json.loads(TIMELINE_FORMATS["aihub"].file(answer))
    jsonschema.validate(written, AIHUB_SCHEMA)
    data = written["data"]
    times = [(round(entry["start"] * 1000), round(entry["end"] * 1000)) for entry in data]
    assert times == ticks(answer.signs, MILLISECONDS)
    names = [entry["attributes"][0]["name"] for entry in data]
    assert names == [sign.label for sign in answer.signs]
