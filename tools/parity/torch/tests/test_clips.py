"""Clips as the service makes them beside PyTorchVideo's own transforms, and a converted network through the service."""

import asyncio
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from av.video.frame import VideoFrame

from tools.parity.torch.originals import CLASSES, CLIPS, original  # isort: skip - brings torchvision's names

from pytorchvideo.transforms.functional import short_side_scale, uniform_temporal_subsample  # isort: skip
from torchvision.transforms import CenterCrop  # isort: skip

from convert.draft import PublishOptions
from convert.presets.networks import NETWORKS, normalize_pixels
from convert.torch.architectures.settings import Flags
from convert.torch.convert import ExportOptions, convert_torch
from service.embedding import PredictOptions, Settings, TimelineOptions, open_services, predict, timeline
from service.media.resize import ShortSide
from service.media.resizing import resize_picture
from service.media.sampling import uniform_indices
from service.registry.manifest import Manifest, read_manifest

SMALL = "x3d_xs"
SIZES = [(640, 480), (480, 640), (333, 187), (185, 331), (854, 480), (128, 72), (182, 182), (1280, 720)]
torch.set_num_threads(1)


@pytest.mark.parametrize("network", [one for one in NETWORKS.values() if one.is_clip], ids=lambda one: one.name)
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_short_side_and_the_crop_are_pytorchvideos(network: object, width: int, height: int) -> None:
    side, crop = network.side, network.crop  # type: ignore[attr-defined]
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    video = torch.from_numpy(picture).permute(2, 0, 1)[:, None].float()
    author = CenterCrop(crop)(short_side_scale(video, side))[:, 0].permute(1, 2, 0).numpy()
    assert np.abs(resize_picture(picture, ShortSide(side, crop)) - author).max() <= 2e-3  # of 255 levels


@pytest.mark.parametrize("count", sorted({frames for frames, _ in CLIPS.values() if frames}))
def test_the_chosen_frames_are_pytorchvideos_but_for_the_rounding_of_its_float32(count: int) -> None:
    """Where ours is exact and a step of theirs falls just short of a whole number, they take the frame before."""
    different = 0
    for total in range(1, 1201):
        theirs = uniform_temporal_subsample(torch.arange(total), count, 0).numpy()
        ours = uniform_indices(total, count)
        assert set((ours - theirs).tolist()) <= {0, 1}
        exact = np.arange(count) * (total - 1) / max(1, count - 1)
        assert all(exact[place] == ours[place] for place in np.flatnonzero(ours != theirs))
        different += bool((ours != theirs).any())
    assert different <= 120


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, torch.nn.Module]:
    """A store with a real X3D as `convert torch` publishes it, in three ways of taking pixels."""
    folder = tmp_path_factory.mktemp("store")
    network = original(SMALL)
    stored = {"model_name": SMALL, "class_names": [f"sign {place}" for place in range(CLASSES)]}
    torch.save({"state_dict": network.state_dict(), "hyper_parameters": stored}, folder / "a.ckpt")
    for kind in ("pixels", "normalised", "uint8"):
        export = ExportOptions(layout="3d", input_kind=kind)
        options = PublishOptions(name=f"x3d-{kind}", store=folder / "store")
        convert_torch(folder / "a.ckpt", options, Flags(head_activation="none"), export)
    return folder / "store", network


def manifest_of(store: Path, name: str) -> Manifest:
    return read_manifest(store / name / "1" / "manifest.json")


def test_a_video_network_is_published_with_its_clips_and_times(published: tuple[Path, torch.nn.Module]) -> None:
    manifest = manifest_of(published[0], "x3d-pixels")
    assert manifest.pipeline.kind == "clip"
    assert manifest.pipeline.model_dump()["mean"] is None
    assert manifest.time is not None
    assert manifest.time.window_s == 1.6
    assert manifest.source is not None
    assert manifest.source.preset == "x3d-xs"
    given = manifest_of(published[0], "x3d-normalised").pipeline.model_dump()
    assert (given["scale"], given["mean"]) == (1 / 255, (0.45, 0.45, 0.45))
    assert manifest_of(published[0], "x3d-uint8").pipeline.model_dump()["dtype"] == "uint8"


def _film(path: Path) -> np.ndarray:
    """A video of a wandering stripe without loss, and its frames."""
    frames = []
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264rgb", rate=30, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 240, 200, "rgb24"
        for index in range(60):
            picture = np.full((200, 240, 3), (40, 90, 60), np.uint8)
            picture[:, 3 * index : 3 * index + 40] = (220, 180, 90)
            frames.append(picture)
            frame = VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 30)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return np.stack(frames)


TOLERANCES = {"pixels": 1e-3, "normalised": 1e-3, "uint8": 0.1}


def test_the_service_answers_what_the_original_says_of_the_same_frames(
    published: tuple[Path, torch.nn.Module], tmp_path: Path
) -> None:
    frames = _film(tmp_path / "stripe.mp4")
    network = NETWORKS[SMALL]
    taken = frames[[0, 15, 31, 47]]
    video = torch.from_numpy(taken).permute(3, 0, 1, 2).float()
    author = CenterCrop(network.crop)(short_side_scale(video, network.side))
    with torch.no_grad():
        logits = published[1](torch.from_numpy(normalize_pixels(author[None].numpy(), network)))[0].numpy()
    answers = asyncio.run(_answers(published[0], tmp_path / "stripe.mp4"))
    for kind, tolerance in TOLERANCES.items():
        ours = np.log(answers[kind])
        assert np.abs((ours - ours.mean()) - (logits - logits.mean())).max() <= tolerance, kind


async def _answers(store: Path, video: Path) -> dict[str, list[float]]:
    """The probabilities of the labels by way of taking pixels."""
    answers = {}
    async with open_services(Settings(model_store=store, default_model="x3d-pixels", slots=1)) as services:
        for kind in TOLERANCES:
            asked = PredictOptions(model=f"x3d-{kind}", clip_duration=1.6, return_probabilities=True)
            found = (await predict(services, video, asked)).probabilities
            assert found is not None
            answers[kind] = [found[f"sign {place}"] for place in range(CLASSES)]
    return answers


def test_a_timeline_looks_at_windows_of_the_clips_length(
    published: tuple[Path, torch.nn.Module], tmp_path: Path
) -> None:
    _film(tmp_path / "stripe.mp4")

    async def ask() -> list[float]:
        settings = Settings(model_store=published[0], default_model="x3d-pixels", slots=1)
        async with open_services(settings) as services:
            found = await timeline(services, tmp_path / "stripe.mp4", TimelineOptions(return_windows=True))
        return [window.start_time for window in found.windows or ()]

    assert asyncio.run(ask()) == pytest.approx([0.0, 0.4])
