"""The queue: the newest frame wins, and nothing is lost uncounted."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from service.contract.messages import ErrorMessage
from service.live.closing import CloseCode, ClosingError
from service.live.frame_queue import MOST_COMMANDS, Command, FrameQueue, QueueItem
from service.live.frame_sampler import SampledFrame
from service.live.frames import SentFrame

DONE = ClosingError(CloseCode.DONE, "Done.")


def shown(seq: int, *, discontinuity: bool = False) -> SampledFrame:
    return SampledFrame(SentFrame(seq, seq / 10, b"", 0.0), (seq + 1) / 10, discontinuity)


def emptied(queue: FrameQueue) -> list[QueueItem]:
    items = []
    while (item := queue.take()) is not None:
        items.append(item)
    return items


class Posting(RuleBasedStateMachine):
    """Any order of putting and taking."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = FrameQueue()
        self.put = 0
        self.taken: list[int] = []
        self.commands = 0

    @rule(count=st.integers(1, 3))
    def frames_come(self, count: int) -> None:
        self.queue.put_frames([shown(self.put + index) for index in range(count)])
        self.put += count

    @rule(command=st.sampled_from(["flush", "reset"]))
    def a_wish_comes(self, command: Command) -> None:
        self.queue.put_command(command)

    @rule()
    def a_note_comes(self) -> None:
        self.queue.put_note(ErrorMessage(type="error", code="media-corrupt", detail="x"))

    @rule()
    def one_is_taken(self) -> None:
        item = self.queue.take()
        if isinstance(item, SampledFrame):
            self.taken.append(item.frame.seq)

    @invariant()
    def every_frame_is_accounted_for(self) -> None:
        waiting = sum(isinstance(item, SampledFrame) for item in self.queue._items)
        assert self.put == len(self.taken) + self.queue.dropped + waiting

    @invariant()
    def frames_are_taken_in_order(self) -> None:
        assert self.taken == sorted(set(self.taken))

    @invariant()
    def two_frames_never_wait_side_by_side(self) -> None:
        are_frames = [isinstance(item, SampledFrame) for item in self.queue._items]
        assert not any(one and following for one, following in zip(are_frames, are_frames[1:], strict=False))


TestPosting = Posting.TestCase


@given(st.integers(1, 50))
def test_the_newest_frame_replaces_those_that_wait(count: int) -> None:
    queue = FrameQueue()
    queue.put_frames(shown(seq) for seq in range(count))
    (item,) = emptied(queue)
    assert isinstance(item, SampledFrame)
    assert (item.frame.seq, queue.dropped) == (count - 1, count - 1)


def test_what_a_dropped_frame_began_the_next_one_begins() -> None:
    queue = FrameQueue()
    queue.put_frames([shown(1, discontinuity=True)])
    queue.put_frames([shown(2)])
    assert emptied(queue) == [shown(2, discontinuity=True)]


def test_a_frame_never_replaces_one_from_before_a_wish() -> None:
    queue = FrameQueue()
    queue.put_frames([shown(1)])
    assert queue.put_command("flush")
    queue.put_frames([shown(2)])
    queue.put_frames([shown(3)])
    assert emptied(queue) == [shown(1), "flush", shown(3)]


def test_the_same_wish_twice_is_one_and_wishes_are_bounded() -> None:
    queue = FrameQueue()
    assert queue.put_command("flush")
    assert queue.put_command("flush")
    assert len(queue) == 1
    commands: list[Command] = ["reset", "flush"]
    assert [queue.put_command(commands[index % 2]) for index in range(MOST_COMMANDS)].count(False) == 1


def test_an_end_waits_for_what_came_before_unless_it_is_at_once() -> None:
    queue = FrameQueue()
    queue.put_frames([shown(1)])
    queue.put_end(DONE, at_once=False)
    assert emptied(queue) == [shown(1), DONE]
    queue.put_frames([shown(2)])
    queue.put_end(DONE, at_once=True)
    assert emptied(queue) == [DONE]
    assert queue.dropped == 1
