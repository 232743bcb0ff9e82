"""Memory does not grow with the medium: `make soak`. SIGN_SOAK_MINUTES says how long the long one is (30)."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import av
import pytest

from tests.jobs_made import ended, job_of, result, submit
from tests.pixel_models import publish_means
from tests.running import ROOT, SAMPLES, RunningService, running_service

MINUTES = float(os.environ.get("SIGN_SOAK_MINUTES", "30"))
MOST_TIMES = 1.2
WARM_UP_SHARE = 0.2  # two seconds before each chunk of ten
STRIDE_S = 0.2
PICTURES = {"kind": "image", "resize": {"w": 224, "h": 224, "method": "bilinear", "library": "pillow"}}


@dataclass(frozen=True, slots=True)
class Cost:
    """What a job took: peaks in bytes, frames that were sampled and observed, rows of inference and windows."""

    service_peak: int
    worker_peak: int
    sampled: int
    observed: int
    rows: int


def looped(path: Path, seconds: float) -> Path:
    """A sample again and again, its packets copied, for so many seconds."""
    with av.open(str(SAMPLES / "word_cab_left_brown.mp4")) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        assert stream.time_base is not None
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        length = sum(packet.duration or 0 for packet in packets)
        for round_ in range(round(seconds / float(length * stream.time_base))):
            for packet in packets:
                again = av.Packet(bytes(packet))
                again.pts, again.dts = (packet.pts or 0) + round_ * length, (packet.dts or 0) + round_ * length
                again.duration, again.time_base, again.is_keyframe = (
                    packet.duration,
                    packet.time_base,
                    packet.is_keyframe,
                )
                again.stream = copy
                target.mux(again)
    return path


def peak_bytes(pid: int) -> int:
    """The most memory that a process ever had (resident, with what it shares)."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return 1024 * int(found.group(1))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model, and one of pixels."""
    root = tmp_path_factory.mktemp("store")
    shutil.copytree(ROOT / "model_store" / "asl-letters", root / "asl-letters")
    publish_means(root, "pictures", PICTURES, (224, 224, 3), task="sign")
    return root


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("media")
    return {
        "short": looped(folder / "short.mp4", 60),
        "long": looped(folder / "long.mp4", 60 * MINUTES),
    }


def cost(folder: Path, store: Path, medium: Path, model: str) -> Cost:
    folder.mkdir()
    with running_service(folder, SIGN_SLOTS="2", SIGN_MODEL_STORE=str(store)) as service:
        location = job_of(submit(service, medium, model=model, stride=STRIDE_S))
        job = ended(service, location, 3 * 3600)
        assert (job["state"], job["error"]) == ("succeeded", None)
        answer = result(service, location)
        return Cost(
            peak_bytes(service.process.pid),
            max(peak_bytes(pid) for pid in service.workers()),
            answer["evidence"]["frames_sampled"],
            round(service.metric('sign_frames_total{stage="observed"}')),
            round(_rows(service, model)),
        )


def _rows(service: RunningService, model: str) -> float:
    return service.metric(f'sign_batch_rows_sum{{model="{model}"}}')


@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("model", ["pictures", "asl-letters"])
def test_a_long_video_takes_the_memory_of_a_short_one(
    model: str, store: Path, media: dict[str, Path], tmp_path: Path
) -> None:
    short, long = (cost(tmp_path / name, store, media[name], model) for name in ("short", "long"))
    mib = 1024 * 1024
    sys.stdout.write(
        f"\n{model}: 1 minute: service {short.service_peak / mib:.0f} MiB, worker {short.worker_peak / mib:.0f} MiB; "
        f"{MINUTES:g} minutes: {long.service_peak / mib:.0f} MiB, {long.worker_peak / mib:.0f} MiB; frames sampled "
        f"{long.sampled}, observed {long.observed}, rows of inference {long.rows}\n"
    )
    assert long.service_peak <= MOST_TIMES * short.service_peak
    assert long.worker_peak <= MOST_TIMES * short.worker_peak
    assert long.sampled >= 60 * MINUTES * 4.9
    assert long.observed <= (1 + WARM_UP_SHARE) * long.sampled + 60
