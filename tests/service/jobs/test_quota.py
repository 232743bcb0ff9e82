"""There is never more kept of jobs than there is room for."""

import os
from pathlib import Path

import pytest

from service.errors import SignError
from service.jobs.quota import ANSWER_BYTES, DiskQuota


def test_no_more_is_taken_than_there_is_room_for(tmp_path: Path) -> None:
    quota = DiskQuota(tmp_path, 100 + 2 * ANSWER_BYTES)
    with quota.reserve(40, 60) as first:
        with pytest.raises(SignError) as caught, quota.reserve(40, 30):
            pass
        assert (caught.value.code, caught.value.limit) == ("disk-full", 100 + 2 * ANSWER_BYTES)
        with quota.reserve(40, 0) as second, pytest.raises(SignError):
            second.grow(1)
        first.grow(50)  # less than was announced: nothing changes
        assert first.size == 60 + ANSWER_BYTES
    with quota.reserve(40, 60):
        pass


def test_no_more_is_taken_than_the_disk_has(tmp_path: Path) -> None:
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    with pytest.raises(SignError, match="disk"), DiskQuota(tmp_path, 10**18).reserve(0, free + 10**12):
        pass
