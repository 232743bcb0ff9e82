"""The documentation names everything that a user can meet."""

import re
from pathlib import Path
from typing import get_args

import pytest
from prometheus_client import Metric

from convert.presets.landmarks import LANDMARK_PRESETS
from service.__main__ import cli
from service.app import create_app
from service.errors import KINDS, Code
from service.metrics import Metrics
from service.pipelines.keypoints import KeypointsSection
from service.pipelines.layouts import LAYOUTS, Scale, Step
from service.settings import Settings

DOCS = Path(__file__).parents[1] / "docs"
CONTRACT = (DOCS / "api.md").read_text()
FEATURES = (DOCS / "features.md").read_text()


@pytest.mark.parametrize("code", KINDS)
def test_each_error_code_is_in_the_contract_with_its_status(code: Code) -> None:
    assert f"| {KINDS[code].status} | `{code}` |" in CONTRACT


def _own_metrics() -> list[Metric]:
    return [metric for metric in Metrics().registry.collect() if metric.name.startswith("sign_")]


@pytest.mark.parametrize("metric", _own_metrics(), ids=lambda metric: metric.name)
def test_each_metric_is_in_the_contract(metric: Metric) -> None:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    assert f"`{name}`" in CONTRACT


def test_the_contract_names_no_code_or_metric_that_does_not_exist() -> None:
    rows = re.findall(r"^\| \d{3} \| `([a-z-]+)`", CONTRACT, re.MULTILINE)
    assert set(rows) == set(KINDS)
    counters = {f"{metric.name}_total" for metric in _own_metrics() if metric.type == "counter"}
    others = {metric.name for metric in _own_metrics() if metric.type != "counter"}
    assert set(re.findall(r"`(sign_[a-z_]+)`", CONTRACT)) == counters | others


def test_each_route_is_in_the_contract() -> None:
    routes = create_app(Settings()).openapi()["paths"]
    text = CONTRACT.replace("…/unload", "/models/{name}/versions/{version}/unload")
    assert [path for path in routes if f"{path}" not in text] == []


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_on_the_page_of_features_with_its_width(name: str) -> None:
    assert f"| `{name}` | {LAYOUTS[name].width} |" in FEATURES


def test_each_step_and_each_scale_has_its_formula() -> None:
    steps = [step.model_fields["step"].default for step in get_args(get_args(Step)[0])]
    assert [step for step in steps if f"| `{step}`" not in FEATURES] == []
    scales = get_args(Scale.model_fields["by"].annotation)
    assert [by for by in scales if f'| `scale`, `"by": "{by}"` |' not in FEATURES] == []


def test_the_examples_of_sections_are_some() -> None:
    examples = re.findall(r"```json\n(.*?)```", FEATURES, re.DOTALL)
    widths = [KeypointsSection.model_validate_json(example).width for example in examples]
    assert widths == [42, 12]


def test_each_field_of_a_section_is_described() -> None:
    assert [field for field in KeypointsSection.model_fields if f"`{field}`" not in FEATURES] == []


def test_each_preset_of_landmarks_is_on_the_page_of_features() -> None:
    assert [preset.name for preset in LANDMARK_PRESETS if f"`{preset.name}`" not in FEATURES] == []


def test_the_readmes_pictures_are_there_in_light_and_dark_and_small() -> None:
    root = DOCS.parent
    named = re.findall(r'(?:src|srcset)="(docs/pictures/[^"]+)"', (root / "README.md").read_text())
    assert len(named) == 6
    assert {name.removeprefix("docs/pictures/") for name in named} == {
        path.name for path in (DOCS / "pictures").iterdir()
    }
    assert [name for name in named if (root / name).stat().st_size > 150_000] == []


def test_what_the_readmes_table_names_is_there() -> None:
    text = (DOCS.parent / "README.md").read_text()
    table = text[text.index("| what do you have?") :].split("\n\n")[0]
    routes = create_app(Settings()).openapi()["paths"]
    assert [route for route in re.findall(r"`POST (/[a-z/]+)`", table) if route not in routes] == []
    commands = {one.callback.__name__.removesuffix("_command") for one in cli.registered_commands if one.callback}
    groups = {group.name for group in cli.registered_groups}
    assert set(re.findall(r"`python -m service (\w+)", table)) <= commands | groups
