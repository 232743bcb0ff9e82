"""The authors' own steps, from a file's bytes to logits: EncodedVideo, PyTorchVideo's transforms, the original network.

    PYTHONPATH=…/av-12.3.0:. python -m tools.parity.torch.videos_authors WORK TESTDATA

Runs with the PyAV of PyTorchVideo's time. WORK gets NETWORK.ckpt, and for each network and sample the clip as the
network takes it (.npy) and in answers.json the logits, how many frames the window holds and which were taken.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from tools.parity.torch.originals import CLIPS, original, shown  # isort: skip - brings torchvision's names

from pytorchvideo.data.encoded_video import EncodedVideo  # isort: skip
from pytorchvideo.transforms import Normalize, ShortSideScale, UniformTemporalSubsample  # isort: skip
from torchvision.transforms import CenterCrop, Compose, Lambda  # isort: skip

from convert.presets.networks import CLIP_MEAN, CLIP_STD, NETWORKS  # isort: skip
from tools.parity.torch.videos_media import Sample, samples_of  # isort: skip


SETTLING = (0, 5, 6)
"""Samples that the networks' statistics are taken from: a person, film, a drawn hand."""


def key_of(network: str, place: int) -> str:
    """The name of a clip's file."""
    return f"{network}-{place:02d}"


def clip_of(sample: Sample, network: str) -> tuple[torch.Tensor, int]:
    """(3, T, H, W) as the hub's tutorial makes it, and how many frames the window holds."""
    known = NETWORKS[network]
    length_s = sample.length_s or known.frames * known.sampling / 30
    video = EncodedVideo.from_path(str(sample.file), decode_audio=False)
    frames = video.get_clip(start_sec=sample.start_s, end_sec=sample.start_s + length_s)["video"]
    transform = Compose(
        [
            UniformTemporalSubsample(known.frames),
            Lambda(lambda x: x / 255.0),
            Normalize(CLIP_MEAN, CLIP_STD),
            ShortSideScale(known.side),
            CenterCrop(known.crop),
        ]
    )
    return transform(frames), frames.shape[1]


def main() -> None:
    """Write checkpoints, clips and answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("testdata", type=Path)
    wanted = parser.parse_args()
    torch.set_num_threads(1)  # on a busy machine two wait for each other
    samples = samples_of(wanted.testdata, wanted.work / "media")
    (wanted.work / "clips").mkdir(parents=True, exist_ok=True)
    kept = wanted.work / "answers.json"
    answers: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else {}
    answers["av"] = av.__version__
    for name, (frames, _) in CLIPS.items():
        if not frames or key_of(name, len(samples) - 1) in answers:
            continue
        network = settled(original(name), name, samples)
        stored = {"state_dict": network.state_dict(), "hyper_parameters": {"model_name": name}}
        torch.save(stored, wanted.work / f"{name}.ckpt")
        for place, sample in enumerate(samples):
            answers[key_of(name, place)] = answered(network, name, sample, wanted.work / "clips" / key_of(name, place))
        kept.write_text(json.dumps(answers))
        print(name, flush=True)


def settled(network: torch.nn.Module, name: str, samples: list[Sample]) -> torch.nn.Module:
    """The network with statistics and a head that fit real videos: without that its logits run into the hundreds.

    X3D with random weights multiplies the smallest difference wherever it sees what its statistics do not know, so the
    gratings on which `convert torch` proves its graph are among them.
    """
    clips = [clip_of(samples[place], name)[0] for place in SETTLING]
    if NETWORKS[name].family == "x3d":
        clips += list(shown(2, *CLIPS[name], seed=100))
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm3d):
            module.reset_running_stats()
        if isinstance(module, torch.nn.Dropout):
            module.eval()
    with torch.no_grad():
        network(torch.stack(clips))
        network.eval()
        scores = network(torch.stack(clips[:2]))
        head = [module for module in network.modules() if isinstance(module, torch.nn.Linear)][-1]
        head.weight *= 3.0 / scores.std().clamp_min(1e-6)
    return network


def answered(network: torch.nn.Module, name: str, sample: Sample, clip_path: Path) -> dict[str, Any]:
    """The network's logits for a sample, and which of the window's frames were taken; the clip is written."""
    clip, total = clip_of(sample, name)
    with torch.inference_mode():
        logits = network(clip[None])[0]
    np.save(clip_path.with_suffix(".npy"), clip.numpy())
    indices = torch.clamp(torch.linspace(0, total - 1, clip.shape[1]), 0, total - 1).long()
    return {"logits": logits.tolist(), "total": total, "taken": indices.tolist()}


if __name__ == "__main__":
    main()
