"""A real Prometheus watches the running suite by what is deployed for it, and shows what happened."""

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import DistributedSuite, Suite
from conda_store_shared.testing.servers.prometheus import DIRECTORY, Prometheus, names_in
from tests.acceptance.user import User

DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana" / "conda-store.json"
HISTOGRAM = "conda_store_message_wait_seconds"


@pytest.fixture(scope="module")
def prometheus(distributed_suite: DistributedSuite) -> Iterator[Prometheus]:
    """It asks each of the five processes."""
    ports = {name: process.port for name, process in distributed_suite.processes.items()}
    with Prometheus(ports) as server:
        server.await_value("sum(up)", len(ports))
        yield server


def metrics_of(url: str) -> str:
    """What one process tells."""
    answer = httpx.get(f"{url}/metrics", timeout=10)
    answer.raise_for_status()
    return answer.text


def expressions() -> list[str]:
    """Every expression of the alerts and of the dashboard, as Prometheus takes it."""
    groups = yaml.safe_load((DIRECTORY / "alerts.yml").read_text())["groups"]
    panels = json.loads(DASHBOARD.read_text())["panels"]
    found = [rule["expr"] for group in groups for rule in group["rules"]]
    found += [target["expr"] for panel in panels for target in panel.get("targets", ())]
    return [each.replace("$__rate_interval", "1m") for each in found]


@pytest.mark.timeout(120)
def test_administrator_sees_a_build_go_through_every_service(
    prometheus: Prometheus, distributed_suite: DistributedSuite, demo_channel_server: ChannelServer
) -> None:
    completed = 'sum(conda_store_events_total{type="build.completed"})'
    failed = 'sum(conda_store_events_total{type="build.failed",cause="unsatisfiable"})'
    before = prometheus.value(completed) or 0, prometheus.value(failed) or 0
    name = f"watched-{uuid.uuid4().hex[:8]}"
    with User(distributed_suite, demo_channel_server.url) as user:
        build_id, impossible = user.submit(name, ["demo-text"]), user.submit(name, ["demo-versions ==99"])
        assert user.wait(build_id)["status"] == "COMPLETED"
        user.wait_for_artifacts(build_id, "CONDA_PACK", "LOGS")
        assert user.wait(impossible)["status"] == "FAILED"
        assert user.client.get(f"/api/v1/build/{build_id}/archive/").status_code == httpx.codes.OK
    assert prometheus.await_value(completed, before[0] + 1) >= before[0] + 1
    prometheus.await_value(failed, before[1] + 1)
    for stage, service in (("solve", "solver"), ("prefix", "builder"), ("artifact.CONDA_PACK", "artifacts")):
        labels = f'stage="{stage}",outcome="done",job="conda-store-{service}"'
        prometheus.await_value(f"conda_store_stage_attempts_total{{{labels}}}", 1)
        assert (prometheus.value(f'conda_store_stage_seconds_sum{{stage="{stage}"}}') or 0) > 0
        assert prometheus.value(f'conda_store_children{{job="conda-store-{service}",state="spare"}}') is not None
    for message, service in (("solve.requested", "solver"), ("prefix.built", "api"), ("link.requested", "builder")):
        labels = f'message="{message}",job="conda-store-{service}"'
        prometheus.await_value(f"{HISTOGRAM}_count{{{labels}}}", 1)
        prometheus.await_value(f'conda_store_messages_consumed_total{{{labels},outcome="handled"}}', 1)
    for expression in (
        'sum(conda_store_cache_lookups_total{cache="packages"})',
        'sum(conda_store_cache_lookups_total{cache="fragments"})',
        'sum(conda_store_object_stored_bytes_total{job="conda-store-artifacts"})',
        'conda_store_http_response_bytes_total{route="/api/v1/build/{build_id:int}/",job="conda-store-api"}',
        'conda_store_http_request_seconds_count{route="/api/v1/specification/",method="POST",status="2xx"}',
        'conda_store_store_directory_bytes{state="free"}',
        'conda_store_queue_consumers{queue="builder.prefix.requested"}',
    ):
        prometheus.await_value(expression, 1)
    for process in distributed_suite.processes.values():
        assert name not in metrics_of(process.url)
    assert prometheus.query("conda_store_part_up == 0") == []


def test_every_figure_in_alerts_and_dashboard_is_one_that_services_tell(prometheus: Prometheus) -> None:
    wanted = {name for expression in expressions() for name in names_in(expression)}
    prometheus.await_value("count(conda_store_service_info)", 1)
    assert len(wanted) > 40
    assert wanted - prometheus.names() == set()


def test_every_expression_can_be_evaluated(prometheus: Prometheus) -> None:
    for expression in expressions():
        prometheus.query(expression)
    assert prometheus.rules()
    assert [rule["name"] for rule in prometheus.rules() if rule["health"] == "err"] == []


def test_every_figure_of_ours_is_told_of_in_the_how_to(prometheus: Prometheus) -> None:
    told = (DASHBOARD.parents[2] / "docs" / "how-to" / "watch.md").read_text()
    # `_limit` after `conda_store_disk_free` stands for a name that differs in its last word.
    ends = set(re.findall(r"`_(\w+)", told))
    ours = {name for name in prometheus.names() if name.startswith("conda_store_")}
    assert {name for name in ours if name not in told and name.rpartition("_")[2] not in ends} == set()


def test_gateway_shows_the_figures_of_api_alone(distributed_suite: DistributedSuite) -> None:
    seen = metrics_of(distributed_suite.url)
    services = re.findall(r'conda_store_service_info\{service="(\w+)"', seen)
    assert services == ["api"]


def test_one_page_shows_everything_when_one_process_does_it_all(standalone_suite: Suite) -> None:
    families = [family.name for family in text_string_to_metric_families(metrics_of(standalone_suite.url))]
    assert len(families) == len(set(families))
    for name in ("build_queued", "children", "stage_attempts", "messages_consumed", "object_requests", "part_up"):
        assert f"conda_store_{name}" in families
