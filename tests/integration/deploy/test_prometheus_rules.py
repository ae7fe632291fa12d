"""What is deployed for Prometheus: the configuration, the alerts, and what is told of them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from conda_store_shared.testing.servers.prometheus import DIRECTORY, promtool

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to" / "alerts.md"


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DIRECTORY / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")],
    ids=" ".join,
)
def test_promtool_finds_no_fault(arguments: tuple[str, ...]) -> None:
    assert "FAILED" not in promtool(*arguments)


def test_promtool_finds_no_fault_in_the_configuration_for_clusters(tmp_path: Path) -> None:
    configuration = yaml.safe_load((DIRECTORY / "prometheus-kubernetes.yml").read_text())
    [suite] = configuration["scrape_configs"]
    # Debian's Prometheus is made without what finds pods.
    assert suite.pop("kubernetes_sd_configs")[0]["role"] == "pod"
    configuration["rule_files"] = [str(DIRECTORY / name) for name in configuration["rule_files"]]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    promtool("check", "config", str(tmp_path / "prometheus.yml"))


def test_every_alert_is_tried_with_what_raises_it_and_with_what_does_not() -> None:
    tried = [each["name"] for each in yaml.safe_load((DIRECTORY / "alerts_test.yml").read_text())["tests"]]
    wanted = [f"{alert['alert']} is {state}raised" for alert in alerts() for state in ("", "not ")]
    assert sorted(tried) == sorted(wanted)


def test_every_alert_is_explained_and_nothing_else() -> None:
    explained = re.findall(r"^## (CondaStore\w+)$", HOW_TO.read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(alert["alert"] for alert in alerts())
    for alert in alerts():
        assert alert["annotations"]["runbook"].endswith(f" docs/how-to/alerts.md#{alert['alert'].lower()}")
        assert alert["labels"]["severity"] in ("critical", "warning")
