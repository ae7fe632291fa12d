"""Options that would disturb the others, and commands that refuse to start with some (contract §5)."""

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from conda_store_shared.config.conda_store import current_platform
from conda_store_shared.domain.permission import PERMISSIONS_OF_ROLE, Role
from conda_store_shared.testing.servers.conda_store import QUICK, StandaloneSuite
from conda_store_shared.testing.servers.process import find_script, wait_until

ALL = sorted(permission.value for permission in PERMISSIONS_OF_ROLE[Role.ADMIN])
SETTINGS = {
    "CondaStore.build_key_version": 3,
    "CondaStore.pypi_default_packages": ["demanded ==1"],
    "CondaStore.pypi_included_packages": ["included"],
    "CondaStore.pypi_required_packages": ["demanded"],
    "CondaStore.conda_flags": "--no-channel-priority --yes",
    "CondaStoreServer.enable_metrics": False,
    "CondaStoreServer.enable_registry": False,
    "CondaStoreServer.enable_ui": False,
    "CondaStoreServer.log_level": 10,
    "DummyAuthentication.password": "tulip",
    "CondaStoreServer.cors_allow_origin_regex": r"https://[a-z]+\.hub\.example",
    "Authentication.cookie_domain": "127.0.0.1",
    "AuthenticationBackend.jwt_algorithm": "HS384",
    "AuthenticationBackend.predefined_tokens": {"robot-token": {"primary_namespace": "robots"}},
    "RBACAuthorizationBackend.unauthenticated_role_bindings": {"open/*": ["viewer"]},
    "RBACAuthorizationBackend.authenticated_role_bindings": {"shared/*": ["editor"]},
    "RBACAuthorizationBackend.role_mappings": {
        "viewer": ["namespace::read"],
        "editor": ["build::cancel"],
        "admin": ALL,
    },
}


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandaloneSuite]:
    """The suite with these options, and a login page of somebody's own."""
    directory = tmp_path_factory.mktemp("apart")
    templates = directory / "templates"
    templates.mkdir()
    (templates / "login.html").write_text("<p>Welcome to {{ place }}</p>")
    pages = {"CondaStoreServer.templates": str(templates), "CondaStoreServer.template_vars": {"place": "Oz"}}
    with StandaloneSuite(directory, {**QUICK, **SETTINGS, **pages}) as suite:
        yield suite


@pytest.fixture(scope="module")
def client(apart: StandaloneSuite) -> Iterator[httpx.Client]:
    """Somebody who is logged in."""
    with httpx.Client(base_url=apart.url, timeout=30) as somebody:
        answer = somebody.post("/login/", json={"username": "alice", "password": "tulip"})
        assert "domain=127.0.0.1" in answer.headers["Set-Cookie"].lower()
        somebody.headers["Authorization"] = f"Bearer {answer.cookies.get('conda-store-auth')}"
        yield somebody


def submit(client: httpx.Client, specification: str, **body: Any) -> httpx.Response:
    return client.post("/api/v1/specification/", json={"specification": specification, "namespace": "team", **body})


def build(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == httpx.codes.OK, answer.text
    found: dict[str, Any] = client.get(f"/api/v1/build/{answer.json()['data']['build_id']}/").json()["data"]
    return found


def test_prefix_is_called_by_a_hash_and_has_no_link_when_the_key_version_is_3(
    apart: StandaloneSuite, client: httpx.Client
) -> None:
    lockfile = {"version": 1, "metadata": {"platforms": [current_platform()], "channels": []}, "package": []}
    answer = submit(client, json.dumps(lockfile), is_lockfile=True, environment_name="hashed")
    assert wait_until(lambda: build(client, answer)["status"] == "COMPLETED", 60), build(client, answer)
    rows = build(client, answer)["build_artifacts"]
    [prefix] = [Path(row["key"]) for row in rows if row["artifact_type"] == "DIRECTORY"]
    assert prefix.parent == apart.store_directory
    assert re.fullmatch("[0-9a-f]{32}", prefix.name)
    assert prefix.is_dir()
    assert not list(apart.store_directory.rglob("hashed"))


def test_pip_section_gets_what_the_options_say_and_is_refused_without_what_they_demand(client: httpx.Client) -> None:
    def stored(dependencies: str) -> Any:
        row = build(client, submit(client, f"{{name: piped, channels: [main], dependencies: {dependencies}}}"))
        return row["specification"]["spec"]["dependencies"]

    assert stored("[]") == [{"pip": ["demanded ==1", "included"]}]
    assert stored("[python, {pip: [demanded]}]") == ["python", {"pip": ["demanded", "included"]}]
    refused = submit(client, "{name: piped, dependencies: [python, {pip: [other]}]}")
    assert refused.status_code == httpx.codes.BAD_REQUEST
    assert refused.json()["message"] == "PyPi packages {'demanded'} required and missing from specification"


def test_nothing_is_served_that_the_options_leave_out(client: httpx.Client) -> None:
    paths = ("/metrics", "/celery", "/v2/", "/", "/api/v1/", "/login/")
    assert [client.get(path).status_code for path in paths] == [404, 404, 404, 404, 200, 200]


def test_login_page_is_the_one_of_the_options_and_so_is_the_password(client: httpx.Client) -> None:
    assert client.get("/login/").text == "<p>Welcome to Oz</p>"
    usual = client.post("/login/", json={"username": "alice", "password": "password"})
    assert usual.status_code == httpx.codes.FORBIDDEN


def test_callers_hold_the_roles_of_the_options(apart: StandaloneSuite, client: httpx.Client) -> None:
    def told(client: httpx.Client, **headers: str) -> dict[str, Any]:
        answer: dict[str, Any] = client.get("/api/v1/permission/", headers=headers).json()["data"]
        return answer

    with httpx.Client(base_url=apart.url) as stranger:
        nobody, robot = told(stranger), told(stranger, Authorization="Bearer robot-token")
    assert (nobody["entity_permissions"], nobody["authenticated"]) == ({"open/*": ["namespace::read"]}, False)
    assert (robot["primary_namespace"], robot["entity_roles"]) == ("robots", {"shared/*": ["developer"]})
    assert robot["entity_permissions"] == {"shared/*": ["build::cancel"]}
    assert told(client)["entity_roles"]["shared/*"] == ["developer"]
    header = client.headers["Authorization"].removeprefix("Bearer ").partition(".")[0]
    assert json.loads(base64.urlsafe_b64decode(header + "=="))["alg"] == "HS384"


def test_pages_of_origins_like_those_of_the_options_may_read(client: httpx.Client) -> None:
    origins = ("https://lab.hub.example", "https://lab.hub.example.evil.example")
    headers = [client.get("/api/v1/", headers={"Origin": origin}).headers for origin in origins]
    assert [each.get("Access-Control-Allow-Origin") for each in headers] == [origins[0], None]


def test_log_tells_of_what_is_ignored_and_has_everything_from_its_level_on(apart: StandaloneSuite) -> None:
    log = apart.processes["standalone"].log.read_text()
    events = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    [ignored] = [event for event in events if event["event"] == "conda_flags_ignored"]
    assert ignored["flags"] == ["--yes"]
    assert {event["level"] for event in events} >= {"debug", "info", "warning"}


def refusal(directory: Path, *lines: str) -> str:
    """What the server says that does not start with these lines in its configuration file."""
    usual = {
        "CondaStore.database_url": f"sqlite:///{directory / 'conda-store.sqlite'}",
        "CondaStore.store_directory": str(directory / "state"),
        "LocalStorage.storage_path": str(directory / "storage"),
    }
    file = directory / "conda_store_config.py"
    file.write_text("\n".join([*(f"c.{name} = {value!r}" for name, value in usual.items()), *lines]))
    program = str(find_script("conda-store-server", "the workspace by `make setup`"))
    command = [program, "--standalone", "--config", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False), ended.stderr
    return ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["c.CondaStore.upgrade_db = False"], r"the schema of the database is missing, needed is .*upgrade_db=True"),
        (
            [
                "from conda_store_server.storage import Storage",
                "class OwnStorage(Storage): ...",
                "c.CondaStore.storage_class = OwnStorage",
            ],
            r"CondaStore\.storage_class=OwnStorage keeps objects in a way of its own",
        ),
        (
            ['c.CondaStoreServer.additional_routes = [("/api/v1/", "get", print)]'],
            r"CondaStoreServer\.additional_routes: /api/v1/: conda-store has routes of its own there",
        ),
        (
            ["c.CondaStoreServer.behind_proxy = True", 'c.CondaStoreServer.trusted_proxies = ["gateway"]'],
            r"CondaStoreServer\.trusted_proxies: 'gateway' .*write addresses, networks such as 10\.0\.0\.0/8, or \*",
        ),
    ],
)
def test_server_refuses_in_one_line_what_cannot_be(tmp_path: Path, lines: list[str], told: str) -> None:
    assert re.match(f"ERROR: {told}", refusal(tmp_path, *lines))
