"""Webhooks: where they go, how they are signed, and how often it is tried."""

import asyncio
import base64
import hmac
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.jobs.spec import JobSpec
from service.jobs.storage import StorageCalls
from service.jobs.table import JobTable, database_url
from service.jobs.webhooks import (
    FIRST_PAUSE_S,
    LEASE_S,
    MOST_TRIES,
    AllowedTargets,
    Sender,
    WebhookRefusedError,
    Webhooks,
    sign,
)
from service.metrics import Metrics
from service.settings import Settings
from tests.receiving import SECRET, Receiver

SPEC = JobSpec("predict", "", "letters", 1, b"{}", b"{}")


@pytest.fixture
def table(tmp_path: Path) -> Iterator[JobTable]:
    table = JobTable(database_url(None, tmp_path))
    table.open()
    table.replicas.join(60)
    yield table
    table.close()


def settings_of(*hosts: str) -> Settings:
    return Settings.model_validate({"webhook_hosts": hosts, "webhook_secret": SECRET})


def sender(*hosts: str, addresses: tuple[str, ...] = ("127.0.0.1",)) -> Sender:
    return Sender(settings_of(*hosts), look_up=lambda _host, _port: addresses)


def ended(table: JobTable, url: str, job_id: str = "1") -> None:
    table.add(job_id, JobSpec(**{**{name: getattr(SPEC, name) for name in SPEC.__slots__}, "webhook": url}), 1)
    table.begin(job_id)
    table.end(job_id, "succeeded", 1)


# where they go


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/x", "https://HOOKS.example.org:8443/x?y=z", "https://a.b.example.net",
        "http://10.1.2.3/x", "https://[fd00::1]/x",
    ],
)  # fmt: skip
def test_listed_hosts_may_be_named(url: str) -> None:
    AllowedTargets.of(("hooks.example.org", "*.example.net", "10.0.0.0/8", "fd00::/8")).check(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/x", "https://hooks.example.org.evil.com/x", "https://evilexample.net/", "https://example.net/",
        "https://11.0.0.1/", "https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://[::1]/",
        "ftp://hooks.example.org/", "file:///etc/passwd", "https://user:pw@hooks.example.org/",
        "https://hooks.example.org@evil.com/", "https://hooks.example.org/#x", "https://hooks.example.org:99999/",
        "https://hooks.example.org/ x", "https://hooks.example.org/\r\nX: y", "https://", "",
        "https://hooks.example.org/" + "x" * 2100,
    ],
)  # fmt: skip
def test_others_may_not(url: str) -> None:
    with pytest.raises(WebhookRefusedError):
        AllowedTargets.of(("hooks.example.org", "*.example.net", "10.0.0.0/8")).check(url)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.1.2.3", "224.0.0.1",
        "::1", "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "ff02::1", "nonsense",
    ],
)  # fmt: skip
def test_a_listed_name_that_leads_to_a_private_address_is_not_connected_to(address: str) -> None:
    with pytest.raises(WebhookRefusedError, match="private"):
        sender("hooks.example.org", addresses=("93.184.215.14", address)).post(
            "https://hooks.example.org/", "1", b"{}", {}
        )


def test_without_tls_only_listed_addresses_are_told() -> None:
    with pytest.raises(WebhookRefusedError, match="TLS"):
        sender("hooks.example.org", addresses=("93.184.215.14",)).post("http://hooks.example.org/", "1", b"{}", {})


# what is sent


def test_the_signature_is_what_the_documentation_checks() -> None:
    receiver = Receiver()
    try:
        assert sender("127.0.0.0/8").post(receiver.url, "id", b'{"a": 1}', {"traceparent": "t"}) == 200
    finally:
        receiver.close()
    path, headers, body = receiver.got[0]
    assert (path, headers["traceparent"], headers["content-type"]) == ("/hook?of=me", "t", "application/json")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(b"a secret of our own", signed, "sha256")
    assert headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert sign("plain", "id", 1, b"x") != sign("plain", "id", 2, b"x")


def test_a_redirect_is_not_gone_after() -> None:
    receiver = Receiver(307)
    try:
        assert sender("127.0.0.0/8").post(receiver.url, "id", b"{}", {}) == 307
    finally:
        receiver.close()
    assert len(receiver.got) == 1


# how often


def test_one_that_fails_is_tried_again_later_and_ends_once_it_was_heard(table: JobTable) -> None:
    receiver = Receiver(500, 302, 200)
    metrics = Metrics()
    hooks = Webhooks(sender("127.0.0.0/8"), table, StorageCalls(), metrics, lambda job: {"id": job.id})
    ended(table, receiver.url)
    now = 0.0

    def due(at: float) -> list[tuple[Any, int]]:
        return table.claim_webhooks(at, LEASE_S, 8)

    async def try_all() -> None:
        nonlocal now
        for tries in (1, 2, 3):
            (claimed,) = due(now)
            assert (claimed[0].id, claimed[1]) == ("1", tries)
            assert due(now) == []  # another replica gets nothing of what is taken up
            await hooks._deliver(*claimed)
            now = 1e12  # long after

    asyncio.run(try_all())
    receiver.close()
    assert due(1e15) == []
    assert [json.loads(body)["data"] for _, _, body in receiver.got] == [{"id": "1"}] * 3
    outcomes = {
        outcome: metrics.registry.get_sample_value("sign_webhooks_total", {"outcome": outcome})
        for outcome in ("failed", "delivered", "given_up")
    }
    assert outcomes == {"failed": 2.0, "delivered": 1.0, "given_up": None}


def test_pauses_grow_and_the_last_try_is_the_last(table: JobTable) -> None:
    hooks = Webhooks(sender("127.0.0.0/8"), table, StorageCalls(), Metrics(), lambda _: {})
    ended(table, "http://127.0.0.1:9/")  # nobody listens

    async def try_all() -> None:
        at = 0.0
        for _ in range(MOST_TRIES):
            (claimed,) = table.claim_webhooks(at, LEASE_S, 8)
            await hooks._deliver(*claimed)
            at += 1e10
        assert table.claim_webhooks(1e18, LEASE_S, 8) == []

    asyncio.run(try_all())
    assert FIRST_PAUSE_S > 1


def test_a_replica_that_ends_meanwhile_leaves_it_due(table: JobTable) -> None:
    ended(table, "http://127.0.0.1:9/")
    assert len(table.claim_webhooks(100.0, LEASE_S, 8)) == 1
    assert table.claim_webhooks(100.0 + LEASE_S / 2, LEASE_S, 8) == []
    assert [tries for _, tries in table.claim_webhooks(101.0 + LEASE_S, LEASE_S, 8)] == [2]


def test_nothing_is_due_before_the_job_has_ended_or_once_it_is_forgotten(table: JobTable) -> None:
    table.add("2", JobSpec("predict", "", "letters", 1, b"{}", b"{}", webhook="http://127.0.0.1:9/"), 1)
    table.add("3", SPEC, 1)
    for job_id in ("2", "3"):
        table.begin(job_id)
    assert table.claim_webhooks(1e12, LEASE_S, 8) == []
    for job_id in ("2", "3"):
        table.end(job_id, "succeeded", 1)
    table.forget(["2"])
    assert table.claim_webhooks(1e12, LEASE_S, 8) == []


def test_hosts_need_a_secret() -> None:
    with pytest.raises(ValueError, match="SIGN_WEBHOOK_SECRET"):
        Settings.model_validate({"webhook_hosts": "a.example.org"})
