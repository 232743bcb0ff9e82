"""Deadlines: how long an answer is of use."""

import asyncio

import pytest

from service.errors import SignError
from service.workers.deadline import Deadline


def test_a_deadline_ahead_leaves_time() -> None:
    deadline = Deadline.after(60)
    deadline.check()
    assert 59 < deadline.remaining() <= 60


def test_a_passed_deadline_is_an_error_that_says_how_long_it_was() -> None:
    deadline = Deadline.after(0)
    assert deadline.remaining() == 0
    with pytest.raises(SignError, match="within 0 s") as caught:
        deadline.check()
    assert caught.value.code == "deadline-exceeded"


def test_what_runs_into_an_enforced_deadline_is_cancelled() -> None:
    cancelled = False

    async def wait() -> None:
        nonlocal cancelled
        try:
            async with Deadline.after(0.01).enforce():
                await asyncio.get_running_loop().create_future()
        except SignError as error:
            cancelled = error.code == "deadline-exceeded"

    asyncio.run(wait())
    assert cancelled


def test_what_ends_in_time_is_left_alone() -> None:
    async def work() -> int:
        async with Deadline.after(60).enforce():
            return 7

    assert asyncio.run(work()) == 7
