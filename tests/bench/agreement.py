"""The same clip by /timeline, as a job, and live: what differs.

`python -m tests.bench.agreement > docs/parity/live.md` writes the page; SIGN_TESTDATA adds the clips that lie there.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.jobs_made import ended, job_of, submit
from tests.running import SAMPLES, RunningService, running_service
from tests.streaming import as_jpeg, as_png, streamed

Segments = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Segments of one clip by each of the ways; frame_s, stride_s: what boundaries are measured by."""

    clip: str
    predicted: str | None
    timeline: Segments
    job: Segments
    png: Segments
    jpeg: Segments
    frame_s: float
    stride_s: float

    def offsets_s(self, other: Segments) -> list[float]:
        """How far the boundaries lie from /timeline's; nothing where the labels differ."""
        if labels(other) != labels(self.timeline):
            return []
        return [
            abs(one[edge] - another[edge])
            for one, another in zip(self.timeline, other, strict=True)
            for edge in ("start_time", "end_time")
        ]


def labels(segments: Segments) -> list[str]:
    return [segment["class_name"] for segment in segments]


def longest(segments: Segments) -> str | None:
    """The label that is shown for the longest time."""
    totals: dict[str, float] = {}
    for segment in segments:
        name = segment["class_name"]
        totals[name] = totals.get(name, 0.0) + segment["end_time"] - segment["start_time"]
    return max(totals, key=lambda name: totals[name], default=None)


def agreement(service: RunningService, clip: Path, model: str = "asl-letters", *, lossy: bool = True) -> Agreement:
    """One clip, four ways, or three."""
    content, options = clip.read_bytes(), {"model": model}
    filed = service.client.post("/timeline", content=content, params=options).json()
    location = job_of(submit(service, content, **options))
    png = streamed(service, as_png(clip), **options)["segments"]
    ended(service, location, 120)
    return Agreement(
        clip=clip.stem,
        predicted=service.predict(clip, **options).json()["predicted_class_name"],
        timeline=filed["segments"],
        job=service.client.get(f"{location}/result").json()["segments"],
        png=png,
        jpeg=streamed(service, as_jpeg(clip, 80), **options)["segments"] if lossy else [],
        frame_s=1 / filed["media"]["frame_rate"],
        stride_s=0.2,
    )


def clips() -> Iterator[tuple[Path, str]]:
    """All samples, and the clips of the test data, with the model that reads them."""
    folders = [SAMPLES]
    if named := os.environ.get("SIGN_TESTDATA"):
        videos = Path(named) / "videos"
        folders += [videos / "avatar" / "letters", videos / "avatar" / "digits", videos / "rendered"]
        yield videos / "sentences" / "spell_abc.mp4", "asl-letters"
    for folder in folders:
        for clip in sorted(folder.glob("*.mp4")):
            is_digit = folder.name == "digits" or clip.stem.startswith("digit")
            yield clip, "asl-digits" if is_digit else "asl-letters"


def _row(one: Agreement) -> str:
    def told(other: Segments) -> str:
        if labels(other) != labels(one.timeline):
            return f"{' '.join(labels(other)) or '–'}"
        off = one.offsets_s(other)
        return "same" if not off else f"same, {max(off) * 1000:.0f}"

    shown = " ".join(labels(one.timeline)) or "–"
    return f"| {one.clip} | {one.predicted or '–'} | {shown} | {told(one.job)} | {told(one.png)} | {told(one.jpeg)} |"


def _sum_up(found: list[Agreement], way: str) -> str:
    others = [(one, getattr(one, way)) for one in found]
    same = sum(labels(other) == labels(one.timeline) for one, other in others)
    off = [offset for one, other in others for offset in one.offsets_s(other)]
    middle = statistics.median(off) * 1000 if off else 0.0
    most = max(off, default=0.0) * 1000
    return (
        f"{same} of {len(found)} with the same labels; boundaries apart: median {middle:.0f} ms, at most {most:.0f} ms"
    )


def main() -> None:
    found = []
    with (
        tempfile.TemporaryDirectory() as folder,
        running_service(Path(folder), SIGN_SLOTS="1", SIGN_STREAM_SLOTS="1", SIGN_STREAM_MAX_FPS="1000") as service,
    ):
        for clip, model in clips():
            found.append(agreement(service, clip, model))
            print(_row(found[-1]), file=sys.stderr, flush=True)
    winners = [one for one in found if one.predicted is not None and one.timeline]
    agreed = sum(longest(one.png) == one.predicted for one in winners)
    print(
        f"""# Live frames against files

The same clips by `POST /timeline`, as a job, and over `WS /stream`, paced so that no frame is dropped: once as PNG,
which loses nothing, once as JPEG of quality 80, as a page sends it.
Made by `python -m tests.bench.agreement`.

| way | against /timeline |
|---|---|
| job | {_sum_up(found, "job")} |
| stream, PNG | {_sum_up(found, "png")} |
| stream, JPEG 80 | {_sum_up(found, "jpeg")} |

`/predict` looks at the whole clip at once. Where it names a label and the timeline shows any ({len(winners)} clips),
the stream's longest label is the same in {agreed}.

Where PNG frames show another label, the last window is why: a file's container may end a part of a microsecond after
its last frame does, and the window that ends there then holds one observation less.

Numbers are the farthest boundary's distance from /timeline's in ms; labels are shown where they differ.

| clip | /predict | /timeline | job | stream, PNG | stream, JPEG 80 |
|---|---|---|---|---|---|
"""
        + "\n".join(map(_row, found))
    )


if __name__ == "__main__":
    main()
