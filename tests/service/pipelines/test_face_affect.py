"""From kept faces to a network's rows: one a face, and one answer a sample."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from service.analysis.scoring import head_input
from service.observe.request import MOST_FACES, FaceRequest
from service.pipelines.face_affect import FaceAffectSection
from service.pipelines.series import SeriesSection
from service.track import FloatArray, MediaInfo, Track, Window
from tests.service.pipelines.alone import rows_alone

MEDIA = MediaInfo("video", "mp4", 64, 48, 10.0, 30.0)
WHOLE = Window(-np.inf, np.inf)
SIZE = {"w": 4, "h": 3, "library": "pillow"}


def track(faces: list[int]) -> Track:
    """Samples of so many faces; face k of sample t has the level 10 · t + k."""
    values = np.zeros((len(faces), max([*faces, 1]), 3, 4, 3), np.uint8)
    for place, count in enumerate(faces):
        for face in range(count):
            values[place, face] = 10 * place + face
    counts = np.array(faces, np.int64)
    return Track(np.arange(len(faces)) / 2, values, counts > 0, MEDIA, shows="face", faces=counts)


def section(**changes: Any) -> FaceAffectSection:
    return FaceAffectSection.model_validate({"resize": SIZE, "faces": "mean", **changes})


def levels(rows: FloatArray) -> list[int]:
    return [int(row.flat[0]) for row in rows]


def test_each_face_is_a_row_at_its_samples_time() -> None:
    rows = rows_alone(section(), track([1, 0, 3, 2]), WHOLE)
    assert levels(rows.values) == [0, 20, 21, 22, 30, 31]
    assert rows.times_s.tolist() == [0, 1, 1, 1, 1.5, 1.5]
    assert rows.values.shape == (6, 3, 3, 4)


def test_a_part_without_a_face_has_no_row() -> None:
    seen = track([1, 0, 0, 2])
    assert len(rows_alone(section(), seen, Window(0.5, 1.5))) == 0
    assert section().plan_rows(seen, [Window(0.5, 1.5)]).count == 0


def test_levels_become_what_imagenets_networks_take() -> None:
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    asked = section(scale=1 / 255, mean=mean, std=std)
    rows = rows_alone(asked, track([2, 1]), WHOLE).values
    author = (np.array([0, 1, 10])[:, None] / 255 - np.array(mean)) / np.array(std)
    assert np.allclose(rows, author[:, :, None, None], atol=1e-6)


def test_a_graph_that_normalises_itself_gets_the_levels() -> None:
    rows = rows_alone(section(dtype="uint8", layout="nhwc"), track([2]), WHOLE).values
    assert rows.dtype == np.uint8
    assert rows.shape == (2, 3, 4, 3)


@given(faces=st.lists(st.integers(0, 4), min_size=1, max_size=30), size=st.integers(1, 9))
def test_however_rows_are_made_every_face_is_made_once(faces: list[int], size: int) -> None:
    windows = [Window(start / 2, start / 2 + 2) for start in range(0, len(faces), 2)]
    reading = section().plan_rows(track(faces), windows)
    assert reading.sizes is not None
    assert reading.sizes.tolist() == [count for count in faces if count]
    made = [reading.make(start, min(start + size, reading.count)) for start in range(0, reading.count, size)]
    assert levels(np.concatenate([rows.values for rows in made])) if made else not any(faces)
    assert sum(len(rows) for rows in made) == sum(faces)
    for window, taken in zip(windows, reading.windows, strict=True):
        start, stop = track(faces).indices(window)
        assert len(taken.indices) == stop - start
        assert len(taken.seen) == sum(count > 0 for count in faces[start:stop])


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"faces": "largest"}, {"count": 1}),
        ({"faces": "mean"}, {"count": MOST_FACES}),
        ({"align": "eyes", "margin": 0.2}, {"level": True, "margin": 0.2}),
        ({"color": "grey", "whole_up_to": 64, "selfie": True}, {"color": "grey", "whole_up_to": 64, "selfie": True}),
        ({"orientation": "as_stored", "yuv": "bt601"}, {"orientation": "as_stored", "yuv": "bt601"}),
    ],
)
def test_the_worker_is_asked_for_what_the_section_says(changes: dict[str, Any], wanted: dict[str, Any]) -> None:
    request = section(**changes).request
    assert isinstance(request, FaceRequest)
    assert {name: getattr(request, name) for name in wanted} == wanted
    assert request.shape[-1] == (1 if changes.get("color") == "grey" else 3)


def test_the_defaults_are_hsemotions() -> None:
    asked = FaceAffectSection()
    assert asked.model_dump(include={"faces", "margin", "align", "sampling"}) == {
        "faces": "largest", "margin": 0.0, "align": "none", "sampling": {"rate": 2.0},
    }  # fmt: skip
    assert (asked.resize.method, asked.resize.library, asked.input_shape) == ("bilinear", "pillow", (3, 224, 224))


@pytest.mark.parametrize("wrong", [{"margin": -0.1}, {"align": "nose"}, {"faces": "all"}, {"margni": 0.1}])
def test_a_typo_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        section(**wrong)


class _Doubling:
    """A model whose report of numbers is twice them."""

    def each(self, raw: FloatArray) -> FloatArray:
        return 2 * raw


@pytest.mark.parametrize(("emotions", "factor"), [("logits", 1), ("softmax", 2)])
def test_a_head_gets_the_outputs_or_what_is_reported_of_them(emotions: str, factor: int) -> None:
    outputs = Track(np.arange(2.0), np.array([[1, 2], [3, 4]], np.float32), np.ones(2, bool), MEDIA)
    head = SeriesSection.model_validate({"statistics": ["mean"], "emotions": emotions})
    given_on = head_input(outputs, head, _Doubling())  # type: ignore[arg-type]
    assert np.array_equal(given_on.values, factor * outputs.values)
