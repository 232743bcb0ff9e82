"""SharedFrameBuffer: memory that the API process and one slot's process share, through which pictures cross.

An anonymous file in memory (memfd), inherited by the slot's process when it is started: it has no name, so nothing has
to be unlinked on any path, and the kernel takes it back with the last process that holds it. Its size is sealed, so
that a slot that was taken over cannot pull it away from under a reader. Systems without such memory get a file of the
temporary folder, which only this user can open.
"""

import contextlib
import mmap
import os
import tempfile
from dataclasses import replace
from multiprocessing import reduction
from typing import TYPE_CHECKING, Any

from service import system

if TYPE_CHECKING:  # a slot's process imports this before its limits are set: nothing heavy here
    from service.media.resizing import Picture
    from service.observe.call import ObserveResult
    from service.observe.request import PixelRequest


class SharedFrameBuffer:
    """size bytes, of which only those that are written take memory. What is kept of a frame begins a page."""

    def __init__(self, descriptor: int, size: int, path: str | None = None) -> None:
        """path: that of the file, where it has one."""
        self._descriptor = descriptor
        self._size = size
        self._path = path

    @classmethod
    def create(cls, size: int) -> "SharedFrameBuffer":
        """A new buffer of at least so many bytes; close it at the end. OSError where the kernel gives none."""
        size = -(-size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        descriptor = system.seal_memory(size)
        if descriptor is not None:
            return cls(descriptor, size)
        descriptor, path = tempfile.mkstemp(prefix="sign-pictures-")
        os.ftruncate(descriptor, size)
        return cls(descriptor, size, path)

    def __reduce__(self) -> tuple[Any, ...]:
        """Goes along where a process is being started, and nowhere else."""
        if self._path is not None:
            return (_open, (self._path, self._size))
        return (_inherit, (reduction.DupFd(self._descriptor), self._size))

    def close(self) -> None:
        """Let go of it; the other process may hold it still."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            if self._path is not None:
                with contextlib.suppress(OSError):
                    os.unlink(self._path)  # noqa: PTH108 - pathlib costs a slot's start its import

    def write(self, offset: int, data: "memoryview | bytes") -> None:
        """Put bytes at an offset that is a whole number of pages."""
        with mmap.mmap(self._descriptor, len(data), offset=offset) as page:
            page[:] = data

    def receive(self, result: "ObserveResult", request: "PixelRequest") -> "ObserveResult":
        """The result with its pictures in it, copied out of the buffer."""
        import numpy as np  # noqa: PLC0415

        count, stride = result.shared_frames, request.kept_bytes
        if not count and not len(result.track):
            return result
        if self._descriptor < 0:
            raise RuntimeError("the slot has been closed")
        if count * stride > self._size or count != len(result.track.times_s):
            raise RuntimeError(f"{count} pictures of {stride} bytes cannot lie in shared memory")
        with mmap.mmap(self._descriptor, count * stride, access=mmap.ACCESS_READ) as pages:
            one = np.dtype(request.dtype).itemsize * int(np.prod(request.shape))
            rows = np.frombuffer(pages, np.uint8).reshape(count, stride)
            values = rows[:, :one].copy().view(request.dtype).reshape(count, *request.shape)
            del rows  # it holds the mapping
        return replace(result, track=replace(result.track, values=values), shared_frames=0)

    def clear(self) -> None:
        """Give the memory of all that was written back; the size stays."""
        if self._descriptor >= 0 and getattr(os.fstat(self._descriptor), "st_blocks", True):
            system.give_back(self._descriptor, self._size)


class SharedFrameSink:
    """Keeps pictures in the buffer, one after the other: what a slot's process writes."""

    def __init__(self, buffer: SharedFrameBuffer, request: "PixelRequest") -> None:
        self._buffer = buffer
        self._request = request
        self._count = 0

    def add(self, picture: "Picture | None") -> None:
        if picture is not None:
            self._buffer.write(self._count * self._request.kept_bytes, picture.tobytes())
        self._count += 1

    def values(self) -> "Picture":
        import numpy as np  # noqa: PLC0415

        return np.zeros((0, *self._request.shape), self._request.dtype)


def _inherit(duplicate: Any, size: int) -> SharedFrameBuffer:  # noqa: ANN401 - multiprocessing names no type for it
    return SharedFrameBuffer(duplicate.detach(), size)


def _open(path: str, size: int) -> SharedFrameBuffer:
    return SharedFrameBuffer(os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0)), size)
