"""What runs in the pods, as whom, and how Kubernetes knows how it is."""

import re
from collections.abc import Mapping
from typing import Any

import pytest

from conda_store_shared.config.server import CondaStoreServer
from conda_store_shared.config.worker import CondaStoreWorker
from conda_store_shared.contracts.topology import SERVERS, SERVICES
from conda_store_shared.web.health import Readiness, health_routes
from tests.kubernetes.configuration import load
from tests.kubernetes.manifests import COMPONENTS, ROOT, Layout

PORT = CondaStoreServer().port
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
HEALTH = {route.declared_path for route in health_routes(Readiness({}))}


def memory(quantity: str) -> int:
    """Bytes of a quantity such as 512Mi."""
    [(number, unit)] = re.findall(r"^(\d+)([MG])i$", quantity)
    return int(number) * {"M": 1024**2, "G": 1024**3}[unit]


def test_there_is_a_deployment_a_service_an_account_and_a_budget_for_each_part(layout: Layout) -> None:
    assert set(layout.all("Deployment")) == set(COMPONENTS)
    assert set(layout.all("Service")) == set(COMPONENTS)
    assert set(layout.all("PodDisruptionBudget")) == set(COMPONENTS)
    assert set(layout.all("ServiceAccount")) == {*COMPONENTS, "migrate"}
    assert set(layout.all("Job")) == {"migrate"}


def test_everything_is_labeled_by_the_recommended_names(layout: Layout) -> None:
    for manifest in layout.manifests:
        labels = manifest["metadata"]["labels"]
        assert labels["app.kubernetes.io/name"] == labels["app.kubernetes.io/part-of"] == "conda-store", manifest
    for name, labels in layout.labels().items():
        assert labels["app.kubernetes.io/component"] == name


@pytest.mark.parametrize("kind", ["Deployment", "Service", "PodDisruptionBudget"])
def test_each_selector_means_its_own_pods_alone(layout: Layout, kind: str) -> None:
    for name, manifest in layout.all(kind).items():
        selector = manifest["spec"]["selector"]
        assert layout.selected({"matchLabels": selector} if kind == "Service" else selector) == {name}


def test_images_are_those_that_are_built_here(layout: Layout) -> None:
    built = {f"conda-store-{name}" for name in COMPONENTS}
    images = {name: container["image"] for name, container in layout.containers().items()}
    assert set(images.values()) <= built
    assert {name for name, image in images.items() if image != f"conda-store-{name}"} == {"migrate"}
    assert {path.name for path in (ROOT / "services").iterdir() if path.is_dir()} == set(SERVICES)


def test_nobody_is_root_or_may_become_root_or_asks_the_cluster(layout: Layout) -> None:
    for name, pod in layout.pods().items():
        spec = pod["spec"]
        confined = spec["securityContext"]
        assert (confined["runAsNonRoot"], confined["runAsUser"], confined["runAsGroup"]) == (True, 10001, 10001)
        assert confined["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert layout.all("ServiceAccount")[spec["serviceAccountName"]]["automountServiceAccountToken"] is False
        assert spec["serviceAccountName"] == name
        assert layout.containers()[name]["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_namespace_refuses_pods_that_are_less_confined(layout: Layout) -> None:
    [namespace] = layout.all("Namespace").values()
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    named = {manifest["metadata"].get("namespace") for manifest in layout.manifests if manifest is not namespace}
    assert named == {namespace["metadata"]["name"]}


def test_every_probe_asks_for_what_is_there(layout: Layout) -> None:
    gateway = (ROOT / "deploy" / "gateway" / "nginx.conf").read_text()
    for name in COMPONENTS:
        container = layout.containers()[name]
        assert {port["name"]: port["containerPort"] for port in container["ports"]} == {"http": PORT}
        for probe in PROBES:
            asked = container[probe]["httpGet"]
            assert asked["port"] == "http"
            assert asked["path"] in HEALTH if name in SERVICES else f"location = {asked['path']} " in gateway


def test_probes_ask_for_what_they_mean(layout: Layout) -> None:
    containers = layout.containers()
    asked = {name: [containers[name][probe]["httpGet"]["path"] for probe in PROBES] for name in SERVICES}
    # To start again because the database is away, or to take every server out of service, would help nobody.
    assert asked == {
        name: ["/health/ready", "/health/live" if name in SERVERS else "/health/ready", "/health/live"]
        for name in SERVICES
    }


def test_each_service_listens_where_its_pod_says(layout: Layout) -> None:
    for service in layout.all("Service").values():
        assert [(port["port"], port["targetPort"]) for port in service["spec"]["ports"]] == [(PORT, "http")]
    variables = {entry["name"]: entry["value"] for entry in layout.containers()["gateway"]["env"]}
    assert variables["GATEWAY_LISTEN"] == str(PORT)
    upstreams = {value for name, value in variables.items() if name.endswith("_UPSTREAM")}
    assert upstreams == {f"{name}:{PORT}" for name in SERVERS}


def test_resources_are_asked_for_and_memory_is_limited(layout: Layout) -> None:
    for container in layout.containers().values():
        resources = container["resources"]
        assert resources["requests"].keys() == {"cpu", "memory"}
        assert memory(resources["limits"]["memory"]) >= memory(resources["requests"]["memory"])


@pytest.mark.parametrize(("name", "option"), [("solver", "solve"), ("builder", "install"), ("artifacts", "install")])
def test_memory_has_room_for_all_that_is_done_at_once(layout: Layout, name: str, option: str) -> None:
    container = layout.containers()[name]
    overrides = [one for one in container["args"] if one.startswith("--CondaStoreWorker.concurrency=")]
    worker = CondaStoreWorker(config=load(name))
    at_once = int(overrides[0].partition("=")[2]) if overrides else worker.concurrency
    needed = at_once * getattr(worker, f"{option}_memory")
    assert memory(container["resources"]["limits"]["memory"]) > needed


def test_directories_of_pods_have_a_limit(layout: Layout) -> None:
    for pod in layout.pods().values():
        passing = [volume["emptyDir"] for volume in pod["spec"]["volumes"] if "emptyDir" in volume]
        assert passing
        assert all(directory["sizeLimit"] for directory in passing)


def test_everything_that_is_mounted_or_referred_to_is_there(layout: Layout) -> None:
    claims, maps = layout.all("PersistentVolumeClaim"), layout.all("ConfigMap")
    for name, pod in layout.pods().items():
        volumes = {volume["name"]: volume for volume in pod["spec"]["volumes"]}
        container = layout.containers()[name]
        assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)
        assert len({mount["mountPath"] for mount in container["volumeMounts"]}) == len(volumes)
        assert {volume["configMap"]["name"] for volume in volumes.values() if "configMap" in volume} <= set(maps)
        assert {source["configMapRef"]["name"] for source in container.get("envFrom", ())} <= set(maps)
        used = {_claim(volume) for volume in volumes.values()} - {None}
        assert used <= set(claims)


def test_pods_are_replaced_without_a_gap_and_have_time_to_hand_over(layout: Layout) -> None:
    for name, deployment in layout.all("Deployment").items():
        spec = deployment["spec"]
        pod = spec["template"]["spec"]
        before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod["terminationGracePeriodSeconds"] >= before + 30
        assert pod["topologySpreadConstraints"]
        if spec["strategy"]["type"] == "RollingUpdate":
            assert spec["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
        else:
            assert name == "builder"


def test_several_builders_share_a_volume_that_artifacts_reads(shared_volume: Layout) -> None:
    [claim] = shared_volume.all("PersistentVolumeClaim").values()
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert mounts_of_state(shared_volume) == {"builder": False, "artifacts": True}


def test_the_only_builder_has_a_volume_to_itself(one_builder: Layout) -> None:
    [claim] = one_builder.all("PersistentVolumeClaim").values()
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    assert mounts_of_state(one_builder) == {"builder": False}
    builder = one_builder.all("Deployment")["builder"]["spec"]
    # A second one at the same time could not mount it.
    assert (builder["replicas"], builder["strategy"]) == (1, {"type": "Recreate"})
    assert not one_builder.all("ScaledObject")


def test_migration_reads_the_address_of_each_login(layout: Layout) -> None:
    [volume] = [volume for volume in layout.pods()["migrate"]["spec"]["volumes"] if volume["name"] == "secrets"]
    sources = [source["secret"] for source in volume["projected"]["sources"]]
    assert {source["name"] for source in sources} == {
        "conda-store-migrate", "conda-store-api", "conda-store-auth", "conda-store-artifacts"
    }  # fmt: skip


def test_ingress_leads_to_the_gateway_and_lets_pass_what_it_lets_pass(layout: Layout) -> None:
    [ingress] = layout.all("Ingress").values()
    addresses = layout.data("addresses")
    [rule], [tls] = ingress["spec"]["rules"], ingress["spec"]["tls"]
    assert [rule["host"]] == tls["hosts"] == [addresses["PUBLIC_HOST"]]
    [path] = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": "gateway", "port": {"name": "http"}}
    gateway = (ROOT / "deploy" / "gateway" / "nginx.conf").read_text()
    said = {name.rpartition("/")[2]: value for name, value in ingress["metadata"]["annotations"].items()}
    assert said["proxy-body-size"] == re.findall(r"client_max_body_size (\w+);", gateway)[0]
    longest = max(int(seconds) for seconds in re.findall(r"proxy_read_timeout (\d+)s", gateway))
    assert int(said["proxy-read-timeout"]) == longest
    assert (said["proxy-buffering"], said["proxy-request-buffering"]) == ("off", "off")


def mounts_of_state(layout: Layout) -> Mapping[str, bool]:
    """Whether each pod that mounts the volume of prefixes only reads it."""
    return {
        name: bool(mount.get("readOnly"))
        for name, container in layout.containers().items()
        for mount in container["volumeMounts"]
        if mount["name"] == "state"
    }


def _claim(volume: Mapping[str, Any]) -> str | None:
    name: str | None = volume.get("persistentVolumeClaim", {}).get("claimName")
    return name
