"""The event loop's share of a request does not grow with what its options ask for: that is work of threads."""

import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType

import httpx
import pytest

from service.app import create_app
from service.observe.landmarkers import Landmarkers
from service.settings import Settings
from tests.fitted import LETTERS, publish_letters, seen_in
from tests.running import ROOT, SAMPLES

pytestmark = pytest.mark.anyio

LETTER = SAMPLES / "letter_a_right_light.mp4"
PACKAGE = str(ROOT / "service")
SEVERAL = [
    ("timeline", {"stride": 0.4, "clip_duration": 0.1, "return_windows": "true", "return_probabilities": "true"}),
    ("timeline", {"stride": 0.4, "clip_duration": 0.1, "smoothing": "none", "format": "csv"}),
    ("timeline", {"model": "moved", "stride": 0.4, "clip_duration": 0.8, "return_windows": "true"}),
    ("highlights", {"sample_rate": 1.0, "window": 0.5, "signal": "change", "return_series": "true", "top_k": 1000}),
    ("highlights", {"sample_rate": 1.0, "window": 600.0, "format": "csv"}),
]
MANY = {"stride": 0.02, "sample_rate": 30.0}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default models, and one that makes a tensor of its own for each window."""
    root = tmp_path_factory.mktemp("store")
    for name in ("asl-letters", "face-motion"):
        shutil.copytree(ROOT / "model_store" / name, root / name)
    landmarkers = Landmarkers()
    clips = {clip.stem: seen_in(clip, LETTERS, landmarkers) for clip in (LETTER, SAMPLES / "letter_b_left_brown.mp4")}
    landmarkers.close()
    publish_letters(root, "moved", clips)
    return root


@pytest.fixture
async def client(tmp_path: Path, store: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(slots=1, stream_slots=0, jobs_dir=tmp_path / "jobs", model_poll_s=0, model_store=store)
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        await app.state.context.registry.wait_until_loaded()
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=120) as client:
            yield client


async def _calls_on_the_loop(client: httpx.AsyncClient, route: str, options: dict[str, object]) -> Counter[str]:
    """How often each of our functions is called by the event loop's own thread during a request."""
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            calls[f"{frame.f_code.co_filename}:{frame.f_code.co_qualname}"] += 1

    medium = LETTER.read_bytes()
    sys.setprofile(count)
    try:
        response = await client.post(f"/{route}", content=medium, params=options)  # type: ignore[arg-type]
    finally:
        sys.setprofile(None)
    assert response.status_code == 200, response.text
    return calls


@pytest.mark.parametrize(("route", "options"), SEVERAL)
async def test_the_loop_does_not_work_for_each_window_or_sample(
    client: httpx.AsyncClient, route: str, options: dict[str, object]
) -> None:
    few = await _calls_on_the_loop(client, route, options)
    many = await _calls_on_the_loop(client, route, {name: MANY.get(name, value) for name, value in options.items()})
    grown = {name: number - few[name] for name, number in many.items() if number - few[name] > 20}
    assert not grown
