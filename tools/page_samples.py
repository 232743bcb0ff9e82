"""Writes what the page offers to try without a camera: clips of samples/, and a picture of each handshape in them."""

import json
import shutil
from pathlib import Path

import av
from PIL import Image

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "samples"
PLACE = ROOT / "service/web/samples"
CLIPS = ("word_fly_right_tan", "word_cab_left_brown")
DRAWN = ("J", "Z")
"""Letters that are movements: no picture shows them."""
QUALITY = 88


def main() -> None:
    """Write all of them again."""
    PLACE.mkdir(exist_ok=True)
    for name in CLIPS:
        short = "_".join(name.split("_")[:2])
        shutil.copyfile(SAMPLES / f"{name}.mp4", PLACE / f"{short}.mp4")
        save_picture(SAMPLES / f"{name}.mp4", 0.2, PLACE / f"{short}.webp")
    for described in sorted([*SAMPLES.glob("letter_*.json"), *SAMPLES.glob("digit_*.json")]):
        if json.loads(described.read_text())["label"] in DRAWN:
            continue
        short = "_".join(described.stem.split("_")[:2])
        save_picture(described.with_suffix(".mp4"), 0.5, PLACE / f"{short}.webp")
    for path in sorted(PLACE.iterdir()):
        print(f"{path.name} {path.stat().st_size / 1000:.1f} kB")


def save_picture(clip: Path, share: float, place: Path) -> None:
    """The frame that lies at this share of the clip."""
    with av.open(str(clip)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    picture = Image.fromarray(frames[int(share * len(frames))])
    picture.save(place, "WEBP", quality=QUALITY, method=6)


if __name__ == "__main__":
    main()
