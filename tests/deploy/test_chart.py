"""deploy/helm: rendered by Helm's own library, held against Kubernetes' schemas, and checked for what has to hold."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import psycopg
import pytest
import yaml

from service.app import create_app
from service.execution_providers import CPU_NAME, PROVIDERS
from service.jobs.schema import JOBS, METADATA
from service.jobs.spec import STATES, UNFINISHED
from service.jobs.table import JobTable, database_url
from service.metrics import Metrics
from service.settings import GIB, Settings
from tests.postgres import fresh_database

helm = pytest.importorskip("helm_python", reason="Helm's library has wheels for Linux on x86-64 here")
kubernetes_validate = pytest.importorskip("kubernetes_validate")

DEPLOY = Path(__file__).parents[2] / "deploy"
CHART = DEPLOY / "helm"
EXAMPLES = ("values.yaml", "values-small.yaml", "values-production.yaml", "values-live.yaml")
VERSIONS = ("1.30", "1.37")
INFO = 1
"""The severity of what Helm recommends."""

CUSTOM: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("custom_resources.yaml").read_text())

Manifest = dict[str, Any]


def render(values: dict[str, Any]) -> list[Manifest]:
    """All objects of a release named sign in the namespace there; what Helm says of wrong values is HelmError."""
    with helm.Chart.load(CHART) as chart:
        chart.validate_schema(values)
        texts = chart.render(values, name="sign", namespace="there")
    return [manifest for text in texts.values() for manifest in yaml.safe_load_all(text) if manifest]


def values_of(name: str) -> dict[str, Any]:
    values: dict[str, Any] = yaml.safe_load((CHART / name).read_text())
    return values


@cache
def rendered(name: str) -> tuple[Manifest, ...]:
    return tuple(render(values_of(name)))


def of_kind(manifests: tuple[Manifest, ...], kind: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def named(manifests: tuple[Manifest, ...], kind: str, name: str) -> Manifest:
    (found,) = (one for one in of_kind(manifests, kind) if one["metadata"]["name"] == name)
    return found


def pods(manifests: tuple[Manifest, ...]) -> dict[str, Manifest]:
    """Each role's pod."""
    return {
        one["metadata"]["labels"]["app.kubernetes.io/component"]: one["spec"]["template"]
        for one in of_kind(manifests, "Deployment")
    }


def container(pod: Manifest) -> Manifest:
    (found,) = pod["spec"]["containers"]
    return dict(found)


def environment(pod: Manifest) -> dict[str, str]:
    """What is written down; secrets have a value that would do."""
    secrets = {"SIGN_JOBS_DATABASE_URL": "postgresql://somebody@database/jobs"}
    return {one["name"]: one.get("value", secrets.get(one["name"], "secret")) for one in container(pod)["env"]}


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    expressions = selector.get("matchExpressions", [])
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(one["key"]) in one["values"] for one in expressions
    )


each_example = pytest.mark.parametrize("example", EXAMPLES)


@each_example
def test_every_object_follows_its_schema_strictly(example: str) -> None:
    for manifest in rendered(example):
        if manifest["kind"] in CUSTOM:
            jsonschema.validate(manifest, CUSTOM[manifest["kind"]])
            continue
        for version in VERSIONS:
            kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schemas_refuse_what_is_misspelled() -> None:
    deployment = named(rendered("values.yaml"), "Deployment", "sign-service")
    wrong = deployment | {"spec": deployment["spec"] | {"replica": 1}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)
    scaled = named(rendered("values-production.yaml"), "ScaledObject", "sign-jobs")
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(scaled | {"spec": scaled["spec"] | {"maxReplicas": 1}}, CUSTOM["ScaledObject"])


def test_helm_lints_the_chart_without_an_error() -> None:
    said = helm.lint(CHART)
    assert said["total_charts_linted"] == 1
    assert (said["errors"], [one for one in said["messages"] if one["severity"] > INFO]) == ([], [])


@each_example
def test_no_pod_is_root_gains_rights_or_writes_to_its_image(example: str) -> None:
    for pod in pods(rendered(example)).values():
        whole, own = pod["spec"]["securityContext"], container(pod)["securityContext"]
        assert whole["runAsNonRoot"] is True
        assert min(whole["runAsUser"], whole["runAsGroup"]) > 0
        assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
        assert own == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod["spec"])
        assert all("hostPath" not in volume for volume in pod["spec"]["volumes"])


@each_example
def test_the_user_is_the_images(example: str) -> None:
    users = set(re.findall(r"^USER (\d+):\1$", (DEPLOY.parent / "Dockerfile").read_text(), re.MULTILINE))
    assert {str(pod["spec"]["securityContext"]["runAsUser"]) for pod in pods(rendered(example)).values()} == users


@each_example
def test_an_image_has_a_version(example: str) -> None:
    for pod in pods(rendered(example)).values():
        assert re.fullmatch(r"[\w./-]+:\d+\.\d+\.\d+", container(pod)["image"])


@each_example
def test_requests_and_limits_follow_the_slots(example: str) -> None:
    for pod in pods(rendered(example)).values():
        settings = environment(pod)
        processes = int(settings["SIGN_SLOTS"]) + int(settings["SIGN_STREAM_SLOTS"])
        models = int(settings["SIGN_MODEL_MEMORY_BYTES"]) // GIB
        resources = container(pod)["resources"]
        assert resources["requests"] == {"cpu": str(processes), "memory": f"{1024 * (processes + models + 1)}Mi"}
        assert resources["limits"]["memory"] == resources["requests"]["memory"]
        assert int(resources["limits"]["cpu"]) > processes


def test_a_pod_gets_the_gpus_and_the_resources_that_are_asked_for() -> None:
    live = container(pods(rendered("values-live.yaml"))["stream"])["resources"]
    assert live["limits"]["nvidia.com/gpu"] == "1"
    images = {role: container(pod)["image"] for role, pod in pods(rendered("values-live.yaml")).items()}
    assert images["stream"] == images["service"].replace("sign-service:", "sign-service-cuda:")
    targets = re.findall(r"^FROM \S+ AS (\S+)$", (DEPLOY.parent / "Dockerfile").read_text(), re.MULTILINE)
    assert "serve-cuda" in targets
    own = render({"service": {"resources": {"limits": {"memory": "9Gi"}}}})
    assert container(pods(tuple(own))["service"])["resources"]["limits"]["memory"] == "9Gi"


@each_example
def test_every_variable_is_a_setting_and_its_value_is_accepted(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {f"SIGN_{name.upper()}" for name in Settings.model_fields}
    s3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"}
    for role, pod in pods(rendered(example)).items():
        given = environment(pod)
        assert len(given) == len(container(pod)["env"]), "no variable twice"
        assert set(given) <= known | s3
        providers = given.pop("SIGN_PROVIDERS", CPU_NAME).split(",")  # which only the image of that provider has
        assert set(providers) <= set(PROVIDERS)
        assert ("nvidia.com/gpu" in container(pod)["resources"]["limits"]) == ("cuda" in providers)
        with monkeypatch.context() as patch:
            for name, value in given.items():
                patch.setenv(name, value)
            settings = Settings()
        assert settings.port == container(pod)["ports"][0]["containerPort"]
        assert settings.slots_for_jobs == settings.slots or role != "jobs"


def test_jobs_are_worked_on_by_their_own_pods_alone_where_there_are_some() -> None:
    slots = {role: environment(pod).get("SIGN_JOBS_SLOTS") for role, pod in pods(rendered("values-live.yaml")).items()}
    assert slots == {"service": "0", "stream": "0", "jobs": "2"}
    small = pods(rendered("values-small.yaml"))
    assert set(small) == {"service"}
    assert "SIGN_JOBS_SLOTS" not in environment(small["service"])


def test_live_sessions_are_in_their_own_pods_alone_where_there_are_some() -> None:
    slots = {role: environment(pod)["SIGN_STREAM_SLOTS"] for role, pod in pods(rendered("values-live.yaml")).items()}
    assert slots == {"service": "0", "stream": "8", "jobs": "0"}
    assert environment(pods(rendered("values-production.yaml"))["service"])["SIGN_STREAM_SLOTS"] == "2"


def test_live_pods_without_a_database_keep_what_they_have_to_themselves() -> None:
    both = pods(tuple(render({"stream": {"enabled": True}})))
    assert environment(both["service"])["SIGN_JOBS_DIR"] == "/kept/jobs"
    assert environment(both["stream"])["SIGN_JOBS_DIR"] == "/data/jobs"
    assert "kept" not in {mount["name"] for mount in container(both["stream"])["volumeMounts"]}


def test_an_operators_setting_goes_before_the_charts_and_a_roles_before_all_pods() -> None:
    values = {"env": {"SIGN_GRACE_S": 5, "SIGN_LOG_LEVEL": "error"}, "service": {"env": {"SIGN_LOG_LEVEL": "debug"}}}
    given = environment(pods(tuple(render(values)))["service"])
    assert (given["SIGN_GRACE_S"], given["SIGN_LOG_LEVEL"]) == ("5", "debug")


@each_example
def test_what_is_written_to_is_on_a_volume(example: str) -> None:
    for pod in pods(rendered(example)).values():
        writable = [mount["mountPath"] for mount in container(pod)["volumeMounts"] if not mount.get("readOnly")]
        given = environment(pod)
        for place in (given["SIGN_MEDIA_DIR"], given["SIGN_JOBS_DIR"], given["SIGN_TEACH_DIR"], "/tmp/x"):  # noqa: S108
            assert any(Path(place).is_relative_to(mount) for mount in writable), place
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        assert volumes == {mount["name"] for mount in container(pod)["volumeMounts"]}


@each_example
def test_probes_ask_routes_that_there_are_on_the_port_that_there_is(example: str) -> None:
    routes = {getattr(route, "path", None) for route in create_app(Settings()).routes} | set(_paths())
    for pod in pods(rendered(example)).values():
        own = container(pod)
        ports = {port["name"] for port in own["ports"]}
        for probe, path in (("startup", "/healthz"), ("readiness", "/readyz"), ("liveness", "/healthz")):
            asked = own[f"{probe}Probe"]["httpGet"]
            assert asked["path"] == path
            assert path in routes
            assert asked["port"] in ports


@cache
def _paths() -> tuple[str, ...]:
    return tuple(create_app(Settings()).openapi()["paths"])


@each_example
def test_readyz_goes_first_and_nothing_is_cut_off_at_the_end(example: str) -> None:
    for role, pod in pods(rendered(example)).items():
        own, given = container(pod), environment(pod)
        readiness = own["readinessProbe"]
        noticed_s = readiness["periodSeconds"] * readiness["failureThreshold"] + readiness["timeoutSeconds"]
        delay_s = int(given["SIGN_SHUTDOWN_DELAY_S"])
        assert delay_s > noticed_s or role == "jobs", "nobody is led to the pods of jobs"
        before_s = own["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["spec"]["terminationGracePeriodSeconds"] > before_s + delay_s + int(given["SIGN_GRACE_S"])


@each_example
def test_selectors_find_what_they_are_for_and_nothing_else(example: str) -> None:
    manifests = rendered(example)
    labels = {role: pod["metadata"]["labels"] for role, pod in pods(manifests).items()}
    for deployment in of_kind(manifests, "Deployment"):
        role = deployment["metadata"]["labels"]["app.kubernetes.io/component"]
        assert [name for name in labels if selects(deployment["spec"]["selector"], labels[name])] == [role]
        named(manifests, "PodDisruptionBudget", f"sign-{role}")
        spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
        assert all(selects(one["labelSelector"], labels[role]) for one in spread)
    for budget in of_kind(manifests, "PodDisruptionBudget"):
        role = budget["metadata"]["name"].removeprefix("sign-")
        assert [name for name in labels if selects(budget["spec"]["selector"], labels[name])] == [role]
    expected = {"sign": ["service"], "sign-stream": ["stream"], "sign-metrics": list(labels), "sign-closed": []}
    for service in of_kind(manifests, "Service"):
        selector = service["spec"].get("selector")
        found = [name for name in labels if selector and selects({"matchLabels": selector}, labels[name])]
        assert found == expected[service["metadata"]["name"]]
    for monitor in of_kind(manifests, "ServiceMonitor"):
        watched = [one for one in of_kind(manifests, "Service") if selects(monitor["spec"]["selector"], _labels(one))]
        assert [one["metadata"]["name"] for one in watched] == ["sign-metrics"]
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in {port["name"] for port in watched[0]["spec"]["ports"]}
        assert endpoint["path"] in _paths()
        assert _labels(watched[0])[monitor["spec"]["jobLabel"]] == "sign", 'alerts and dashboard ask for job="sign"'


def _labels(manifest: Manifest) -> dict[str, str]:
    return dict(manifest["metadata"]["labels"])


@each_example
def test_every_pod_may_be_asked_by_those_who_are_named_alone(example: str) -> None:
    manifests = rendered(example)
    labels = {role: pod["metadata"]["labels"] for role, pod in pods(manifests).items()}
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(manifests, "NetworkPolicy")}
    whole = policies["sign"]
    assert [role for role in labels if selects(whole["podSelector"], labels[role])] == list(labels)
    assert whole["policyTypes"] == ["Ingress", "Egress"]
    for policy in policies.values():
        assert all(rule["from"] and rule["ports"] for rule in policy.get("ingress", []))
    if callers := policies.get("sign-callers"):
        assert {role for role in labels if selects(callers["podSelector"], labels[role])} == set(labels) - {"jobs"}
    out = {port["port"] for rule in whole["egress"] for port in rule["ports"]}
    values = values_of(example)
    assert (5432 in out) == bool(values.get("postgres", {}).get("secret"))
    assert (443 in out) == bool(values.get("s3", {}).get("url"))


def test_what_else_may_go_out_is_added_to_what_may() -> None:
    rule = {"ports": [{"port": 4318}], "to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}]}
    policy = named(tuple(render({"networkPolicy": {"egress": [rule]}})), "NetworkPolicy", "sign")
    assert policy["spec"]["egress"][-1] == rule
    assert len(policy["spec"]["egress"]) == 2
    kubernetes_validate.validate(policy, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("example", ["values-production.yaml", "values-live.yaml"])
def test_the_ingress_leads_to_services_and_metrics_to_nobody(example: str) -> None:
    manifests = rendered(example)
    (ingress,) = of_kind(manifests, "Ingress")
    (rule,) = ingress["spec"]["rules"]
    led = {path["path"]: path["backend"]["service"] for path in rule["http"]["paths"]}
    assert led["/metrics"]["name"] == "sign-closed"
    assert led["/"]["name"] == "sign"
    assert led.get("/stream", {"name": "sign-stream"})["name"] == "sign-stream"
    assert ("/stream" in led) == ("stream" in pods(manifests))
    for backend in led.values():
        service = named(manifests, "Service", backend["name"])
        assert backend["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
    for role, pod in pods(manifests).items():
        assert environment(pod)["SIGN_ALLOWED_HOSTS"] == rule["host"], role


def test_a_browser_that_connects_again_comes_back_to_its_pod() -> None:
    service = named(rendered("values-live.yaml"), "Service", "sign-stream")
    assert service["spec"]["sessionAffinity"] == "ClientIP"
    longest = Settings.model_fields["stream_session_s"].default
    assert service["spec"]["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"] >= longest
    assert service["metadata"]["annotations"]["traefik.ingress.kubernetes.io/service.sticky.cookie"] == "true"


@pytest.mark.parametrize("example", ["values-production.yaml", "values-live.yaml"])
def test_what_scales_is_scaled_by_nobody_else(example: str) -> None:
    manifests = rendered(example)
    for scaled in of_kind(manifests, "ScaledObject"):
        deployment = named(manifests, "Deployment", scaled["spec"]["scaleTargetRef"]["name"])
        assert "replicas" not in deployment["spec"]
        for trigger in scaled["spec"]["triggers"]:
            if "authenticationRef" in trigger:
                named(manifests, "TriggerAuthentication", trigger["authenticationRef"]["name"])
    assert "replicas" in named(manifests, "Deployment", "sign-service")["spec"]


def test_the_pods_of_jobs_follow_the_queue_as_postgresql_counts_it(postgres_server: str, tmp_path: Path) -> None:
    manifests = rendered("values-production.yaml")
    (trigger,) = named(manifests, "ScaledObject", "sign-jobs")["spec"]["triggers"]
    (secret,) = named(manifests, "TriggerAuthentication", "sign-database")["spec"]["secretTargetRef"]
    assert secret["parameter"] == "connection"
    assert trigger["metadata"]["targetQueryValue"] == environment(pods(manifests)["jobs"])["SIGN_JOBS_SLOTS"]
    database = fresh_database(postgres_server)
    table = JobTable(database_url(database, tmp_path))
    table.open()
    table.close()
    assert METADATA.tables["sign_jobs"] is JOBS
    with psycopg.connect(database) as connection:
        for number, state in enumerate(STATES):
            connection.execute(
                "INSERT INTO sign_jobs (id, owner, kind, state, model, version, request, options, media_name,"
                " keeps_windows, created, progress, work_s, chunks, tries, attempts, stored_bytes)"
                " VALUES (%s, 'o', 'timeline', %s, 'm', 1, '', '', 'a', false, 0, 0, 0, 0, 0, 0, 0)",
                (str(number), state),
            )
        counted = connection.execute(trigger["metadata"]["query"]).fetchone()
    assert counted == (len(UNFINISHED),)
    assert len(UNFINISHED) < len(STATES)


def test_the_pods_of_live_sessions_follow_the_metric_that_there_is() -> None:
    manifests = rendered("values-live.yaml")
    (trigger,) = named(manifests, "ScaledObject", "sign-stream")["spec"]["triggers"]
    assert trigger["metadata"]["query"] == 'sum(sign_stream_sessions{namespace="there",pod=~"sign-stream-.*"})'
    assert "sign_stream_sessions" in {family.name for family in Metrics().registry.collect()}
    room = int(environment(pods(manifests)["stream"])["SIGN_STREAM_SLOTS"])
    assert 0 < int(trigger["metadata"]["threshold"]) < room, "a pod starts before the last place is taken"


def test_the_rules_are_those_of_prometheus_beside_it() -> None:
    rule = named(rendered("values-production.yaml"), "PrometheusRule", "sign")
    assert rule["spec"] == yaml.safe_load((DEPLOY / "alerts.yml").read_text())


@each_example
def test_what_pods_refer_to_is_made_here_or_named_in_the_values(example: str) -> None:
    manifests, values = rendered(example), values_of(example)
    secrets = {values.get(part, {}).get("secret") for part in ("keys", "postgres", "s3")}
    claims = {one["metadata"]["name"] for one in of_kind(manifests, "PersistentVolumeClaim")}
    for pod in pods(manifests).values():
        named(manifests, "ServiceAccount", pod["spec"]["serviceAccountName"])
        used = {one["valueFrom"]["secretKeyRef"]["name"] for one in container(pod)["env"] if "valueFrom" in one}
        assert used <= secrets
        for volume in pod["spec"]["volumes"]:
            assert volume.get("persistentVolumeClaim", {}).get("claimName") in {None, *claims}


WRONG = {
    "two pods on SQLite": ({"service": {"replicas": 2}}, "postgres.secret"),
    "pods of jobs on SQLite": ({"jobs": {"enabled": True}}, "postgres.secret"),
    "jobs on a volume of one": ({"jobs": {"enabled": True}, "postgres": {"secret": "s"}}, "ReadWriteMany"),
    "an ingress for no name": ({"ingress": {"enabled": True}}, "ingress.host"),
    "scaling jobs that have no pods": ({"keda": {"jobs": {"enabled": True}}}, "jobs.enabled"),
    "scaling by no Prometheus": ({"stream": {"enabled": True}, "keda": {"stream": {"enabled": True}}}, "prometheus"),
    "a value that is misspelled": ({"servcie": {"replicas": 1}}, "servcie"),
    "no slot": ({"service": {"slots": 0}}, "slots"),
    "believing everybody": ({"ingress": {"proxies": "*"}}, "proxies"),
    "an image of no version": ({"image": {"tag": "latest"}}, "tag"),
}


@pytest.mark.parametrize(("values", "said"), WRONG.values(), ids=WRONG)
def test_values_that_would_lose_jobs_or_do_nothing_are_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(helm.HelmError, match=said):
        render(values)
