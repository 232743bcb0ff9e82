"""Kind `keypoints`: landmarks → a sequence (with `length`) or single rows that vote (without)."""

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from service.media.medium import ColorMatrix, Orientation
from service.media.sampling import Sampling
from service.observe.request import LandmarkMode, LandmarkRequest
from service.pipelines.derive import rows_of
from service.pipelines.kind import FeaturesKind, Streams
from service.pipelines.layouts import PartLayout, Standardize, Step, points_shape, row_width
from service.pipelines.length import Length, fit_length
from service.pipelines.missing import Missing, fill_missing
from service.pipelines.over_time import SampledOverTime
from service.pipelines.row_plan import RowPlan, plan_own_rows
from service.pipelines.rows import ModelRows
from service.section import Section
from service.track import FloatArray, PartName, Track, Window


class KeypointsSection(Section, SampledOverTime):
    """The manifest's `pipeline` of a model that reads landmarks.

    source: MediaPipe `hands` or `holistic`. layout and derive make a row (see `layouts`); without `length` the
    model answers row by row and its answers vote; with it, rows become one sequence.
    mirror_left: a followed left hand is flipped in x, so that one model serves both hands.
    selfie: the author ran MediaPipe on the mirrored frame, so coordinates and the names of Holistic's parts are those
    of the mirrored picture; what the service reports of sides is always the person's own.
    form: a `row` of all values, or the same values as `points`, one a row (21 × 2 for the x and y of a hand).
    complexity: Holistic's 2 takes a network that has to be fetched (see `observe.landmark_files`).
    landmarks: `faithful` finds what MediaPipe finds, so that an author's features stay what they were; `robust` finds
    hands that MediaPipe loses (with the landmark engine alone).
    orientation, yuv: how the author's reader gave them the frames (see `media.medium`).
    """

    features: ClassVar[FeaturesKind] = "landmarks"
    streams: ClassVar[Streams | None] = "windows"

    kind: Literal["keypoints"] = "keypoints"
    source: Literal["hands", "holistic"]
    complexity: int = 1
    min_detection_confidence: float = Field(0.5, ge=0, le=1)
    min_tracking_confidence: float = Field(0.5, ge=0, le=1)
    landmarks: LandmarkMode = "faithful"
    selfie: bool = False
    orientation: Orientation = "upright"
    yuv: ColorMatrix = "tagged"
    mirror_left: bool = False
    layout: tuple[PartLayout, ...] = Field(min_length=1)
    derive: tuple[Step, ...] = ()
    sampling: Sampling
    missing: Missing = "zero"
    length: Length | None = None
    form: Literal["row", "points"] = "row"

    @model_validator(mode="after")
    def _check_source(self) -> "KeypointsSection":
        parts = set(self.parts)
        if self.source == "holistic" and self.complexity not in (0, 1, 2):
            raise ValueError("holistic has the complexities 0, 1 and 2")
        if self.source == "hands" and self.complexity not in (0, 1):
            raise ValueError("hands has the complexities 0 and 1")
        if self.source == "hands" and parts & {"pose", "face"}:
            raise ValueError("hands gives no pose and no face; use holistic")
        if "hand" in parts and (self.source == "holistic" or parts != {"hand"}):
            raise ValueError("the part `hand` (one followed hand) stands alone and needs the source hands")
        if self.mirror_left and parts != {"hand"}:
            raise ValueError("mirror_left needs a layout of the part `hand` alone")
        if any(isinstance(step, Standardize) for step in self.derive[:-1]):
            raise ValueError("standardize is the last step")
        row_width(self.layout, self.derive)
        if self.form == "points" and points_shape(self.layout, self.derive) is None:
            raise ValueError("form: points need the same number of axes in all parts and no step that adds values")
        return self

    @property
    def parts(self) -> tuple[PartName, ...]:
        """The parts of the layout, each once, in order of first use."""
        return tuple(dict.fromkeys(entry.part for entry in self.layout))

    @property
    def votes(self) -> bool:
        """Whether the model answers row by row."""
        return self.length is None

    @property
    def width(self) -> int:
        return row_width(self.layout, self.derive)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One input's shape without the batch."""
        points = points_shape(self.layout, self.derive) if self.form == "points" else None
        observation = points or (self.width,)
        return observation if self.length is None else (self.length.length, *observation)

    @property
    def request(self) -> LandmarkRequest:
        """What a worker runs on each sampled frame."""
        return LandmarkRequest(
            source=self.source,
            parts=self.parts,
            max_hands=1 if self.parts == ("hand",) else 2,
            complexity=self.complexity,
            min_detection_confidence=self.min_detection_confidence,
            min_tracking_confidence=self.min_tracking_confidence,
            selfie=self.selfie,
            orientation=self.orientation,
            yuv=self.yuv,
            mode=self.landmarks,
        )

    def plan_rows(self, track: Track, windows: list[Window]) -> RowPlan:
        """All rows that the windows need, each once."""
        return plan_own_rows([tensor(track, window, self) for window in windows])


def tensor(track: Track, window: Window, section: KeypointsSection) -> ModelRows:
    """The model's input for one window of a track of landmarks; no rows where nothing was seen in it."""
    part = track.cut(window)
    if not part.present.any():
        return ModelRows.none(section.input_shape)
    if section.missing == "drop" or section.length is None:
        part = part.only(part.present)
    rows = _rows(part, section)
    if section.length is None:
        values = rows.reshape(-1, *section.input_shape)
        return ModelRows(values=values, mask=None, times_s=part.times_s)
    fitted = fit_length(rows, part.times_s, section.length)
    warnings: tuple[str, ...] = ()
    if fitted.cut:
        span = f"from {window.start_s:g} s to {window.end_s:g} s"
        warnings = (
            f"The part {span} gives {len(rows)} observations; {fitted.cut} more than the model takes were cut.",
        )
    values = fitted.values.reshape(1, *section.input_shape)
    return ModelRows(values=values, mask=fitted.mask[None], times_s=part.times_s[:1], warnings=warnings)


def _rows(part: Track, section: KeypointsSection) -> FloatArray:
    flip = section.mirror_left and part.side() == "left"
    blocks = []
    for entry in section.layout:
        landmarks = fill_missing(part.part(entry.part), part.times_s, section.missing)
        if flip:
            landmarks = landmarks * np.array([-1, 1, 1, 1], np.float32) + np.array([1, 0, 0, 0], np.float32)
        blocks.append(landmarks)
    return rows_of(blocks, section.layout, section.derive, part.media)
