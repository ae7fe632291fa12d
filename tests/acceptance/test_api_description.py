"""The running suite keeps to its API description, whatever it is asked: schemathesis says so."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import Backing, DistributedSuite, StandaloneSuite, Suite
from tests.acceptance.foreign_tool import install_tool
from tests.acceptance.user import User

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)
# The gateway refuses TRACE in words of its own, without asking whether there is a route.
BEHIND_NO_GATEWAY = ("unsupported_method", "allow_header_conformance")
# Five services are the same code behind a gateway and with narrow rights: they are asked less.
THOROUGH = ("--phases", "examples,coverage,fuzzing", "--max-examples", "5")
BRIEF = ("--phases", "examples,fuzzing", "--max-examples", "3")
# Would end the token that all requests carry, or do not end themselves.
LEFT_OUT = r"/logout/|/api/v1/token/|/stream/"
CONFIGURATION = """
[parameters]
"path.build_id" = {build_id}
"path.namespace" = "default"
"path.environment" = "described"
"path.key" = "{key}"
"""


@pytest.fixture(params=["standalone", "distributed"])
def own_suite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Suite]:
    """A suite that nobody else needs: its settings will be anything, and much of it deleted."""
    if request.param == "standalone":
        with StandaloneSuite(tmp_path / "standalone") as alone:
            yield alone
    else:
        names = ("postgres_server", "rabbitmq_server", "postgres_url", "s3_bucket")
        backing = Backing.narrow(*(request.getfixturevalue(name) for name in names))
        with DistributedSuite(tmp_path / "distributed", backing) as five:
            yield five


@pytest.fixture
def user(own_suite: Suite, demo_channel_server: ChannelServer) -> Iterator[User]:
    """Somebody who is logged in."""
    with User(own_suite, demo_channel_server.url) as user:
        yield user


@pytest.mark.timeout(300)
def test_suite_answers_as_described_whatever_it_is_asked(user: User, tmp_path: Path) -> None:
    build_id = user.submit("described", ["demo-text"])
    keys = user.wait_for_artifacts(build_id, "LOCKFILE")
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION.format(build_id=build_id, key=keys["LOCKFILE"]))
    alone = "standalone" in user.suite.processes
    checks = CHECKS + (BEHIND_NO_GATEWAY if alone else ())
    token = user.client.post("/api/v1/token/").raise_for_status().json()["data"]["token"]
    done = subprocess.run(
        [
            install_tool("schemathesis") / "schemathesis", "run", f"{user.suite.url}/openapi.json",
            "--header", f"Authorization: Bearer {token}", "--checks", ",".join(checks),
            "--exclude-path-regex", LEFT_OUT,
            *(THOROUGH if alone else BRIEF), "--seed", "1", "--request-timeout", "30",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-8000:]
    assert httpx.get(f"{user.suite.url}/health/ready").status_code == 200
