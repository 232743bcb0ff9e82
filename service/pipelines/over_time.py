"""The usual answers to what `Observing` asks, which a kind inherits and says where it is different."""

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Self

from service.media.sampling import Rate, Sampling
from service.observe.request import ObserverRequest
from service.pipelines.chunking import (
    WARM_UP_S,
    Chunk,
    ChunkLimits,
    Position,
    after_context,
    chunk_length_s,
    warm_up_from,
)
from service.pipelines.kind import Faces, FeaturesKind, Measures, Streams
from service.pipelines.windows import WindowRule
from service.track import Track, Window


class ObservesMedium:
    """What all kinds have in common that look at a medium."""

    features: ClassVar[FeaturesKind] = "pictures"
    streams: ClassVar[Streams | None] = None
    samples_windows: ClassVar[bool] = False
    windows_in_frames: ClassVar[bool] = False

    if TYPE_CHECKING:  # the sections' own: declared here, it would be a second model's

        def model_copy(self, *, update: dict[str, object]) -> Self: ...

    @property
    def observing(self) -> Self:
        """This section, as one that looks at a medium."""
        return self

    @property
    def head(self) -> None:
        """No head: it reads no other model's outputs."""
        return

    @property
    def clip_frames(self) -> int | None:
        """A picture is enough."""
        return None

    @property
    def averaged_windows(self) -> int:
        """/predict takes the surest window's answer."""
        return 0

    @property
    def measures(self) -> Measures | None:
        """Nothing is measured; the network's outputs stand for it."""
        return None

    def with_faces(self, _faces: Faces) -> Self | None:
        """None: no faces are chosen."""
        return None

    def windows(self, _track: Track, rule: WindowRule, end_s: float) -> list[Window]:
        """The windows that the rule gives, wherever frames lie."""
        return rule.windows(end_s)

    def due_windows(self, _track: Track, rule: WindowRule, position: Position) -> list[Window]:
        """Those that end by now; once the part's end is known, all that are left."""
        ahead = replace(rule, first=position.scored)
        return ahead.complete(position.covered_s) if position.end_s is None else ahead.windows(position.end_s)


class SampledOverTime(ObservesMedium):
    """What kinds have in common that look at frames of a medium whatever windows these lie in.

    Chunks follow one another in time, each from a warm-up before what is new in it, and observations are kept as long
    as a window to come needs them.
    """

    if TYPE_CHECKING:  # fields of the sections: declared here, they would be a second model's

        @property
        def sampling(self) -> Sampling: ...

        @property
        def request(self) -> ObserverRequest: ...

    def with_sampling(self, sampling: Rate) -> Self:
        """The same kind of look, at other samples."""
        return self.model_copy(update={"sampling": sampling})

    def evidence(self, track: Track, windows: list[Window]) -> Track:
        """All observations from the first window to the last."""
        return track.cut(Window(windows[0].start_s, windows[-1].end_s))

    def part_sampling(self, _start_s: float, _end_s: float) -> Sampling:
        """The section's own."""
        return self.sampling

    def next_chunk(self, _rule: WindowRule, position: Position, limits: ChunkLimits) -> Chunk:
        """The next seconds, and a warm-up before them."""
        until_s = position.covered_s + chunk_length_s(self.request.kept_bytes, self.sampling, limits)
        return Chunk(warm_up_from(position), until_s, self.sampling, is_last=until_s >= limits.end_s)

    def new_frames(self, track: Track, position: Position) -> Track:
        """What lies behind all that was seen before; what a tracker saw while it settled is left out."""
        return after_context(track, position)

    def join_context(self, _track: Track, new: Track, position: Position) -> Track:
        """What was kept, and then what is new."""
        return new if position.context is None else position.context.join(new)

    def trim(self, track: Track, position: Position, needed_from_s: float) -> Track:
        """What windows to come need, and a warm-up."""
        return track.only(track.times_s >= min(needed_from_s, position.covered_s - WARM_UP_S))
