"""EAF, checked against the rules of the format's schema by a plain XML parser, and opened by pympi."""

import itertools
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from pympi import Elan

from service.export.answer import MediaFile, SignsExport
from service.export.eaf import signs_template, signs_to_eaf
from service.export.text import one_line
from service.export.ticks import MILLISECONDS, ticks
from service.track import MediaKind, Window
from tests.service.export import answers_made
from tests.service.export.answers_made import CREATED, answers, signs

ORDER = [
    "HEADER",
    "TIME_ORDER",
    "TIER",
    "LINGUISTIC_TYPE",
    "LANGUAGE",
    "CONSTRAINT",
    "CONTROLLED_VOCABULARY",
]


def _root(answer: SignsExport) -> ET.Element:
    return ET.fromstring(signs_to_eaf(answer))


def _check_document(root: ET.Element) -> None:
    """What EAFv3.0.xsd asks of the parts that we write: order, required attributes, keys and references."""
    assert root.tag == "ANNOTATION_DOCUMENT"
    assert (root.attrib["FORMAT"], root.attrib["VERSION"]) == ("3.0", "3.0")
    assert datetime.fromisoformat(root.attrib["DATE"]).tzinfo is not None
    assert root.attrib["AUTHOR"]
    tags = [child.tag for child in root]
    assert [tag for tag, _ in itertools.groupby(tags)] == [tag for tag in ORDER if tag in tags]
    assert {"HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE"} <= set(tags)
    slots = {one.attrib["TIME_SLOT_ID"]: int(one.attrib["TIME_VALUE"]) for one in root.iter("TIME_SLOT")}
    assert len(slots) == len(list(root.iter("TIME_SLOT")))
    assert list(slots.values()) == sorted(slots.values())
    types = {one.attrib["LINGUISTIC_TYPE_ID"]: one.attrib for one in root.iter("LINGUISTIC_TYPE")}
    tiers = {one.attrib["TIER_ID"] for one in root.iter("TIER")}
    stereotypes = {one.attrib["STEREOTYPE"] for one in root.iter("CONSTRAINT")}
    assert {one["CONSTRAINTS"] for one in types.values() if "CONSTRAINTS" in one} <= stereotypes
    for tier in root.iter("TIER"):
        assert tier.attrib["LINGUISTIC_TYPE_REF"] in types
        assert tier.attrib.get("PARENT_REF", "signs") in tiers
    annotations = [*root.iter("ALIGNABLE_ANNOTATION"), *root.iter("REF_ANNOTATION")]
    identities = [one.attrib["ANNOTATION_ID"] for one in annotations]
    assert len(set(identities)) == len(identities)
    for one in root.iter("ALIGNABLE_ANNOTATION"):
        assert slots[one.attrib["TIME_SLOT_REF1"]] < slots[one.attrib["TIME_SLOT_REF2"]]
    assert {one.attrib["ANNOTATION_REF"] for one in root.iter("REF_ANNOTATION")} <= set(identities)


@settings(deadline=None)
@given(answer=answers())
def test_any_timeline_is_a_valid_document(answer: SignsExport) -> None:
    _check_document(_root(answer))


@settings(deadline=None, max_examples=50)
@given(answer=answers())
def test_pympi_gives_back_the_times_labels_and_confidences(answer: SignsExport) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.eaf"
        path.write_bytes(signs_to_eaf(answer))
        document = Elan.Eaf(str(path))
    times = ticks(answer.signs, MILLISECONDS)
    found = sorted(document.get_annotation_data_for_tier("signs"))
    assert found == [(*time, one_line(sign.label)) for time, sign in zip(times, answer.signs, strict=True)]
    confidences = sorted(document.get_ref_annotation_data_for_tier("confidence"))
    assert [one[:3] for one in confidences] == [(*time, "0.900") for time in times]
    assert [one[3] for one in confidences] == [one[2] for one in found]


def test_signs_are_time_aligned_and_confidences_are_associated_with_them() -> None:
    root = _root(signs((0.8, 1.9, "hello")))
    types = {one.attrib["LINGUISTIC_TYPE_ID"]: one.attrib for one in root.iter("LINGUISTIC_TYPE")}
    assert (types["sign"]["TIME_ALIGNABLE"], types["sign"].get("CONSTRAINTS")) == ("true", None)
    assert types["confidence"]["TIME_ALIGNABLE"] == "false"
    assert types["confidence"]["CONSTRAINTS"] == "Symbolic_Association"
    assert [tier.attrib.get("PARENT_REF") for tier in root.iter("TIER")] == [None, "signs"]


def _vocabulary(root: ET.Element) -> list[str | None]:
    """The labels that may be chosen on the tier of signs."""
    (kind,) = [one for one in root.iter("LINGUISTIC_TYPE") if one.attrib["LINGUISTIC_TYPE_ID"] == "sign"]
    (vocabulary,) = root.iter("CONTROLLED_VOCABULARY")
    assert kind.attrib["CONTROLLED_VOCABULARY_REF"] == vocabulary.attrib["CV_ID"]
    languages = {one.attrib["LANG_ID"] for one in root.iter("LANGUAGE")}
    assert {one.attrib["LANG_REF"] for one in vocabulary.iter("CVE_VALUE")} <= languages
    identities = [one.attrib["CVE_ID"] for one in vocabulary.iter("CV_ENTRY_ML")]
    assert len(set(identities)) == len(identities)
    return [one.text for one in vocabulary.iter("CVE_VALUE")]


def test_the_models_labels_are_what_may_be_chosen() -> None:
    root = _root(replace(signs((0.0, 1.0, "왼쪽")), labels=("왼쪽", "two\nlines", "two lines")))
    _check_document(root)
    assert _vocabulary(root) == ["왼쪽", "two lines"]


def test_a_template_has_the_tier_and_the_labels_but_no_signs() -> None:
    root = ET.fromstring(signs_template("letters", ("A", "B"), CREATED))
    assert _vocabulary(root) == ["A", "B"]
    (tier,) = root.iter("TIER")
    assert (tier.attrib["TIER_ID"], tier.get("ANNOTATOR"), len(tier)) == ("signs", None, 0)
    assert list(root.iter("TIME_SLOT")) == []


def test_the_medium_is_linked_relatively_with_its_type() -> None:
    (link,) = _root(signs()).iter("MEDIA_DESCRIPTOR")
    assert link.attrib == {
        "MEDIA_URL": "file:///수어 영상.mp4",
        "RELATIVE_MEDIA_URL": "./수어 영상.mp4",
        "MIME_TYPE": "video/mp4",
    }


def test_a_medium_that_lies_elsewhere_is_linked_by_its_place_and_the_way_to_it() -> None:
    media = replace(answers_made.MEDIA, place="/films/a b/수어 영상.mp4", way="../films/a b/수어 영상.mp4")
    (link,) = _root(replace(signs(), media=media)).iter("MEDIA_DESCRIPTOR")
    assert link.attrib["MEDIA_URL"] == "file:///films/a b/수어 영상.mp4"
    assert link.attrib["RELATIVE_MEDIA_URL"] == "../films/a b/수어 영상.mp4"


def test_warnings_are_properties_of_the_document() -> None:
    root = _root(replace(signs((0.0, 1.0, "A")), warnings=("Cut off.", "Two\nhands.")))
    _check_document(root)
    found = [one.text for one in root.iter("PROPERTY") if one.attrib["NAME"] == "warning"]
    assert found == ["Cut off.", "Two hands."]


def test_characters_that_no_address_may_hold_are_encoded_and_others_stay() -> None:
    answer = SignsExport(MediaFile("a b (1) 50% [x]#.mp4", "video", "mp4", 1.0, 30.0), (), CREATED)
    (link,) = _root(answer).iter("MEDIA_DESCRIPTOR")
    assert link.attrib["RELATIVE_MEDIA_URL"] == "./a b (1) 50%25 %5Bx%5D%23.mp4"


@pytest.mark.parametrize(
    ("kind", "format_", "expected"),
    [
        ("video", "mov", "video/quicktime"),
        ("video", "mpeg-ts", "video/mp2t"),
        ("video", "new", "video/*"),
        ("picture", "new", "image/*"),
        ("landmarks", "pose", "unknown"),
    ],
)
def test_each_kind_of_medium_has_a_type_that_elan_knows(kind: MediaKind, format_: str, expected: str) -> None:
    media = MediaFile("a.x", kind, format_, 1.0, 30.0)
    (link,) = _root(SignsExport(media, (), CREATED)).iter("MEDIA_DESCRIPTOR")
    assert link.attrib["MIME_TYPE"] == expected


def test_a_medium_without_a_name_is_not_linked() -> None:
    answer = SignsExport(MediaFile("", "video", "mp4", 1.0, 30.0), (), CREATED)
    assert list(_root(answer).iter("MEDIA_DESCRIPTOR")) == []
    _check_document(_root(answer))


def test_damaged_stretches_stand_on_a_tier_of_their_own_in_the_order_of_time() -> None:
    gaps = (Window(1.0, 2.5), Window(1.5, 2.0), Window(4.0, 4.0))
    root = _root(signs((0.0, 1.0, "A"), (2.5, 3.0, "A"), gaps=gaps))
    _check_document(root)
    slots = [int(one.attrib["TIME_VALUE"]) for one in root.iter("TIME_SLOT")]
    assert slots == [0, 1000, 1000, 2500, 2500, 3000]
    (tier,) = [one for one in root.iter("TIER") if one.attrib["TIER_ID"] == "gaps"]
    assert [value.text for value in tier.iter("ANNOTATION_VALUE")] == ["could not be read"]


def test_the_same_answer_gives_the_same_bytes() -> None:
    assert signs_to_eaf(signs((0.0, 1.0, "A"))) == signs_to_eaf(signs((0.0, 1.0, "A")))
