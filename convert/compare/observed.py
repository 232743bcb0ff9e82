"""What `service features` wrote of a clip: the landmarks that a model's pipeline saw, as a track."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.lib.npyio import NpzFile

from convert.errors import CallError, MismatchError, RefusalError
from convert.store_lookup import look_up_model
from service.pipelines.keypoints import KeypointsSection
from service.registry.store import StoredModel
from service.track import PART_POINTS, MediaInfo, Track

_TIMEOUT_S = 900


@dataclass(frozen=True, slots=True)
class Observed:
    """A clip as the model's pipeline saw it. points: a name for each of the track's points."""

    track: Track
    points: tuple[str, ...]


def find_model(wanted: str, store: Path) -> tuple[StoredModel, KeypointsSection]:
    """A published model of landmarks. CallError where it is none."""
    stored = look_up_model(wanted, store)
    section = stored.manifest.pipeline
    if not isinstance(section, KeypointsSection):
        raise CallError(
            f"{stored.manifest.name} has a pipeline of kind `{section.kind}`; only those of kind `keypoints` make "
            "feature vectors of landmarks.",
            "Of a model of pictures, `python -m service features --crops` writes what it is given.",
        )
    return stored, section


def observe_clip(clip: Path, stored: StoredModel, section: KeypointsSection, store: Path) -> Observed:
    """Let the service look at the clip, in a process of its own. CallError."""
    if not clip.is_file():
        raise CallError(f"There is no clip {clip}.")
    manifest = stored.manifest
    with tempfile.TemporaryDirectory(prefix="convert-") as folder:
        file = Path(folder) / "observed.npz"
        asked = ["--model", manifest.name, "--version", str(manifest.version), "--out", str(file)]
        done = subprocess.run(  # noqa: S603 - this program, without a shell
            [sys.executable, "-m", "service", "features", str(clip.resolve()), *asked],
            env={**os.environ, "SIGN_MODEL_STORE": str(store)},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if done.returncode or not file.is_file():
            said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise CallError(
                f"The service could not look at {clip.name}: {said[0]}",
                "Try `python -m service features` by itself and hand over its file: --landmarks FILE.npz.",
            )
        return read_observed(file, section)


def read_observed(file: Path, section: KeypointsSection) -> Observed:
    """A file of `python -m service features CLIP --model NAME --out FILE.npz`. CallError, RefusalError."""
    if not file.is_file():
        raise CallError(f"There is no file {file}.")
    try:
        arrays = _load(file)
        track = _track(arrays, section)
        points = tuple(map(str, arrays["points"]))
    except (KeyError, TypeError, ValueError, OSError, EOFError, BadZipFile) as error:
        raise RefusalError(
            f"{file.name} was not written by `service features` with a model of landmarks: {error}.",
            "python -m service features CLIP --model NAME --out FILE.npz",
        ) from None
    wanted = (len(points), 4)
    if track.values.shape[1:] != wanted or len(points) != sum(PART_POINTS[part] for part in section.parts):
        raise MismatchError(
            f"{file.name} holds {len(points)} points; the model's pipeline sees those of {', '.join(section.parts)}.",
            "Write it with this model: python -m service features CLIP --model NAME --out FILE.npz",
        )
    return Observed(track, points)


def _load(file: Path) -> dict[str, np.ndarray]:
    stored = np.load(file, allow_pickle=False)
    if not isinstance(stored, NpzFile):
        raise TypeError("it is no .npz")
    with stored:
        return {name: stored[name] for name in stored.files}


def _track(arrays: dict[str, np.ndarray], section: KeypointsSection) -> Track:
    if len(arrays["files"]) != 1:
        raise ValueError(f"it holds {len(arrays['files'])} clips, not one")
    duration, rate = float(arrays["durations"][0]), float(arrays["frame_rates"][0])
    media = MediaInfo(
        "picture" if np.isnan(duration) else "video",
        "npz",
        int(arrays["widths"][0]),
        int(arrays["heights"][0]),
        None if np.isnan(duration) else duration,
        None if np.isnan(rate) else rate,
    )
    return Track(
        times_s=arrays["times"],
        values=arrays["values"],
        present=arrays["present"],
        media=media,
        parts=section.parts,
        handedness=arrays.get("handedness"),
    )
