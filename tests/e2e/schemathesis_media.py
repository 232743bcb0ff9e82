"""Media for Schemathesis (SCHEMATHESIS_HOOKS): where the schema says binary, it sends a moment of a sample."""

import tempfile
from pathlib import Path

import av
import numpy as np
import schemathesis
from hypothesis import strategies as st
from schemathesis.transport.serialization import Binary

from tests.lessons_made import pose_file
from tests.media_made import film
from tests.running import SAMPLES

RATE, FRAMES = 30, 15


def brief(clip: Path) -> bytes:
    """The middle of a clip, where its sign is shown: what many requests are answered with soon."""
    with av.open(str(clip)) as container:
        pictures = [frame.to_ndarray(format="rgb24").astype(np.uint8) for frame in container.decode(video=0)]
    begins = (len(pictures) - FRAMES) // 2
    with tempfile.TemporaryDirectory() as folder:
        made = film(Path(folder, "brief.mp4"), lambda index: pictures[begins + index], frames=FRAMES, rate=RATE)
        return made.read_bytes()


MEDIA = (
    pose_file("wave"),  # the first is sent most often: landmarks, which every route takes and answers soon
    brief(SAMPLES / "letter_a_right_light.mp4"),
    b"\xff\xd8\xff\xe0 no picture after all",
)

schemathesis.openapi.format("binary", st.sampled_from(MEDIA).map(Binary))
