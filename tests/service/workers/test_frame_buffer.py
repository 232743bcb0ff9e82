"""Pictures cross from a slot's process by memory that both share, and that nothing leaves behind."""

import mmap
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from service import system
from service.errors import SignError
from service.media.resize import Resize
from service.media.sampling import EveryNth
from service.observe.call import ObserveCall
from service.observe.landmarkers import Landmarkers
from service.observe.observe import observe
from service.observe.request import CenterSquare, FaceRequest, HandSquare, LandmarkRequest, PictureRequest, PixelRequest
from service.workers.frame_buffer import SharedFrameBuffer
from tests.media_made import call_for, corners, film, numbered, signing
from tests.service.workers.test_slots import SlotPool, refusal

MIB = 1024 * 1024
SMALL = Resize(w=33, h=17, method="area", library="opencv")
WHOLE = PictureRequest(SMALL, "bgr")
HAND = PictureRequest(SMALL, "grey", HandSquare(1.4, 0), detector=LandmarkRequest("hands", ("hand",)))
FACES = FaceRequest(SMALL, count=3, whole_up_to=320)
FRACTIONS = PictureRequest(Resize(w=20, h=20, library="torch"), "rgb", CenterSquare())


@pytest.fixture(scope="module")
def pool() -> Iterator[SlotPool]:
    made = SlotPool(pixel_bytes=4 * MIB)
    yield made
    made.close()


@pytest.fixture
def poor_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlotPool]:
    """On a system without sealed memory and without descriptors of processes; its files have a folder of their own."""
    monkeypatch.setattr(system, "seal_memory", lambda _: None)
    monkeypatch.setattr(system, "HAS_PIDFD", False)
    monkeypatch.delattr(mmap, "MADV_REMOVE")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = SlotPool(pixel_bytes=4 * MIB)
    yield made
    made.close()
    assert not list(tmp_path.glob("sign-pictures-*"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return signing(tmp_path_factory.mktemp("clips") / "clip.mp4", frames=4)


def written(pool: SlotPool) -> int:
    """Blocks of memory that the buffer of the only slot takes."""
    worker = pool.slots._slots[0].worker
    assert worker is not None
    return os.fstat(worker._buffer._descriptor).st_blocks


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("request_", [WHOLE, HAND, FACES, FRACTIONS], ids=["whole", "hand", "faces", "fractions"])
def test_pictures_arrive_as_they_were_made_and_their_memory_is_given_back(
    pool: SlotPool, clip: Path, request_: PixelRequest
) -> None:
    call: ObserveCall = call_for(clip, request_)
    track = pool.run(pool.ask(call)).track
    landmarkers = Landmarkers()
    here = observe(call, lambda: None, landmarkers).track
    landmarkers.close()
    assert track.values.shape == (4, *request_.shape)
    assert track.values.dtype == request_.dtype
    assert np.array_equal(track.values, here.values)
    assert np.array_equal(track.present, here.present)
    assert (track.side(), len(track), track.frames_with(("hand",))) == (here.side(), 4, 4 if request_ is HAND else 0)
    assert written(pool) == 0


def test_on_a_poorer_system_pictures_cross_by_a_file_and_an_end_is_noted(poor_pool: SlotPool, clip: Path) -> None:
    landmarkers = Landmarkers()
    here = observe(call_for(clip, WHOLE), lambda: None, landmarkers).track
    landmarkers.close()
    worker = poor_pool.slots._slots[0].worker
    assert worker is not None
    assert np.array_equal(poor_pool.run(poor_pool.ask(call_for(clip, WHOLE))).track.values, here.values)
    assert written(poor_pool) == 0
    os.kill(worker.pid, signal.SIGKILL)
    poor_pool.run(poor_pool.until(lambda: poor_pool.slots._slots[0].worker not in (None, worker)))
    assert np.array_equal(poor_pool.run(poor_pool.ask(call_for(clip, WHOLE))).track.values, here.values)


def test_a_later_call_does_not_change_an_earlier_track(pool: SlotPool, clip: Path, tmp_path: Path) -> None:
    first = pool.run(pool.ask(call_for(clip, WHOLE))).track.values.copy()
    track = pool.run(pool.ask(call_for(clip, WHOLE))).track
    pool.run(pool.ask(call_for(film(tmp_path / "other.mp4", lambda _: corners()), WHOLE)))
    assert np.array_equal(track.values, first)


def test_killed_processes_leave_nothing(pool: SlotPool, tmp_path: Path) -> None:
    path = film(tmp_path / "long.mp4", numbered(), frames=900, rate=30)
    call = call_for(path, PictureRequest(Resize(w=8, h=8)), sampling=EveryNth(every=1))

    async def kill_it() -> SignError:
        asked = pool.runner.get_loop().create_task(pool.ask(call))
        await pool.until(lambda: written(pool) > 0)
        first = pool.pid
        await pool.kill()
        await pool.until(lambda: pool.pid != first and written(pool) > 0)
        await pool.kill()
        return await refusal(asked)

    assert pool.run(kill_it()).code == "worker-died"
    pool.run(pool.until(lambda: pool.slots.idle == 1))
    assert written(pool) == 0


def test_a_cancelled_call_gives_its_memory_back(pool: SlotPool, tmp_path: Path) -> None:
    path = film(tmp_path / "long.mp4", numbered(), frames=900, rate=30)
    call = call_for(path, PictureRequest(Resize(w=8, h=8)), sampling=EveryNth(every=1))

    async def cancel_it() -> None:
        asked = pool.runner.get_loop().create_task(pool.ask(call))
        await pool.until(lambda: written(pool) > 0)
        asked.cancel()

    pool.run(cancel_it())
    pool.run(pool.until(lambda: pool.slots.idle == 1))
    assert written(pool) == 0


def test_more_pixels_than_the_limit_are_refused_before_they_are_made(pool: SlotPool, tmp_path: Path) -> None:
    path = film(tmp_path / "long.mp4", numbered(), frames=60, rate=30)
    limits = call_for(path).limits
    call = call_for(path, WHOLE, sampling=EveryNth(every=1), limits=type(limits)(10**7, 60, 100, 10 * WHOLE.kept_bytes))
    error = pool.run(refusal(pool.ask(call)))
    assert (error.code, error.limit) == ("too-many-frames", 10 * WHOLE.kept_bytes)
    assert "clip_duration" in error.detail


def test_a_buffers_size_is_sealed() -> None:
    buffer = SharedFrameBuffer.create(MIB)
    for size in (0, 2 * MIB):
        with pytest.raises(PermissionError):
            os.ftruncate(buffer._descriptor, size)
    buffer.close()
