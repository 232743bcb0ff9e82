"""Under which names the service answers, and pages of which origins may send."""

import socket

import pytest

from service.contract.callers import AllowedHosts, is_foreign
from service.settings import Settings

ANYWHERE = "0.0.0.0"  # noqa: S104 - nothing is bound
ADDRESSES = ["127.0.0.1:8000", "[::1]:8000", "192.168.1.5", "192.168.1.5:8000", "[fe80::1%eth0]"]
LOCAL = ["localhost", "LOCALHOST:8000", "sign.localhost", "localhost."]
OF_THE_NETWORK = [
    "mybox:8000",
    "service:8000",
    "mybox.local",
    "sign.default.svc.cluster.local",
    "box.lan",
    "a.home.arpa",
]
STRANGERS = ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.nip.io", "local", ""]


def covers(host: str, bound: str = "127.0.0.1", **settings: object) -> bool:
    return AllowedHosts(Settings.model_validate({"host": bound, **settings})).cover(host)


@pytest.mark.parametrize("host", ADDRESSES + LOCAL)
def test_addresses_and_localhost_are_answered_to_wherever_it_is_bound(host: str) -> None:
    assert covers(host)
    assert covers(host, bound=ANYWHERE)


@pytest.mark.parametrize("host", OF_THE_NETWORK)
def test_names_that_nobody_can_register_are_answered_to_where_others_can_reach_it(host: str) -> None:
    assert not covers(host)
    assert covers(host, bound=ANYWHERE)
    assert covers(host, bound="192.168.1.5")


def test_the_machines_own_name_and_the_one_it_is_bound_to_are_answered_to() -> None:
    assert covers(socket.gethostname(), bound=ANYWHERE)
    assert covers("sign.example.org:8000", bound="sign.example.org")


@pytest.mark.parametrize("host", STRANGERS)
def test_strangers_names_are_not_answered_to(host: str) -> None:
    assert not covers(host)
    assert not covers(host, bound=ANYWHERE) or host == "local"
    assert covers(host, allowed_hosts="*")


def test_listed_names_are_answered_to_however_they_are_written() -> None:
    listed = "sign.example.org, https://other.example:8443,*.example.net,"
    for host in ("sign.example.org", "Sign.Example.org:443", "other.example", "a.example.net", "a.b.example.net"):
        assert covers(host, allowed_hosts=listed)
    for host in ("example.org", "example.net", "xexample.net", "sign.example.org.evil.example"):
        assert not covers(host, allowed_hosts=listed)


SAME = {"host": "sign.example.org"}


@pytest.mark.parametrize(
    ("headers", "foreign"),
    [
        ({}, False),  # a program
        ({"origin": "https://sign.example.org"}, False),
        ({"origin": "https://sign.example.org:443"}, False),
        ({"origin": "http://sign.example.org"}, True),
        ({"origin": "https://evil.example"}, True),
        ({"origin": "null"}, True),
        ({"origin": "https://friend.example"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "https://sign.example.org"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "cross-site"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "null"}, True),
        ({"sec-fetch-site": "same-site", "origin": "https://other.example.org"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "https://friend.example"}, False),
    ],
)
def test_what_a_page_of_another_origin_sends_is_known(headers: dict[str, str], foreign: bool) -> None:
    settings = Settings(cors_origins=("https://friend.example",))
    assert is_foreign(SAME | headers, "https", settings) is foreign


def test_where_pages_of_all_origins_may_come_none_is_foreign() -> None:
    assert not is_foreign(SAME | {"origin": "https://evil.example"}, "https", Settings(cors_origins=("*",)))
