"""Stream slots: what a session keeps, and what happens to one never happens to the others."""

import asyncio
import io
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import TypeVar

import numpy as np
import pytest
from PIL import Image

from service.errors import SignError
from service.media.upright import Pixels
from service.metrics import Metrics
from service.observe.live import LiveCall, LiveFrame
from service.observe.request import LandmarkRequest
from service.settings import Settings
from service.workers.streams import Stream, StreamSlots
from tests.media_made import drawn_hand

R = TypeVar("R")
BOUND_S = 60.0
HAND = LandmarkRequest(source="hands", parts=("hand",))
CALL = LiveCall(HAND, mirrored=False, frame_pixels=640 * 480)


def png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


SHOWN = png(drawn_hand())
EMPTY = png(np.full((120, 160, 3), 90, np.uint8))


class SlotPool:
    """Stream slots in one event loop, with their metrics."""

    def __init__(self, slots: int) -> None:
        self.metrics = Metrics()
        self.runner = asyncio.Runner()
        self.slots = StreamSlots(Settings(stream_slots=slots), self.metrics)

        async def start() -> None:
            self.slots.start()

        self.run(start())

    def run(self, work: Coroutine[object, object, R]) -> R:
        return self.runner.run(work)

    def count(self, metric: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(metric, labels) or 0.0

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(BOUND_S):
            while not condition():  # noqa: ASYNC110 - what /proc says raises no event
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def session(self, call: LiveCall = CALL) -> AsyncIterator[Stream]:
        async with asyncio.timeout(BOUND_S), self.slots.lease(call) as stream:
            yield stream


@pytest.fixture(scope="module")
def pool() -> Iterator[SlotPool]:
    made = SlotPool(2)
    yield made
    made.run(made.slots.close())
    made.runner.close()


async def refusal(work: Coroutine[object, object, R]) -> SignError:
    with pytest.raises(SignError) as caught:
        await work
    return caught.value


def test_a_session_keeps_what_it_follows(pool: SlotPool) -> None:
    async def work() -> None:
        async with pool.session() as stream:
            looks = [await stream.observe(LiveFrame(step / 15, SHOWN)) for step in range(3)]
            assert [look.discontinuity for look in looks] == [True, False, False]
            assert [look.track.present.tolist() for look in looks] == [[True]] * 3
            assert [look.track.times_s.tolist() for look in looks] == [[step / 15] for step in range(3)]
            assert looks[0].hands[0].side == "right"
            assert (await stream.observe(LiveFrame(5.0, SHOWN, discontinuity=True))).discontinuity
            turned = await stream.observe(LiveFrame(5.1, EMPTY))
            assert (turned.discontinuity, turned.hands) == (True, ())

    pool.run(work())


def test_a_broken_picture_costs_one_frame(pool: SlotPool) -> None:
    async def work() -> None:
        async with pool.session() as stream:
            for picture, code in (
                (SHOWN[:300], "media-corrupt"),
                (b"GIF89a" + bytes(20), "media-unsupported"),
                (b"hello", "media-unsupported"),
                (b"", "media-empty"),
                (png(np.zeros((481, 640, 3), np.uint8)), "picture-too-large"),
            ):
                assert (await refusal(stream.observe(LiveFrame(0.0, picture)))).code == code
            assert (await stream.observe(LiveFrame(0.1, SHOWN))).track.present.all()

    pool.run(work())


def test_sessions_have_processes_of_their_own_and_no_more_than_slots(pool: SlotPool) -> None:
    async def work() -> None:
        async with pool.session() as first, pool.session() as second:
            assert first.pid != second.pid
            assert (await refusal(pool.slots.lease(CALL).__aenter__())).code == "busy"
            assert pool.count("sign_rejected_total", reason="busy") == 1
        async with pool.session() as third:
            await third.observe(LiveFrame(0.0, EMPTY))

    pool.run(work())


def test_what_one_session_followed_the_next_does_not_know(pool: SlotPool) -> None:
    async def work() -> None:
        async with pool.session() as stream:
            await stream.observe(LiveFrame(100.0, SHOWN))
        async with pool.session() as stream:
            assert (await stream.observe(LiveFrame(0.0, SHOWN))).discontinuity

    pool.run(work())


def test_a_process_that_is_killed_costs_its_session_and_no_other(pool: SlotPool) -> None:
    async def work() -> None:
        async with pool.session() as first, pool.session() as second:
            os.kill(first.pid, signal.SIGKILL)
            assert (await refusal(first.observe(LiveFrame(0.0, SHOWN)))).code == "worker-died"
            assert (await second.observe(LiveFrame(0.0, SHOWN))).track.present.all()
        await pool.until(lambda: pool.count("sign_slot_restarts_total", reason="died") >= 1)
        async with pool.session() as third:
            assert (await third.observe(LiveFrame(0.0, SHOWN))).track.present.all()

    pool.run(work())


def test_a_spare_process_that_ends_is_replaced() -> None:
    pool = SlotPool(1)

    async def work() -> None:
        async with pool.session() as stream:
            pid = stream.pid
        async with pool.session() as stream:
            assert stream.pid == pid  # kept warm
        died = pool.count("sign_slot_restarts_total", reason="died")
        os.kill(pid, signal.SIGKILL)
        async with pool.session() as stream:  # even before its end is noticed
            assert stream.pid != pid
        await pool.until(lambda: pool.count("sign_slot_restarts_total", reason="died") > died)
        async with pool.session() as stream:
            assert stream.pid != pid

    pool.run(work())
    pool.run(pool.slots.close())
    pool.runner.close()


def test_a_session_that_is_cancelled_while_a_frame_is_looked_at_gives_its_slot_back() -> None:
    pool = SlotPool(1)

    async def work() -> None:
        async def look_for_ever() -> None:
            async with pool.session() as stream:
                for step in range(10_000):
                    await stream.observe(LiveFrame(step / 15, SHOWN))

        task = asyncio.create_task(look_for_ever())
        await pool.until(lambda: pool.slots.taken == 1)
        await asyncio.sleep(0.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with pool.session() as stream:
            await stream.observe(LiveFrame(0.0, SHOWN))

    pool.run(work())
    pool.run(pool.slots.close())
    pool.runner.close()


def test_nobody_is_let_in_once_it_is_closed() -> None:
    pool = SlotPool(1)
    pool.run(pool.slots.close())

    async def work() -> SignError:
        return await refusal(pool.slots.lease(CALL).__aenter__())

    assert pool.run(work()).code == "shutting-down"
    pool.runner.close()
