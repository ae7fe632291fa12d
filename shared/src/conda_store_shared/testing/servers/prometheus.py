"""Prometheus as `deploy/prometheus` sets it up, on services at loopback ports."""

import http.client
import json
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from conda_store_shared.testing.servers.process import ServerProcess, find_program, free_port

PACKAGE = "prometheus"
DIRECTORY = Path(__file__).parents[5] / "deploy" / "prometheus"


def promtool(*arguments: str) -> str:
    """Run promtool in the directory of the rules; return what it printed; raises AssertionError for a fault."""
    program = find_program("promtool", PACKAGE)
    done = subprocess.run(
        [program, *arguments], cwd=DIRECTORY, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Prometheus(ServerProcess):
    """The real one; it asks every second, and keeps the rest of the configuration that is deployed.

    ``ports`` are those of services by the names under which the configuration knows them.
    """

    name = "prometheus"
    start_timeout = 30.0

    def __init__(self, ports: Mapping[str, int]) -> None:
        self.program = find_program("prometheus", PACKAGE)
        super().__init__()
        self.port = free_port()
        self._ports = ports

    def prepare(self) -> None:
        configuration = yaml.safe_load((DIRECTORY / "prometheus.yml").read_text())
        configuration["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
        [suite] = configuration["scrape_configs"]
        [found] = suite.pop("dns_sd_configs")
        # As if each name had been looked up.
        suite["static_configs"] = [
            {"targets": [f"127.0.0.1:{self._ports[name]}"], "labels": {"__meta_dns_name": name}}
            for name in found["names"]
        ]
        configuration["rule_files"] = [str(DIRECTORY / name) for name in configuration["rule_files"]]
        (self.directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))

    def command(self) -> Sequence[str | Path]:
        return [
            self.program,
            f"--config.file={self.directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]

    def is_ready(self) -> bool:
        try:
            return self._ask("/-/ready")[0] == http.client.OK
        except OSError:
            return False

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and values of an expression now."""
        found = self._read(f"/api/v1/query?{urlencode({'query': expression})}")
        return [(each["metric"], float(each["value"][1])) for each in found["result"]]

    def value(self, expression: str) -> float | None:
        """The only value of an expression, None when it has none."""
        return next((value for _, value in self.query(expression)), None)

    def await_value(self, expression: str, minimum: float, timeout: float = 30) -> float:
        """Wait until the expression has a value of at least ``minimum``; return it."""
        deadline = time.monotonic() + timeout
        while (value := self.value(expression)) is None or value < minimum:
            assert time.monotonic() < deadline, f"{expression} is {value}, not {minimum} or more"
            time.sleep(0.1)
        return value

    def names(self) -> set[str]:
        """Every name that the services tell of, whether it has a value or not."""
        return set(self._read("/api/v1/metadata"))

    def rules(self) -> list[dict[str, Any]]:
        """The alerting rules and their health."""
        groups = self._read("/api/v1/rules?type=alert")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def _read(self, path: str) -> Any:
        status, content = self._ask(path)
        assert status == http.client.OK, content
        return json.loads(content)["data"]

    def _ask(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            with connection.getresponse() as answer:
                return answer.status, answer.read()
        finally:
            connection.close()


def names_in(expression: str) -> set[str]:
    """The names of figures in an expression, as `Prometheus.names` tells them."""
    found = re.findall(r"\b(?:conda_store|process)_\w+|\bup\b", re.sub(r'"[^"]*"', "", expression))
    return {re.sub(r"_(bucket|count|sum)$", "", name) if "seconds_" in name else name for name in found} - {"up"}
