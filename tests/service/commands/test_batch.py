"""Batches: how far the work is, where nobody sees a bar."""

import pytest

from service.commands.batch import Batch, time_left


class Clock:
    """A time that goes on by hand."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_without_a_terminal_a_line_every_five_seconds_says_how_far_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    batch = Batch("predict", 5, clock)
    with batch.show():
        for _ in range(5):
            for _ in range(10):
                clock.now_s += 0.25
                batch.advance(0.1)
            batch.finish_one(0.0)
    said = capfd.readouterr().err.splitlines()
    assert said == ["predict: 1/5 done, 40%, about 7 s left", "predict: 3/5 done, 80%, about 2 s left"]


def test_short_work_is_done_without_a_word(capfd: pytest.CaptureFixture[str]) -> None:
    batch = Batch("predict", 1, Clock())
    with batch.show():
        batch.finish_one(1.0)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "1 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (9000, "2.5 h")]
)
def test_a_wait_is_said_roughly(seconds: float, words: str) -> None:
    assert time_left(seconds) == words
