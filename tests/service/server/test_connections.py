"""How many connections there may be, and who makes room."""

import pytest

from service.errors import SignError
from service.metrics import Metrics
from service.server.connections import Connections
from service.settings import Settings


class Door:
    """A connection that notes whether it had to make room."""

    def __init__(self) -> None:
        self.made_room = False

    def make_room(self) -> None:
        self.made_room = True


def connections(**settings: object) -> Connections:
    return Connections(Settings.model_validate({"slots": 1, "stream_slots": 0, **settings}), Metrics())


def test_the_oldest_that_waits_makes_room_and_requests_under_way_do_not() -> None:
    doors = connections(connections=8)
    opened = [Door() for _ in range(8)]
    for door in opened:
        doors.add(door, "127.0.0.1")
    doors.begin_request(opened[0])
    doors.add(Door(), "127.0.0.1")
    assert [door.made_room for door in opened] == [False, True, *[False] * 6]
    doors.end_request(opened[0])  # it waits again, as the newest
    doors.add(Door(), "127.0.0.1")
    assert [door.made_room for door in opened[:3]] == [False, True, True]


def test_where_all_have_requests_under_way_the_next_is_refused_until_one_is_gone() -> None:
    doors = connections(connections=8)
    opened = [Door() for _ in range(8)]
    for door in opened:
        doors.add(door, None)
        doors.begin_request(door)
    with pytest.raises(SignError, match="8 connections in all"):
        doors.add(Door(), None)
    doors.remove(opened[0])
    doors.add(Door(), None)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"),
        ("fe80::1%eth0", "fe80::1%eth0"),
    ],
)
def test_one_address_is_counted_together_and_of_ipv6_one_network(first: str, second: str) -> None:
    doors = connections(connections_per_address=1)
    door = Door()
    doors.add(door, first)
    with pytest.raises(SignError, match="of one address"):
        doors.add(Door(), second)
    doors.add(Door(), "192.0.2.8")
    doors.add(Door(), "2001:db8:1:3::1")
    doors.remove(door)
    doors.add(Door(), second)


@pytest.mark.parametrize(
    ("proxies", "address"),
    [("127.0.0.1", "127.0.0.1"), ("10.1.0.0/16, ::1", "10.1.2.3"), ("10.1.0.0/16, ::1", "::1"), ("*", "192.0.2.7")],
)
def test_proxies_speak_for_many(proxies: str, address: str) -> None:
    doors = connections(connections_per_address=1, forwarded_allow_ips=proxies)
    for _ in range(3):
        doors.add(Door(), address)


def test_the_defaults_leave_files_for_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    for files, connections, uploads in [(1024, 552, 184), (256, 8, 8), (1_000_000, 2000, 200), (None, 2000, 200)]:
        monkeypatch.setattr("service.system.most_files", lambda files=files: files)
        settings = Settings(slots=2, stream_slots=2)
        assert (settings.most_connections, settings.most_uploads) == (connections, uploads)
