"""Prometheus, alerts and the Grafana dashboard name only metrics and labels that the service has."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from service.metrics import Metrics

DEPLOY = Path(__file__).parents[2] / "deploy"

LATER: dict[str, set[str]] = {}
"""Named by the contract and alerted on already, exported once there are jobs. The last test says when to delete it."""

FROM_PROMETHEUS = {"up", "ALERTS"}
FROM_THE_SCRAPE = {"job", "instance", "le", "alertstate"}
_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}
_METRIC = re.compile(r"\b(?:(?:sign|process|python)_\w+|up|ALERTS)\b(?!\s*=)")
_SELECTOR = re.compile(r"(\w+)\{([^}]*)\}")


def exported() -> dict[str, set[str]]:
    """Every series name that the service exports, with its labels."""
    metrics = Metrics()
    labels = {
        metric._name: set(metric._labelnames)
        for metric in vars(metrics).values()
        if isinstance(metric, MetricWrapperBase)
    }
    return {
        family.name + suffix: labels.get(family.name, set())
        for family in metrics.registry.collect()
        for suffix in _SUFFIXES.get(family.type, ("",))
    }


def dashboard() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((DEPLOY / "grafana/dashboards/sign.json").read_text())
    return content


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def expressions() -> dict[str, str]:
    """Every PromQL expression of the alerts and the dashboard, by where it stands."""
    found = {f"alert {rule['alert']}": rule["expr"] for rule in rules()}
    for panel in panels():
        found |= {f"panel {panel['title']} {target['refId']}": target["expr"] for target in panel["targets"]}
    return found


KNOWN = exported()
EXPRESSIONS = expressions()


@pytest.mark.parametrize("place", EXPRESSIONS)
def test_an_expression_names_only_metrics_that_exist(place: str) -> None:
    named = set(_METRIC.findall(re.sub(r'"[^"]*"', '""', EXPRESSIONS[place])))
    assert named
    assert named <= set(KNOWN) | set(LATER) | FROM_PROMETHEUS


@pytest.mark.parametrize("place", EXPRESSIONS)
def test_an_expression_selects_and_groups_by_labels_that_exist(place: str) -> None:
    expression = EXPRESSIONS[place]
    allowed = FROM_THE_SCRAPE | set().union(*((KNOWN | LATER).get(name, set()) for name in _METRIC.findall(expression)))
    for labels in re.findall(r"by \(([^)]*)\)", expression):
        assert {label.strip() for label in labels.split(",")} <= allowed
    for name, matchers in _SELECTOR.findall(expression):
        labels = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', matchers))
        assert labels <= (KNOWN | LATER).get(name, set()) | FROM_THE_SCRAPE


@pytest.mark.parametrize("place", EXPRESSIONS)
def test_an_expression_is_balanced(place: str) -> None:
    closing = {")": "(", "]": "[", "}": "{"}
    stack: list[str] = []
    for character in re.sub(r'"[^"]*"', "", EXPRESSIONS[place]):
        if character in "([{":
            stack.append(character)
        elif character in closing:
            assert stack
            assert stack.pop() == closing[character]
    assert not stack


def test_what_the_issue_asks_for_has_an_alert() -> None:
    watched = " ".join(rule["expr"] for rule in rules())
    for needed in ("/readyz", "sign_slot_restarts_total", "sign_rejected_total", 'route="/predict"', "sign_jobs"):
        assert needed in watched


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_says_what_is_wrong_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "action"}
    assert all(text.endswith(".") for text in rule["annotations"].values())


def test_prometheus_reads_the_alerts_and_asks_the_service() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job["static_configs"][0]["targets"] == ["service:8000"]
    assert config["rule_files"] == ["alerts.yml"]
    assert job["job_name"] == "sign"


def test_the_dashboard_asks_the_provisioned_datasource() -> None:
    provisioned = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text())
    (source,) = provisioned["datasources"]
    asked = {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]}
    assert asked == {source["uid"]}


def test_panels_have_an_id_and_a_place_of_their_own_and_say_what_they_show() -> None:
    everything = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert all(panel["description"] for panel in panels())
    taken: set[tuple[int, int]] = set()
    for panel in everything:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_metrics_that_were_awaited_are_deleted_from_the_list_when_they_come() -> None:
    assert not set(LATER) & set(KNOWN)
