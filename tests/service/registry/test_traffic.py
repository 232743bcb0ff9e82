"""Two versions under one name: shares, shadows, and what happens to a version that fails."""

import math
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from service.errors import SignError
from service.metrics import Metrics
from service.registry.registry import Registry
from service.registry.traffic import Behind
from service.settings import MIB, Settings
from service.version_shares import VersionShare
from tests.service.registry.conftest import Opened
from tests.service.registry.graphs import linear, publish, rows_of

pytestmark = pytest.mark.anyio
TENTH = ("letters=2@10%",)


async def answering(registry: Registry, requests: int = 1) -> Counter[int]:
    """How many of so many requests under the bare name each version answers."""
    return Counter([(await registry.choose("letters")).manifest.version for _ in range(requests)])


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


async def refusal(registry: Registry, share: VersionShare) -> SignError:
    with pytest.raises(SignError) as caught:
        await registry.share("letters", share)
    return caught.value


async def fail_once(registry: Registry) -> None:
    """Ask version 2 what it gives no numbers for."""
    model = await registry.get("letters", 2)
    with pytest.raises(SignError, match="NaN"):
        await model.score([rows_of([np.nan, 0, 0])])


# shares


async def test_of_1000_requests_a_tenth_falls_to_the_version_that_has_ten_percent(
    root: Path, opened: Opened, metrics: Metrics
) -> None:
    publish(root)
    publish(root)
    async with opened(model_versions=TENTH) as registry:
        registry.traffic.draw = np.random.default_rng(20261201).random
        answered = await answering(registry, 1000)
    deviation = math.sqrt(1000 * 0.1 * 0.9)
    assert abs(answered[2] - 100) <= 2.576 * deviation
    assert answered[1] == 1000 - answered[2]
    assert value(metrics, "sign_model_requests_total", model="letters", version="2", role="canary") == answered[2]
    assert value(metrics, "sign_model_share", model="letters", version="2") == pytest.approx(0.1)


async def test_who_asks_for_a_version_by_number_gets_it(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened(model_versions=("letters=2@100%",)) as registry:
        assert await answering(registry, 5) == {2: 5}
        assert (await registry.choose("letters", 1)).manifest.version == 1


async def test_the_version_that_is_pinned_has_the_rest(root: Path, opened: Opened) -> None:
    for _ in range(3):
        publish(root)
    async with opened(model_versions=("letters=1", "letters=3@50%")) as registry:
        registry.traffic.draw = iter([0.49, 0.5]).__next__
        assert await answering(registry, 2) == {3: 1, 1: 1}


async def test_what_is_published_meanwhile_takes_no_requests(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened(model_versions=TENTH) as registry:
        publish(root)
        await registry.reload()
        registry.traffic.draw = lambda: 0.9
        assert await answering(registry) == {1: 1}
        registry.traffic.take_back("letters")
        await registry.reload()
        assert await answering(registry) == {3: 1}


async def test_a_version_that_was_published_just_now_can_be_given_a_share_and_never_takes_all(
    root: Path, opened: Opened
) -> None:
    publish(root)
    async with opened() as registry:
        publish(root)
        state = await registry.share("letters", VersionShare(2, 25.0))
        assert (state.default_version, state.split and state.split.percent) == (1, 25.0)
        registry.traffic.draw = iter([0.2, 0.25]).__next__
        assert await answering(registry, 2) == {2: 1, 1: 1}


async def test_the_version_that_was_served_already_can_step_back_to_a_share(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened() as registry:
        assert (await registry.share("letters", VersionShare(2, 10.0))).default_version == 1
        registry.traffic.draw = lambda: 0.5
        assert await answering(registry) == {1: 1}


async def test_one_call_gives_everything_back_and_the_version_does_not_come_back_of_itself(
    root: Path, opened: Opened
) -> None:
    publish(root)
    publish(root)
    async with opened(model_versions=("letters=2@100%",)) as registry:
        registry.traffic.take_back("letters")
        await registry.reload()
        assert await answering(registry, 3) == {1: 3}
        split = registry.state("letters").split
        assert split is not None
        assert split.withdrawn == "taken back by an operator"


async def test_without_another_version_there_is_nothing_to_share(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        error = await refusal(registry, VersionShare(1, 10.0))
        assert (error.code, "no other version" in error.detail) == ("model-state", True)
        assert registry.state("letters").split is None
        assert await answering(registry) == {1: 1}
        assert (await refusal(registry, VersionShare(9, 10.0))).code == "version-unknown"


# versions that fail


async def test_a_version_that_cannot_be_loaded_gets_no_share_and_changes_nothing(root: Path, opened: Opened) -> None:
    publish(root)
    async with opened() as registry:
        publish(root, graph=linear(np.full((3, 2), np.nan, np.float32)))
        error = await refusal(registry, VersionShare(2, 10.0))
        assert (error.code, "NaN" in error.detail) == ("model-failed", True)
        assert registry.state("letters").split is None
        assert await answering(registry, 3) == {1: 3}


async def test_a_version_that_was_to_have_a_share_from_the_start_is_withdrawn_where_it_cannot_be_loaded(
    root: Path, opened: Opened, metrics: Metrics
) -> None:
    publish(root)
    publish(root, graph=linear(np.full((3, 2), np.nan, np.float32)))
    async with opened(model_versions=("letters=2@100%",)) as registry:
        assert await answering(registry, 3) == {1: 3}
        split = registry.state("letters").split
        assert split is not None
        assert split.withdrawn is not None
        assert "NaN" in split.withdrawn
        assert value(metrics, "sign_model_withdrawn", model="letters", version="2") == 1


async def test_a_version_whose_inferences_fail_three_times_is_withdrawn(
    root: Path, opened: Opened, metrics: Metrics
) -> None:
    publish(root)
    publish(root)
    async with opened(model_versions=("letters=2@100%",)) as registry:
        for _ in range(2):
            await fail_once(registry)
        assert await answering(registry) == {2: 1}
        await fail_once(registry)
        assert await answering(registry, 3) == {1: 3}
        split = registry.state("letters").split
        assert split is not None
        assert split.withdrawn == "3 of its last 3 inferences failed"
        assert value(metrics, "sign_model_withdrawn", model="letters", version="2") == 1
        assert value(metrics, "sign_model_share", model="letters", version="1") == 1
        assert value(metrics, "sign_model_failures_total", model="letters", version="2") == 3
        again = await registry.share("letters", VersionShare(2, 100.0))
        assert again.split is not None
        assert again.split.withdrawn is None
        assert await answering(registry) == {2: 1}


async def test_a_few_failures_among_many_answers_are_no_reason(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened(model_versions=("letters=2@100%",)) as registry:
        model = await registry.get("letters", 2)
        for _ in range(3):
            await fail_once(registry)
            for _ in range(24):
                await model.score([rows_of([1, 2, 3])])
        assert await answering(registry) == {2: 1}


async def test_failures_of_the_main_version_withdraw_nothing(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened(model_versions=("letters=2", "letters=1@10%")) as registry:
        for _ in range(5):
            await fail_once(registry)
        split = registry.state("letters").split
        assert split is not None
        assert split.withdrawn is None


async def test_an_unloaded_version_has_no_share(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened(model_versions=("letters=2@100%",)) as registry:
        await registry.unload("letters", 2)
        assert await answering(registry) == {1: 1}


async def test_a_version_with_a_share_is_not_evicted(root: Path, opened: Opened) -> None:
    ballast = linear(ballast_bytes=4_000_000)
    for _ in range(2):
        publish(root, graph=ballast)
    publish(root, "other", graph=ballast)
    async with opened(model_versions=TENTH, model_memory_bytes=40 * MIB) as registry:
        assert {one.version: one.state for one in registry.state("letters").versions} == {1: "ready", 2: "ready"}


# shadows


async def test_a_model_without_its_preprocessing_can_be_no_shadow(root: Path, opened: Opened) -> None:
    publish(root)
    publish(root)
    async with opened() as registry:
        error = await refusal(registry, VersionShare(2, shadow=True))
        assert (error.code, "shadow" in error.detail) == ("model-state", True)
        assert registry.state("letters").split is None


async def test_too_many_comparisons_at_a_time_are_left_out() -> None:
    behind = Behind()
    began = []

    async def work() -> None:
        began.append(1)

    assert [behind.run(work()) for _ in range(10)] == [True] * 8 + [False] * 2
    await behind.settle()
    assert len(began) == 8


# settings


@pytest.mark.parametrize(
    "entries",
    [
        "letters=2@", "letters=2@101%", "letters=2@x", "letters=2@10", "letters=0", "letters=2,letters=3",
        "letters=2@10%,letters=3@5%", "letters=2,letters=2@10%",
    ],
)  # fmt: skip
def test_shares_that_mean_nothing_or_speak_against_each_other_are_refused(entries: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({"model_versions": entries})


def test_pins_shares_and_shadows_are_read() -> None:
    settings = Settings.model_validate({"model_versions": "a=2,a=3@0.5%,b=4@shadow"})
    assert settings.pinned_versions == {"a": 2}
    assert settings.version_shares == {"a": VersionShare(3, 0.5), "b": VersionShare(4, 0.0, shadow=True)}
