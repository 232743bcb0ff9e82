"""The one boundary around decoders: whatever they raise about a stranger's file, it is the file that is at fault."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from service.errors import SignError

T = TypeVar("T")


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Around every call of FFmpeg, PyAV, Pillow, pillow-heif or OpenCV on a medium: their errors become media-corrupt.

    No list of them is kept, as none would be complete. SignError passes.
    """
    try:
        yield
    except SignError:
        raise
    except MemoryError as error:
        detail = f"{what}, but decoding it asks for more memory than a slot has."
        raise SignError("media-corrupt", detail) from error
    except Exception as error:
        raise SignError("media-corrupt", f"{what}, but cannot be decoded: it is damaged or cut off.") from error


def decoded(items: Iterator[T], what: str) -> Iterator[T]:
    """The items, each taken inside the boundary; what is done with them is outside."""
    while True:
        with decoding(what):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item
