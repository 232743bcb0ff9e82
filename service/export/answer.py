"""What an export is made from: plain values, so that a file, a job and the command line export alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol

from service.track import MediaKind, Window


class Sign(Protocol):
    """What is signed over [start_s, end_s): `service.spotting.segment.Segment` is one."""

    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def class_idx(self) -> int: ...
    @property
    def label(self) -> str: ...
    @property
    def confidence(self) -> float: ...


class Moment(Protocol):
    """A moment that stands out: `service.spotting.highlights.Highlight` is one."""

    @property
    def start_s(self) -> float: ...
    @property
    def end_s(self) -> float: ...
    @property
    def peak_s(self) -> float: ...
    @property
    def score(self) -> float: ...


class Point(Protocol):
    """The tension at one time, None where it is not known: `service.spotting.tension.TensionPoint` is one."""

    @property
    def time_s(self) -> float: ...
    @property
    def value(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample of the series: the face's box (x, y, width, height; fractions) and its channels, if there is one."""

    time_s: float
    box: tuple[float, float, float, float] | None = None
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MediaFile:
    """The medium as the caller knows it. name: its file name without a folder, empty where none was given.

    place: its absolute path where that is known; way: the path to it from the folder of the exported file.
    """

    name: str
    kind: MediaKind
    format: str
    duration_s: float | None
    frame_rate: float | None
    place: str = ""
    way: str = ""

    @property
    def stem(self) -> str:
        """The name without its extension, for the names of exported files."""
        return PurePosixPath(self.name).stem or "media"


@dataclass(frozen=True, slots=True)
class SignsExport:
    """A timeline's answer. Signs are in order and do not overlap.

    texts: what captions write for a label where it is not the label itself. labels: all that the model knows, where it
    has a fixed set of them. gaps: damaged stretches of the medium.
    model: who found the signs. created: when, with its time zone. warnings: what whoever reads the file should know.
    """

    media: MediaFile
    signs: Sequence[Sign]
    created: datetime
    model: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    gaps: Sequence[Window] = ()
    warnings: Sequence[str] = ()
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class HighlightsExport:
    """The answer of /highlights. Moments are in order and do not overlap; title names the curve in a picture.

    samples: the series behind the curve, one for each of its points, where the caller asked for it. threshold: what a
    moment had to reach, None where nothing could. warnings: what whoever reads the file should know.
    """

    media: MediaFile
    moments: Sequence[Moment]
    tension: Sequence[Point]
    title: str = ""
    samples: Sequence[Sample] = ()
    threshold: float | None = None
    warnings: Sequence[str] = ()
