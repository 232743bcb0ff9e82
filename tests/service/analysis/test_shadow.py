"""Shadows: the same windows answered by a second version, compared and counted."""

import asyncio
import shutil
from pathlib import Path

import pytest

from service.embedding import PredictOptions, open_services, predict
from service.errors import SignError
from service.settings import Settings
from service.version_shares import VersionShare
from tests.lessons_made import pose_file
from tests.running import ROOT

STORE = ROOT / "model_store"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """asl-letters with its two versions, and once more under the number 3."""
    shutil.copytree(STORE / "asl-spelling", tmp_path / "store" / "asl-spelling")
    shutil.copytree(STORE / "asl-letters", tmp_path / "store" / "asl-letters")
    third = shutil.copytree(STORE / "asl-letters" / "2", tmp_path / "store" / "asl-letters" / "3")
    manifest = third / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"version": 2,', '"version": 3,', 1))
    return tmp_path / "store"


def test_a_shadow_is_asked_what_the_served_version_was_asked_and_sent_to_nobody(store: Path, tmp_path: Path) -> None:
    clip = tmp_path / "clip.pose"
    clip.write_bytes(pose_file("wave"))
    settings = Settings(model_store=store, slots=1, model_versions=("asl-letters=2", "asl-letters=3@shadow"))

    async def ask() -> None:
        async with open_services(settings) as services:
            registry, metrics = services.registry, services.metrics.registry

            def counted(version: int, outcome: str) -> float:
                labels = {"model": "asl-letters", "version": str(version), "outcome": outcome}
                return metrics.get_sample_value("sign_shadow_answers_total", labels) or 0.0

            answer = await predict(services, clip, PredictOptions())
            await registry.behind.settle()
            assert answer.model.version == 2
            same = counted(3, "same")
            assert same > 0
            assert counted(3, "other") + counted(3, "failed") + counted(3, "left_out") == 0
            await predict(services, clip, PredictOptions(version=1))
            await registry.behind.settle()
            assert counted(3, "same") == same
            split = registry.state("asl-letters").split
            assert split is not None
            assert split.withdrawn is None
            with pytest.raises(SignError, match="asl-letters has no version 7"):
                await registry.share("asl-letters", VersionShare(7, shadow=True))

    asyncio.run(ask())
