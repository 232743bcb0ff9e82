"""The one file of many media's features: whole at any time, in order, and not all the time written."""

import asyncio
from pathlib import Path

from service.commands.joint_file import JointFile
from service.features.tables import Gathered
from tests.service.features.features_made import landmarks_of


class Slow:
    """A file whose writing takes a second, on a clock of its own."""

    def __init__(self, path: Path) -> None:
        self.now_s = 0.0
        self.path = path
        self.joint = JointFile(path, self.to_bytes, lambda: self.now_s)
        self.written: list[list[str]] = []

    def to_bytes(self, gathered: list[Gathered]) -> bytes:
        self.now_s += 1.0
        self.written.append([one.file for one in gathered])
        return " ".join(self.written[-1]).encode()

    def add(self, number: int, at_s: float) -> None:
        self.now_s = max(self.now_s, at_s)
        asyncio.run(self.joint.add(number, Gathered(str(number), "", landmarks_of(("hand",), number))))


def test_what_is_gathered_is_written_at_once_then_for_a_tenth_of_the_time_and_in_order(tmp_path: Path) -> None:
    slow = Slow(tmp_path / "all.txt")
    for number, at_s in ((1, 0.0), (0, 2.0), (3, 9.9), (2, 10.0), (4, 12.0)):
        slow.add(number, at_s)
    assert slow.written == [["1"], ["0", "1", "2", "3"]]
    assert slow.path.read_text() == "0 1 2 3"
    slow.joint.finish()
    assert slow.path.read_text() == "0 1 2 3 4"


def test_what_is_written_already_is_not_written_again_and_of_nothing_there_is_no_file(tmp_path: Path) -> None:
    slow = Slow(tmp_path / "all.txt")
    slow.joint.finish()
    assert not slow.path.exists()
    slow.add(0, 0.0)
    slow.joint.finish()
    assert slow.written == [["0"]]
