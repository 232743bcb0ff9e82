"""The alerts, as Prometheus reads them: their unit tests, and one seen to fire."""

import copy
import os
from pathlib import Path

import pytest
import yaml

from tests.jobs_made import serving, submit
from tests.prometheus import RULES, need_prometheus, promtool, rules, watching
from tests.running import SAMPLES, wait_until

CASES = Path(__file__).with_name("alerts_test.yml")
NEVER, ALWAYS = "vector(0) > 1", 'label_replace(vector(1), "instance", "z", "", "")'


@pytest.fixture(autouse=True)
def _tools() -> None:
    need_prometheus()


def test_prometheus_understands_the_rules() -> None:
    checked = promtool("check", "rules", RULES)
    assert checked.returncode == 0, checked.stdout


def test_each_alert_fires_when_its_cases_say_and_at_no_other_time() -> None:
    tested = promtool("test", "rules", CASES)
    assert tested.returncode == 0, tested.stdout


@pytest.mark.parametrize("number", range(len(rules()["groups"][0]["rules"])), ids=lambda number: f"rule {number}")
def test_the_cases_notice_an_alert_that_never_fires_and_one_that_always_does(number: int, tmp_path: Path) -> None:
    alert = rules()["groups"][0]["rules"][number]["alert"]
    given = yaml.safe_load(CASES.read_text())
    given["tests"] = [case for case in given["tests"] if alert in yaml.safe_dump(case)]
    for name, expression in (("never", NEVER), ("always", ALWAYS)):
        changed = copy.deepcopy(rules())
        changed["groups"][0]["rules"][number] |= {"expr": expression, "for": "0s"}
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(changed))
        cases = given | {"rule_files": [f"{name}.yml"]}
        (tmp_path / f"{name}_test.yml").write_text(yaml.safe_dump(cases))
        tested = promtool("test", "rules", tmp_path / f"{name}_test.yml")
        assert tested.returncode == 1, f"{name}: {tested.stdout}"
        assert alert in tested.stdout


def test_a_service_whose_jobs_cannot_be_stored_fires_its_alert_until_they_can(tmp_path: Path) -> None:
    with (
        serving(tmp_path) as service,
        watching(tmp_path, service.url.removeprefix("http://"), waits="2s") as prometheus,
    ):
        database = tmp_path / "jobs" / "jobs.sqlite"
        wait_until(lambda: service.metric("sign_jobs_available") == 1, 60, "jobs do not open")
        assert prometheus.state_of("SignJobsUnavailable") == "inactive"
        database.unlink()
        database.with_name("jobs.sqlite-wal").write_bytes(b"")  # or SQLite may put all of its pages back from there
        database.write_bytes(os.urandom(50_000))
        wait_until(lambda: prometheus.state_of("SignJobsUnavailable") == "firing", 60, "the alert does not fire")
        told = prometheus.alerts()["SignJobsUnavailable"]["annotations"]
        assert told["summary"].startswith(service.url.removeprefix("http://"))
        assert submit(service, SAMPLES / "word_cab_left_brown.mp4").status_code == 503
        database.rename(tmp_path / "damaged.sqlite")
        wait_until(lambda: prometheus.state_of("SignJobsUnavailable") == "inactive", 60, "the alert goes on firing")
