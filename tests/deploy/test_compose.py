"""docker-compose.yml and .env.example: what has to hold, checked on the file as compose would resolve it."""

import re
import subprocess
import sys
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.settings import Settings

ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<operator>:-|:\?)(?P<rest>[^}]*))?\}")

FIXED = {
    "host", "port", "allowed_hosts", "model_store", "media_dir", "jobs_dir", "teach_dir", "forwarded_allow_ips",
    "model_poll_s",
}  # fmt: skip
"""Settings that the compose file gives a value of its own."""

NOT_PASSED = {"tls_cert", "tls_key"}
"""Settings of a service without Caddy; they name files that the container does not have."""


def resolve(value: Any, environment: dict[str, str]) -> Any:
    """The value with ${NAME}, ${NAME:-default} and ${NAME:?message} replaced as compose does."""
    if isinstance(value, dict):
        return {key: resolve(inner, environment) for key, inner in value.items()}
    if isinstance(value, list):
        return [resolve(inner, environment) for inner in value]
    if not isinstance(value, str):
        return value

    def replace(match: re.Match[str]) -> str:
        given = environment.get(match["name"], "")
        if not given and match["operator"] == ":?":
            raise KeyError(match["rest"])
        return given or (match["rest"] if match["operator"] == ":-" else "")

    return _VARIABLE.sub(replace, value)


def compose(**environment: str) -> dict[str, Any]:
    raw = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    resolved: dict[str, Any] = resolve(raw, {"GRAFANA_PASSWORD": "secret"} | environment)
    return resolved


def seconds(duration: str) -> int:
    assert re.fullmatch(r"\d+s", duration)
    return int(duration[:-1])


SERVICES = sorted(compose()["services"])


def test_the_file_follows_the_compose_specification() -> None:
    command = [str(Path(sys.executable).with_name("check-jsonschema")), "--builtin-schema", "vendor.compose-spec"]
    result = subprocess.run(
        [*command, str(ROOT / "docker-compose.yml")], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stdout


def test_grafana_does_not_start_without_a_password() -> None:
    with pytest.raises(KeyError, match="GRAFANA_PASSWORD"):
        compose(GRAFANA_PASSWORD="")


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_published_on_this_machine_only(name: str) -> None:
    for port in compose()["services"][name].get("ports", []):
        assert port.startswith("127.0.0.1:"), port


def test_a_line_in_env_opens_the_service_or_the_proxy_and_nothing_else() -> None:
    services = compose(SERVICE_BIND="0.0.0.0", PROXY_BIND="0.0.0.0")["services"]  # noqa: S104 (nothing is bound)
    opened = {name for name in SERVICES for port in services[name].get("ports", []) if port.startswith("0.0.0.0:")}
    assert opened == {"service", "caddy"}


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_writes_to_its_image_or_gains_privileges(name: str) -> None:
    container = compose()["services"][name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["tmpfs"] == ["/tmp:mode=1777,size=256m"]  # noqa: S108 (the container's own)
    assert set(container.get("cap_add", [])) <= {"NET_BIND_SERVICE"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_built_here_or_pinned_to_a_version(name: str) -> None:
    container = compose()["services"][name]
    assert "build" in container or re.search(r":v?\d+\.\d+\.\d+", container["image"]), container["image"]


@pytest.mark.parametrize("name", SERVICES)
def test_everything_mounted_is_in_the_repository_or_a_named_volume(name: str) -> None:
    content = compose()
    for mount in content["services"][name].get("volumes", []):
        source = mount.split(":")[0]
        if source.startswith("."):
            assert (ROOT / source).exists(), source
        else:
            assert source in content["volumes"]


def test_running_requests_get_their_grace_before_docker_kills() -> None:
    assert seconds(compose()["services"]["service"]["stop_grace_period"]) > Settings.model_fields["grace_s"].default


def test_both_images_are_targets_of_the_dockerfile() -> None:
    targets = re.findall(r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    services = compose()["services"]
    assert {services[name]["build"]["target"] for name in ("service", "service-gpu", "convert")} <= set(targets)
    assert targets[-1] == "serve", "docker build without --target gives the service"
    assert not any("platform" in services[name] for name in ("service", "convert")), "each machine builds its own"


def test_the_service_on_a_card_is_the_same_but_for_the_card_its_port_and_its_jobs() -> None:
    services = compose()["services"]
    usual, card = services["service"], services["service-gpu"]
    assert card["profiles"] == ["gpu"]
    (device,) = card["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert card["environment"] == usual["environment"] | {"SIGN_PROVIDERS": "cuda,cpu"}
    assert {name for name in card if card[name] != usual.get(name)} == {
        "profiles", "build", "image", "ports", "environment", "deploy", "volumes",
    }  # fmt: skip


def test_every_setting_can_be_set_in_env() -> None:
    """A line SIGN_NAME: in docker-compose.yml hands the setting on from .env."""
    environment = compose()["services"]["service"]["environment"]
    passed = {name for name, value in environment.items() if value is None}
    expected = {f"SIGN_{name.upper()}" for name in Settings.model_fields if name not in FIXED | NOT_PASSED}
    assert passed == expected


def test_what_compose_fixes_is_accepted_by_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {name: value for name, value in compose()["services"]["service"]["environment"].items() if value}
    assert set(environment) == {f"SIGN_{name.upper()}" for name in FIXED}
    for name, value in environment.items():
        monkeypatch.setenv(name, str(value))
    settings = Settings()
    assert settings.model_poll_s > 0
    assert str(settings.model_store) == "/app/model_store"


def test_the_store_is_read_only_to_the_service_and_writable_to_the_converter() -> None:
    services = compose()["services"]
    assert "./model_store:/app/model_store:ro" in services["service"]["volumes"]
    assert "./model_store:/app/model_store" in services["convert"]["volumes"]


def test_forwarded_headers_are_believed_from_caddy_only() -> None:
    content = compose()
    caddy = content["services"]["caddy"]["networks"]["proxy"]["ipv4_address"]
    assert content["services"]["service"]["environment"]["SIGN_FORWARDED_ALLOW_IPS"] == caddy


def test_no_other_container_can_be_given_the_address_of_caddy() -> None:
    content = compose()
    (pool,) = content["networks"]["proxy"]["ipam"]["config"]
    caddy = IPv4Address(content["services"]["caddy"]["networks"]["proxy"]["ipv4_address"])
    assert caddy in IPv4Network(pool["subnet"])
    assert IPv4Network(pool["ip_range"]).subnet_of(IPv4Network(pool["subnet"]))
    assert caddy not in IPv4Network(pool["ip_range"])


def test_env_example_names_exactly_what_compose_reads() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    read = {match["name"]: match for match in _VARIABLE.finditer(text)}
    example = dict(re.findall(r"^#?([A-Z_0-9]+)=(.*)$", (ROOT / ".env.example").read_text(), re.MULTILINE))
    passed = {f"SIGN_{name.upper()}" for name in Settings.model_fields if name not in FIXED | NOT_PASSED}
    assert set(read) <= set(example)
    assert set(example) <= set(read) | passed
    assert {name: example[name] for name, match in read.items() if match["operator"] == ":-"} == {
        name: match["rest"] for name, match in read.items() if match["operator"] == ":-"
    }


def test_env_example_sets_nothing_but_the_empty_password() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == ["GRAFANA_PASSWORD="]
