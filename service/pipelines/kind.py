"""Observing: all that the service asks of a kind whose models look at a medium. Each kind answers in its own file."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, Self

from service.media.sampling import DeferredSampling, Rate, Sampling, Uniform
from service.observe.request import ObserverRequest
from service.pipelines.chunking import Chunk, ChunkLimits, Position
from service.pipelines.row_plan import RowPlan
from service.pipelines.windows import WindowRule
from service.track import FloatArray, Track, Window

Faces = Literal["largest", "mean"]

FeaturesKind = Literal["landmarks", "measures", "outputs", "clip_outputs", "pictures"]
"""What the command `features` writes of each sample: its landmarks, numbers measured on them, what the network gives
for it (for all samples in chunks, or for one clip as a whole), or its picture."""

Streams = Literal["windows", "frames"]
"""How a stream is answered: window by window, or frame by frame, where each is a row whatever window it lies in."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Numbers of each sample that are measured without a network.

    condense: a track of what was observed as a small one of what is needed to measure it. values: T × len(names) of a
    condensed track.
    """

    names: tuple[str, ...]
    condense: Callable[[Track], Track]
    values: Callable[[Track], FloatArray]


class Observing(Protocol):
    """The section of a model that looks at a medium itself, and how it is to be asked.

    features: what the command `features` writes. streams: how /stream is answered, None where no live frames are read.
    samples_windows: frames are sampled from each window, not from the medium, so that windows come before looking.
    windows_in_frames: a window is a number of frames; how long it lasts cannot be chosen.
    """

    features: ClassVar[FeaturesKind]
    streams: ClassVar[Streams | None]
    samples_windows: ClassVar[bool]
    windows_in_frames: ClassVar[bool]

    @property
    def kind(self) -> str:
        """The kind's name in manifests."""

    @property
    def sampling(self) -> Sampling | Uniform:
        """Which frames are looked at."""

    @property
    def votes(self) -> bool:
        """Whether a single frame is an answer: those of a window vote, and /highlights follows them over time."""

    @property
    def input_shape(self) -> tuple[int, ...]:
        """One input's shape without the batch."""

    @property
    def observing(self) -> Self:
        """This section, as one that looks at a medium."""

    @property
    def head(self) -> None:
        """No head: it reads no other model's outputs."""

    @property
    def request(self) -> ObserverRequest:
        """What a worker runs on each sampled frame, or keeps of it."""

    @property
    def clip_frames(self) -> int | None:
        """Frames of the clip that one answer needs; None where a picture is enough."""

    @property
    def averaged_windows(self) -> int:
        """For how many windows, spread evenly, /predict takes the mean; 0: it takes the surest window's answer."""

    @property
    def measures(self) -> Measures | None:
        """Numbers that are measured before the network; None where there are none, and its outputs stand for them."""

    def with_sampling(self, sampling: Rate) -> "Observing":
        """The same kind of look, at other samples."""

    def with_faces(self, faces: Faces) -> "Observing | None":
        """The same kind of look, at other faces; None where none are chosen."""

    def plan_rows(self, track: Track, windows: list[Window]) -> RowPlan:
        """All rows that the windows need, each once."""

    def evidence(self, track: Track, windows: list[Window]) -> Track:
        """The observations on which one answer for all these windows rests."""

    def windows(self, track: Track, rule: WindowRule, end_s: float) -> list[Window]:
        """The windows of a part that ends there and has been looked at."""

    def part_sampling(self, start_s: float, end_s: float) -> Sampling | DeferredSampling:
        """Which frames are looked at of a part that is looked at in one go."""

    def next_chunk(self, rule: WindowRule, position: Position, limits: ChunkLimits) -> Chunk:
        """What is to be looked at next of a part that is looked at chunk by chunk."""

    def new_frames(self, track: Track, position: Position) -> Track:
        """Of what a chunk has brought, what none before had."""

    def join_context(self, track: Track, new: Track, position: Position) -> Track:
        """A chunk with what of those before the windows that are due need."""

    def due_windows(self, track: Track, rule: WindowRule, position: Position) -> list[Window]:
        """The windows that are complete now and have not been scored, as the whole part would be cut."""

    def trim(self, track: Track, position: Position, needed_from_s: float) -> Track:
        """What of a joined chunk those to come need, where no window before needed_from_s is asked for again."""


def needs_a_model(observing: Observing) -> bool:
    """Whether its features are what a network gives, so that there are none without it."""
    return observing.features in ("outputs", "clip_outputs")
