"""The mailbox: the newest frame wins, and nothing is lost uncounted."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from service.contract.messages import ErrorMessage
from service.live.closing import CloseCode, ClosingError
from service.live.frames import SentFrame
from service.live.mailbox import MOST_WISHES, Letter, Mailbox, Wish
from service.live.pacing import Shown

DONE = ClosingError(CloseCode.DONE, "Done.")


def shown(seq: int, *, anew: bool = False) -> Shown:
    return Shown(SentFrame(seq, seq / 10, b"", 0.0), (seq + 1) / 10, anew)


def emptied(mailbox: Mailbox) -> list[Letter]:
    letters = []
    while (letter := mailbox.take()) is not None:
        letters.append(letter)
    return letters


class Posting(RuleBasedStateMachine):
    """Any order of putting and taking."""

    def __init__(self) -> None:
        super().__init__()
        self.mailbox = Mailbox()
        self.put = 0
        self.taken: list[int] = []
        self.wishes = 0

    @rule(count=st.integers(1, 3))
    def frames_come(self, count: int) -> None:
        self.mailbox.put_frames([shown(self.put + index) for index in range(count)])
        self.put += count

    @rule(wish=st.sampled_from(["flush", "reset"]))
    def a_wish_comes(self, wish: Wish) -> None:
        self.mailbox.put_wish(wish)

    @rule()
    def a_note_comes(self) -> None:
        self.mailbox.put_note(ErrorMessage(type="error", code="media-corrupt", detail="x"))

    @rule()
    def one_is_taken(self) -> None:
        letter = self.mailbox.take()
        if isinstance(letter, Shown):
            self.taken.append(letter.frame.seq)

    @invariant()
    def every_frame_is_accounted_for(self) -> None:
        waiting = sum(isinstance(letter, Shown) for letter in self.mailbox._letters)
        assert self.put == len(self.taken) + self.mailbox.dropped + waiting

    @invariant()
    def frames_are_taken_in_order(self) -> None:
        assert self.taken == sorted(set(self.taken))

    @invariant()
    def two_frames_never_wait_side_by_side(self) -> None:
        are_frames = [isinstance(letter, Shown) for letter in self.mailbox._letters]
        assert not any(one and following for one, following in zip(are_frames, are_frames[1:], strict=False))


TestPosting = Posting.TestCase


@given(st.integers(1, 50))
def test_the_newest_frame_replaces_those_that_wait(count: int) -> None:
    mailbox = Mailbox()
    mailbox.put_frames(shown(seq) for seq in range(count))
    (letter,) = emptied(mailbox)
    assert isinstance(letter, Shown)
    assert (letter.frame.seq, mailbox.dropped) == (count - 1, count - 1)


def test_what_a_dropped_frame_began_the_next_one_begins() -> None:
    mailbox = Mailbox()
    mailbox.put_frames([shown(1, anew=True)])
    mailbox.put_frames([shown(2)])
    assert emptied(mailbox) == [shown(2, anew=True)]


def test_a_frame_never_replaces_one_from_before_a_wish() -> None:
    mailbox = Mailbox()
    mailbox.put_frames([shown(1)])
    assert mailbox.put_wish("flush")
    mailbox.put_frames([shown(2)])
    mailbox.put_frames([shown(3)])
    assert emptied(mailbox) == [shown(1), "flush", shown(3)]


def test_the_same_wish_twice_is_one_and_wishes_are_bounded() -> None:
    mailbox = Mailbox()
    assert mailbox.put_wish("flush")
    assert mailbox.put_wish("flush")
    assert len(mailbox) == 1
    wishes: list[Wish] = ["reset", "flush"]
    assert [mailbox.put_wish(wishes[index % 2]) for index in range(MOST_WISHES)].count(False) == 1


def test_an_end_waits_for_what_came_before_unless_it_is_at_once() -> None:
    mailbox = Mailbox()
    mailbox.put_frames([shown(1)])
    mailbox.put_end(DONE, at_once=False)
    assert emptied(mailbox) == [shown(1), DONE]
    mailbox.put_frames([shown(2)])
    mailbox.put_end(DONE, at_once=True)
    assert emptied(mailbox) == [DONE]
    assert mailbox.dropped == 1
