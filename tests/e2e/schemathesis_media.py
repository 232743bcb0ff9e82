"""Media for Schemathesis (SCHEMATHESIS_HOOKS): where the schema says binary, it sends one of our samples."""

import schemathesis
from hypothesis import strategies as st
from schemathesis.transport.serialization import Binary

from tests.running import SAMPLES

MEDIA = (
    (SAMPLES / "letter_a_right_light.mp4").read_bytes(),
    b"\xff\xd8\xff\xe0 no picture after all",
)

schemathesis.openapi.format("binary", st.sampled_from(MEDIA).map(Binary))
