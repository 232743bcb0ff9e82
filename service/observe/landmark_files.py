"""Where the engine's networks lie, and which of them is not part of the repository. Imports nothing heavy."""

from service.observe.request import LandmarkRequest
from service.own_store import OWN_STORE

FOLDER = OWN_STORE / "landmarks"
HEAVY = "pose-heavy"


def explain_missing(request: LandmarkRequest) -> str | None:
    """A sentence where the request takes a network that has to be fetched first; None where all are there."""
    if request.source != "holistic" or request.complexity != 2 or (FOLDER / f"{HEAVY}.onnx").is_file():
        return None
    return (
        f"Holistic of complexity 2 takes the network {HEAVY} (27 MB), which is not part of the repository: "
        f"`make landmarks HEAVY=--heavy` writes it to {FOLDER}"
    )
