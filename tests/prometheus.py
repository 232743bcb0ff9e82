"""Prometheus and promtool, for tests: Debian's package `prometheus` has both."""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.running import ROOT, wait_until

WITHOUT = "needs Prometheus and promtool (Debian: prometheus)"
RULES = ROOT / "deploy" / "alerts.yml"


def need_prometheus() -> None:
    """Without the programs the test is left out, or fails if SIGN_REQUIRE names prometheus."""
    if shutil.which("prometheus") and shutil.which("promtool"):
        return
    if "prometheus" in os.environ.get("SIGN_REQUIRE", "").split(","):
        pytest.fail(f"SIGN_REQUIRE asks for prometheus: this test {WITHOUT}", pytrace=False)
    pytest.skip(WITHOUT)


def promtool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    """What promtool says, errors included."""
    command = ["promtool", *map(str, arguments)]
    return subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120
    )


def rules() -> dict[str, Any]:
    """The file of the rules, as it is."""
    found: dict[str, Any] = yaml.safe_load(RULES.read_text())
    return found


class Prometheus:
    """A Prometheus that asks one service every second."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30)

    @property
    def is_ready(self) -> bool:
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def alerts(self) -> dict[str, dict[str, Any]]:
        """The alerts that are pending or firing, by name."""
        found = self._client.get("/api/v1/alerts").json()["data"]["alerts"]
        return {alert["labels"]["alertname"]: alert for alert in found}

    def state_of(self, name: str) -> str:
        """inactive, pending or firing."""
        return str(self.alerts().get(name, {"state": "inactive"})["state"])

    def close(self) -> None:
        self._client.close()


@contextlib.contextmanager
def watching(folder: Path, target: str, waits: str) -> Iterator[Prometheus]:
    """Prometheus with the rules as they are, but for `for`, which is `waits`; target: HOST:PORT of the service."""
    document = rules()
    for rule in document["groups"][0]["rules"]:
        rule["for"] = waits
    (folder / "alerts.yml").write_text(yaml.safe_dump(document))
    scraped = {"job_name": "sign", "static_configs": [{"targets": [target]}]}
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["alerts.yml"],
        "scrape_configs": [scraped],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    log = folder / "prometheus.log"
    options = {
        "config.file": folder / "prometheus.yml",
        "storage.tsdb.path": folder / "data",
        "web.listen-address": address,
    }
    with log.open("wb") as output:
        command = ["prometheus", *(f"--{name}={value}" for name, value in options.items())]
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=folder)
    running = Prometheus(f"http://{address}")
    try:
        wait_until(lambda: running.is_ready, 60, f"Prometheus is not ready: {log}")
        yield running
    finally:
        running.close()
        process.terminate()
        process.wait(30)
