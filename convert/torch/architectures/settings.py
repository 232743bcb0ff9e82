"""What is not in the weights: which network of its family, which clips, how the head ends: flag, file, table."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from convert.errors import CallError
from convert.pickles.values import Value
from convert.presets.clips import window_s
from convert.presets.networks import NETWORKS, SPATIAL_STRIDE, Activation, Kernel, Network, find_network
from convert.torch.architectures.recognize import RecognizedNetwork
from convert.torch.checkpoint.checkpoint import Checkpoint

NAME_KEYS = ("model_name", "arch", "architecture", "backbone", "model_type", "network", "model")
FRAME_KEYS = ("num_frames", "clip_length", "n_frames", "frames_per_clip")
CROP_KEYS = ("crop_size", "input_crop_size", "image_size", "img_size")
SIDE_KEYS = ("side_size", "short_side", "min_side")
SAMPLING_KEYS = ("sampling_rate", "frame_interval")
NETWORK_B0 = "tf_efficientnet_b0"
NETWORK_B2 = "tf_efficientnet_b2"


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command says; None where it says nothing."""

    arch: str | None = None
    frames: int | None = None
    crop: int | None = None
    side: int | None = None
    head_pool: Kernel | None = None
    head_activation: Activation | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """All that an export needs beside the weights. sources: value → where it comes from; assumptions: sentences."""

    network: Network
    frames: int
    crop: int
    side: int
    clip_duration_s: float
    head_pool: Kernel | None
    head_activation: Activation
    sources: dict[str, str] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()


def resolve_settings(recognized: RecognizedNetwork, checkpoint: Checkpoint, flags: Flags) -> Settings:
    """Settle everything. CallError where a flag is wrong or only a flag can tell."""
    found = _Found(checkpoint)
    network = _choose_network(recognized, found, flags)
    frames = found.number("frames", flags.frames, FRAME_KEYS, network.frames) if network.is_clip else 0
    crop = found.number("crop", flags.crop, CROP_KEYS, network.crop)
    side = max(crop, found.number("side", flags.side, SIDE_KEYS, max(network.side, crop)))
    frames, crop = _read_positions(recognized, frames, crop)
    sampling = found.number("sampling", None, SAMPLING_KEYS, network.sampling) if network.is_clip else 0
    duration = checkpoint.hyper_parameter("clip_duration")
    if not isinstance(duration, int | float) or isinstance(duration, bool) or not 0 < duration < 3600:
        duration = window_s(frames, sampling)
        found.sources["clip_duration"] = "table"
    else:
        found.sources["clip_duration"] = "file"
    pool = _choose_head_pool(network, flags, frames, crop, found)
    activation: Activation = flags.head_activation or network.head_activation
    found.sources["head_activation"] = "flag" if flags.head_activation else "table"
    return Settings(
        network, frames, crop, side, float(duration), pool, activation, found.sources,
        _list_assumptions(network, pool, activation, found.sources),
    )  # fmt: skip


def record_settings(settings: Settings) -> dict[str, Any]:
    """The settings as the manifest and programs see them."""
    return {
        "network": settings.network.name,
        "num_frames": settings.frames,
        "side": settings.side,
        "crop": settings.crop,
        "clip_duration_s": settings.clip_duration_s,
        "head_pool": list(settings.head_pool) if settings.head_pool else None,
        "head_activation": settings.head_activation,
    }


def describe_clips(settings: Settings) -> str:
    """What the network looks at, for a person."""
    if not settings.network.is_clip:
        return f"pictures of {settings.crop} × {settings.crop}"
    return (
        f"clips of {settings.frames} frames over {settings.clip_duration_s:.2f} s, short side {settings.side}, "
        f"crop {settings.crop}"
    )


class _Found:
    """Looks values up by the precedence and remembers where each came from."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        self.checkpoint = checkpoint
        self.sources: dict[str, str] = {}

    def number(self, what: str, flag: int | None, keys: Sequence[str], default: int) -> int:
        stored = _read_whole(self.checkpoint.hyper_parameter(*keys))
        self.sources[what] = "flag" if flag is not None else "file" if stored is not None else "table"
        value = flag if flag is not None else stored if stored is not None else default
        if not 1 <= value <= 4096:
            raise CallError(f"{what} = {value} cannot be.", f"Say it with a flag; the table has {default}.")
        return value


def _choose_network(recognized: RecognizedNetwork, found: _Found, flags: Flags) -> Network:
    family = recognized.family.name
    members = [network for network in NETWORKS.values() if network.family == family]
    if flags.arch is not None:
        network = find_network(flags.arch)
        if network is None:
            raise CallError(f"There is no network {flags.arch!r}.", f"Known: {', '.join(NETWORKS)}.")
        if network.family != family:
            raise CallError(f"The weights are of {_join_names(members)}, not of {network.name}.", "Leave out --arch.")
        found.sources["network"] = "flag"
        return network
    stored = found.checkpoint.hyper_parameter(*NAME_KEYS)
    network = find_network(stored) if isinstance(stored, str) else None
    if network is not None and network.family == family:
        found.sources["network"] = "file"
        return network
    found.sources["network"] = "weights"
    fitting = _match_evidence(recognized, members, _read_whole(found.checkpoint.hyper_parameter(*FRAME_KEYS)))
    if len(fitting) == 1:
        return fitting[0]
    raise CallError(
        f"The weights are of {_join_names(members)}: they have the same shapes, and the file does not say which.",
        f"Say it: --arch {members[0].name}.",
    )


def _match_evidence(recognized: RecognizedNetwork, members: list[Network], frames: int | None) -> list[Network]:
    """Members that the weights' shapes, or else the clip's length, leave over."""
    if recognized.family.name == "efficientnet":
        width = recognized.state["classifier.weight"].shape[1]
        return [network for network in members if network.name == {1280: NETWORK_B0, 1408: NETWORK_B2}.get(width)]
    if len(members) == 1:
        return members
    return [network for network in members if network.frames == frames]


def _read_positions(recognized: RecognizedNetwork, frames: int, crop: int) -> tuple[int, int]:
    """MViT's positions are in its weights, and with them frames and crop."""
    if recognized.family.name != "mvit":
        return frames, crop
    in_time = recognized.state["cls_positional_encoding.pos_embed_temporal"].shape[1]
    in_space = recognized.state["cls_positional_encoding.pos_embed_spatial"].shape[1]
    return 2 * in_time, 4 * math.isqrt(in_space)


def _choose_head_pool(network: Network, flags: Flags, frames: int, crop: int, found: _Found) -> Kernel | None:
    if network.head_pool is None:
        if flags.head_pool is not None:
            raise CallError(f"The head of {network.name} has no pooling kernel.", "Leave out --head-pool.")
        return None
    pool = flags.head_pool or network.head_pool
    found.sources["head_pool"] = "flag" if flags.head_pool else "table"
    positions = -(-crop // SPATIAL_STRIDE)
    if pool[0] > frames or pool[1] > positions or pool[2] > positions:
        raise CallError(
            f"The head pools {_format(pool)} positions; a clip of {frames} frames and {crop} × {crop} pixels leaves "
            f"{_format((frames, positions, positions))}.",
            "Give the kernel that the network was built with: --head-pool T,H,W.",
        )
    return pool


def _list_assumptions(
    network: Network, pool: Kernel | None, activation: Activation, sources: dict[str, str]
) -> tuple[str, ...]:
    sentences = []
    if pool is not None and sources["head_pool"] == "table":
        sentences.append(f"head pooling kernel {_format(pool)}, as the builder of {network.name} sets it")
    if network.is_clip and sources["head_activation"] == "table":
        said = f"{activation} at each position, before their mean" if activation != "none" else "none (logits)"
        sentences.append(f"head activation: {said}, as the builder of {network.name} sets it")
    if network.family == "efficientnet":
        sentences.append("padding and norms as TensorFlow's EfficientNet (timm's tf_ variants)")
    return tuple(sentences)


def _read_whole(value: Value) -> int | None:
    if isinstance(value, list) and value and len(set(map(str, value))) == 1:
        value = value[0]
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _join_names(members: list[Network]) -> str:
    return " or ".join(network.name for network in members)


def _format(sizes: Kernel) -> str:
    return " × ".join(str(size) for size in sizes)
