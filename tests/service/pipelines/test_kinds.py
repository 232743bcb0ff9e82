"""What every kind promises: walked chunk by chunk, a part has the windows, the rows and the evidence of the whole."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from service.media.sampling import Rate, Uniform
from service.pipelines import Described, Observing, Pipeline
from service.pipelines.chunking import WARM_UP_S, ChunkLimits, Position
from service.pipelines.clip import ClipChoice
from service.pipelines.windows import WindowRule
from service.track import FloatArray, MediaInfo, PartName, Track, Window
from tests.service.pipelines.alone import rows_alone

RATE = 10.0
SMALL = {"w": 4, "h": 4}
SECTIONS: dict[str, dict[str, Any]] = {
    "keypoints": {
        "source": "hands",
        "layout": [{"part": "hand", "axes": ["x", "y"]}],
        "sampling": {"rate": RATE},
        "length": {"length": 8},
    },
    "image": {"resize": SMALL, "sampling": {"rate": RATE}},
    "hand_crop": {"resize": SMALL, "sampling": {"rate": RATE}},
    "chunks": {"resize": SMALL, "sampling": {"rate": RATE}, "frames": 8, "chunk": 4},
    "clip": {"sampling": {"uniform": 4}, "side": 4, "crop": 4},
    "face_affect": {"resize": SMALL, "sampling": {"rate": RATE}},
    "face_geometry": {"sampling": {"rate": RATE}},
    "series": {"statistics": ["mean"]},
    "tensor": {},
}
LOOKING = [kind for kind in SECTIONS if kind not in ("series", "tensor")]


def observing(kind: str) -> Observing:
    """A section of this kind that looks at a medium."""
    section: Observing | None = TypeAdapter(Pipeline).validate_python({"kind": kind, **SECTIONS[kind]}).observing
    assert section is not None
    return section


def whole_track(section: Observing, count: int) -> Track:
    """What was observed of a medium that ends a sample after the last one; each observation carries its number."""
    media = MediaInfo("video", "mp4", 64, 48, count / RATE, RATE)
    number = np.arange(count)
    times_s = number / RATE
    present = number % 7 != 3
    faces = None
    parts: tuple[PartName, ...] = ()
    if section.features == "landmarks":
        values, parts = np.full((count, 21, 4), number[:, None, None] / count, np.float32), ("hand",)
        values[~present] = np.nan
    elif section.features == "measures":
        values, parts = np.random.default_rng(3).random((count, 468, 4), np.float32), ("face",)
        values[~present] = np.nan
    elif section.features == "outputs":
        values = np.full((count, 1, 4, 4, 3), (number % 251)[:, None, None, None, None], np.uint8)
        faces = present.astype(np.int64)
    else:
        values = np.full((count, 4, 4, 3), (number % 251)[:, None, None, None], np.uint8)
    if section.clip_frames is not None:
        present[:] = True
    decoded_s = times_s if section.samples_windows else None
    return Track(times_s, values, present, media, parts, faces=faces, decoded_s=decoded_s)


@dataclass(frozen=True)
class Scored:
    """A window, and the joined chunk from which it was cut."""

    window: Window
    track: Track


def walk(section: Observing, whole: Track, rule: WindowRule, limits: ChunkLimits) -> Iterator[Scored]:
    """Go through the part as jobs do."""
    position = Position(rule.start_s)
    while position.end_s is None:
        chunk = section.next_chunk(rule, position, limits)
        over = chunk.until_s >= min(limits.end_s, whole.end_s)
        assert chunk.until_s > position.covered_s or over
        looked_at = whole.cut(Window(chunk.start_s, chunk.until_s))
        if isinstance(chunk.sampling, ClipChoice):
            chosen = chunk.sampling.choose(looked_at.times_s, Window(0.0, whole.end_s), (), over)
            looked_at = replace(looked_at.only(np.isin(looked_at.times_s, chosen)), decoded_s=looked_at.times_s)
        new = section.new_frames(looked_at, position)
        track = section.join_context(looked_at, new, position)
        position = replace(position, covered_s=chunk.until_s, end_s=min(limits.end_s, whole.end_s) if over else None)
        due = section.due_windows(track, rule, position)
        yield from (Scored(window, track) for window in due)
        scored = position.scored + len(due)
        last_s = due[-1].start_s if due else position.last_s
        position = replace(position, scored=scored, last_s=last_s)
        kept = section.trim(track, position, rule.start_s + scored * rule.stride_s)
        position = replace(position, context=kept)


def test_each_kind_is_tried_here() -> None:
    kinds = {kind.model_fields["kind"].default for kind in get_args(Described)}
    assert kinds | {"tensor"} == set(SECTIONS)


@pytest.mark.parametrize("kind", LOOKING)
@given(
    count=st.integers(20, 120),
    chunk_s=st.floats(1.0, 5.0),
    window_s=st.floats(0.5, 3.0),
    stride_s=st.floats(0.2, 2.0),
    start_s=st.sampled_from([0.0, 0.7]),
    asked_end_s=st.sampled_from([np.inf, 9.0]),
)
def test_chunk_by_chunk_a_part_has_the_windows_of_the_whole(
    kind: str, count: int, chunk_s: float, window_s: float, stride_s: float, start_s: float, asked_end_s: float
) -> None:
    strides_of_chunks = stride_s * RATE / 4
    assume(abs(strides_of_chunks % 1 - 0.5) > 0.01)  # halfway, noise in the times says which grid it is
    section = observing(kind)
    whole = whole_track(section, count)
    rule = WindowRule(start_s, window_s, stride_s)
    found = list(walk(section, whole, rule, ChunkLimits(asked_end_s, 1 << 20, chunk_s)))
    part = whole.cut(Window(0.0, asked_end_s))
    assert [one.window for one in found] == section.windows(part, rule, min(asked_end_s, whole.end_s))


@pytest.mark.parametrize("kind", [kind for kind in LOOKING if kind != "face_geometry"])  # whose median is of a minute
def test_chunk_by_chunk_each_window_has_its_rows_and_its_evidence(kind: str) -> None:
    section = observing(kind)
    whole = whole_track(section, 117)
    found = list(walk(section, whole, WindowRule(0.2, 1.0, 0.4), ChunkLimits(np.inf, 1 << 20, 2.0)))
    assert len(found) > 10
    for one in found:
        ours, wanted = (rows_alone(section, track, one.window) for track in (one.track, whole))
        assert np.array_equal(ours.values, wanted.values)
        assert np.array_equal(ours.times_s, wanted.times_s)
        rests_on, wholes = (section.evidence(track, [one.window]) for track in (one.track, whole))
        assert np.array_equal(rests_on.times_s, wholes.times_s)
        assert len(rests_on)


@pytest.mark.parametrize("kind", LOOKING)
def test_nothing_is_new_twice(kind: str) -> None:
    section = observing(kind)
    whole = whole_track(section, 80)
    rule, limits, position = WindowRule(0.0, 1.0, 0.5), ChunkLimits(np.inf, 1 << 20, 1.5), Position(0.0)
    times_s: list[float] = []
    for _ in range(3):
        chunk = section.next_chunk(rule, position, limits)
        looked_at = whole.cut(Window(chunk.start_s, chunk.until_s))
        new = section.new_frames(looked_at, position)
        times_s += new.times_s.tolist()
        track = section.join_context(looked_at, new, position)
        position = replace(position, covered_s=chunk.until_s)
        due = section.due_windows(track, rule, position)
        position = replace(position, scored=position.scored + len(due), last_s=due[-1].start_s if due else None)
        position = replace(position, context=section.trim(track, position, rule.start_s))
    assert times_s == sorted(set(times_s))


def test_a_tracker_gets_a_warm_up_before_what_is_new() -> None:
    section = observing("keypoints")
    seen = whole_track(section, 60)
    chunk = section.next_chunk(WindowRule(0.0), Position(6.0, seen), ChunkLimits(np.inf, 1, 5.0))
    assert chunk.start_s == pytest.approx(6.0 - WARM_UP_S, abs=1 / RATE)
    assert chunk.start_s in seen.times_s
    assert (chunk.until_s, chunk.sampling) == (11.0, Rate(rate=RATE))


@pytest.mark.parametrize("kind", ["image", "chunks", "face_affect"])
def test_chunks_of_large_pictures_are_shorter(kind: str) -> None:
    section = observing(kind)
    kept, least = section.request.kept_bytes, 64 / RATE
    assert section.next_chunk(WindowRule(0.0), Position(0.0), ChunkLimits(np.inf, kept * 4000, 1000.0)).until_s > least
    scarce = section.next_chunk(WindowRule(0.0), Position(0.0), ChunkLimits(np.inf, kept * 40, 1000.0))
    assert scarce.until_s == pytest.approx(40 / RATE - WARM_UP_S)


def test_a_chunk_of_clips_is_as_long_as_memory_allows_where_nothing_else_says_it() -> None:
    section = observing("clip")
    kept, rule = 4 * section.request.kept_bytes, WindowRule(0.0, 2.0, 0.5)
    for windows in (4, 40):
        chunk = section.next_chunk(rule, Position(0.0), ChunkLimits(np.inf, windows * kept))
        assert chunk.until_s == pytest.approx(max(3.0, 2.0 + (windows - 3) * 0.5))
    whole = section.next_chunk(replace(rule, spread=3), Position(0.0), ChunkLimits(9.0, kept))
    assert (whole.is_whole, whole.until_s) == (True, 9.0)


@pytest.mark.parametrize(
    ("kind", "features", "streams", "clip_frames", "votes"),
    [
        ("keypoints", "landmarks", "windows", None, False),
        ("image", "pictures", "frames", None, True),
        ("hand_crop", "pictures", "frames", None, True),
        ("chunks", "clip_outputs", None, 8, False),
        ("clip", "pictures", None, 4, False),
        ("face_affect", "outputs", None, None, True),
        ("face_geometry", "measures", None, None, True),
    ],
)
def test_a_kind_says_how_it_is_to_be_asked(
    kind: str, features: str, streams: str | None, clip_frames: int | None, votes: bool
) -> None:
    section = observing(kind)
    assert (section.features, section.streams) == (features, streams)
    assert (section.clip_frames, section.votes) == (clip_frames, votes)
    assert (section.measures is not None) == (features == "measures")
    assert section.samples_windows == isinstance(section.sampling, Uniform)
    assert section.head is None


@pytest.mark.parametrize("kind", [kind for kind in LOOKING if kind != "clip"])
def test_a_section_can_be_asked_at_other_samples(kind: str) -> None:
    section = observing(kind)
    other = section.with_sampling(Rate(rate=3))
    assert (other.sampling, section.sampling) == (Rate(rate=3), Rate(rate=RATE))
    assert other.request == section.request


def test_only_kinds_of_faces_choose_between_faces() -> None:
    for kind in LOOKING:
        section = observing(kind)
        chosen = section.with_faces("mean")
        assert (chosen is not None) == kind.startswith("face_")
        assert chosen is None or chosen.request != section.request


def test_a_head_and_a_stored_graph_look_at_nothing() -> None:
    head, stored = (
        TypeAdapter(Pipeline).validate_python({"kind": kind, **SECTIONS[kind]}) for kind in ("series", "tensor")
    )
    assert (head.observing, head.head) == (None, head)
    assert (stored.observing, stored.head, stored.input_shape) == (None, None, None)


def test_measures_of_faces_are_the_rows_of_the_kind() -> None:
    section = observing("face_geometry")
    track = whole_track(section, 30)
    assert section.measures is not None
    condensed = section.measures.condense(track)
    values: FloatArray = section.measures.values(condensed)
    assert values.shape == (30, len(section.measures.names)) == (30, *section.input_shape)
    assert np.array_equal(rows_alone(section, track, Window(0.0, 3.0)).values, values[condensed.present])
