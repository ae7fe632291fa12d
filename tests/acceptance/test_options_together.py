"""Options do what they say: one configuration file that sets most of them, in both modes (contract §5)."""

import re
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest

from conda_store_shared.testing.demo_channel.server import ChannelServer
from conda_store_shared.testing.servers.conda_store import Backing
from conda_store_shared.testing.servers.process import wait_until
from tests.acceptance.options_at_work import (
    BANNER,
    HUB,
    OWNER,
    PLATFORMS,
    PREFIX,
    REGION,
    Optioned,
    distributed,
    options,
    standalone,
)
from tests.acceptance.user import User


@pytest.fixture(scope="module", params=["standalone", "distributed"])
def optioned(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, demo_channel_server: ChannelServer
) -> Iterator[Optioned]:
    """The suite with these options, in each mode."""
    directory, chosen = tmp_path_factory.mktemp("options"), options(demo_channel_server.url)
    running: AbstractContextManager[Optioned]
    if request.param == "standalone":
        running = standalone(directory, chosen)
    else:
        make_backing: Callable[[], Backing] = request.getfixturevalue("make_backing")
        running = distributed(directory, chosen, make_backing())
    with running as suite:
        yield suite


@pytest.fixture(scope="module")
def user(optioned: Optioned, demo_channel_server: ChannelServer) -> Iterator[User]:
    """Somebody who is logged in."""
    with User(optioned.suite, demo_channel_server.url, PREFIX) as somebody:
        yield somebody


def post(user: User, specification: str, **body: str) -> httpx.Response:
    return user.client.post("/api/v1/specification/", json={"specification": specification, **body})


@pytest.fixture(scope="module")
def built(user: User) -> dict[str, Any]:
    """A build of a specification that says nothing but its name."""
    answer = post(user, "name: made")
    assert answer.status_code == httpx.codes.OK, answer.text
    found = user.wait(answer.json()["data"]["build_id"])
    assert found["status"] == "COMPLETED", found
    return found


@pytest.fixture(scope="module")
def artifacts(user: User, built: dict[str, Any]) -> dict[str, str]:
    """The keys of what that build left, by type."""
    return user.wait_for_artifacts(built["id"], "DIRECTORY", "LOCKFILE", "LOGS", "YAML")


def test_build_is_where_and_called_what_the_options_say(
    optioned: Optioned, user: User, built: dict[str, Any], artifacts: dict[str, str]
) -> None:
    store, prefix = optioned.suite.store_directory, Path(artifacts["DIRECTORY"])
    assert prefix.parent == store / "built" / "alice" / "made"
    assert re.fullmatch(rf"[0-9a-f]{{64}}-\d{{8}}-\d{{6}}-\d{{6}}-{built['id']}-made", prefix.name)
    link = store.with_name(f"{store.name}-links") / "alice-made"
    assert wait_until(lambda: link.is_symlink() and link.readlink() == prefix, 30)


def test_default_namespace_is_there_and_that_of_whoever_is_not_logged_in(optioned: Optioned, user: User) -> None:
    assert user.client.get("/api/v1/namespace/people/").status_code == httpx.codes.OK
    nobody = httpx.get(f"{optioned.suite.url}{PREFIX}/api/v1/permission/").json()["data"]
    assert nobody["primary_namespace"] == "people"


def test_every_file_of_a_build_has_the_owner_and_mode_of_the_options(artifacts: dict[str, str]) -> None:
    prefix = Path(artifacts["DIRECTORY"])
    paths = [prefix, *prefix.rglob("*")]
    assert len(paths) > 5
    assert {(path.lstat().st_uid, path.lstat().st_gid) for path in paths} == {OWNER}
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in paths if not path.is_symlink()}
    assert modes <= {(True, 0o750), (False, 0o640), (False, 0o750)}


def test_specification_gets_channels_and_packages_of_the_options(
    user: User, built: dict[str, Any], artifacts: dict[str, str]
) -> None:
    alias, _, short = user.channel.rpartition("/")
    spec = built["specification"]["spec"]
    assert spec["channels"] == [short]
    assert spec["dependencies"] == ["demo-versions ==1.0", "demo-text"]
    lockfile = user.client.get(f"/api/v1/build/{built['id']}/lockfile/").json()
    assert lockfile["metadata"]["platforms"] == PLATFORMS
    assert {package["url"].rpartition("/")[0] for package in lockfile["package"]} == {f"{alias}/{short}/noarch"}
    assert set(artifacts) == {"DIRECTORY", "LOCKFILE", "LOGS", "YAML"}


@pytest.mark.parametrize(
    ("specification", "told"),
    [
        ("{name: made, dependencies: [python]}", "Conda packages {'demo-versions'} required and missing"),
        ("{name: made, channels: [elsewhere]}", "/elsewhere'} not allowed in specification"),
    ],
)
def test_specification_is_refused_as_the_options_say(user: User, specification: str, told: str) -> None:
    answer = post(user, specification)
    assert (answer.status_code, told in answer.json()["message"]) == (400, True), answer.text


def test_downloads_lead_to_the_address_that_users_have_of_objects(
    optioned: Optioned, user: User, built: dict[str, Any], artifacts: dict[str, str]
) -> None:
    answer = user.client.get(f"/api/v1/build/{built['id']}/yaml/", follow_redirects=False)
    address = answer.headers["Location"]
    assert address.startswith(f"{optioned.objects}{artifacts['YAML']}")
    assert ("X-Amz-Signature" in address) == (f"%2F{REGION}%2F" in address)
    assert httpx.get(address).text.startswith("name: made")


def test_packages_of_the_platforms_of_the_options_are_found(user: User) -> None:
    def found(name: str) -> int:
        count: int = user.client.get("/api/v1/package/", params={"search": name, "exact": 1}).json()["count"]
        return count

    # For osx-64 alone, neither for noarch nor for linux-64.
    assert wait_until(lambda: found("demo-platform") == 1, 60)
    assert found("demo-needs-old") == found("python") == 0


def test_deleted_build_keeps_what_the_options_say(optioned: Optioned, user: User) -> None:
    build_id = post(user, "name: deleted").json()["data"]["build_id"]
    user.wait(build_id)
    keys = user.wait_for_artifacts(build_id, "DIRECTORY", "LOCKFILE", "LOGS", "YAML")
    user.client.delete(f"/api/v1/build/{build_id}/").raise_for_status()

    def remains() -> list[str]:
        return [key for key in optioned.suite.object_keys() if Path(keys["DIRECTORY"]).name in key]

    assert wait_until(lambda: remains() == [keys["YAML"]], 60), remains()


def test_everything_is_below_the_prefix_but_what_has_its_own_place(optioned: Optioned, user: User) -> None:
    url = optioned.suite.url
    expected = {"/api/v1/": 404, "/store/api/v1/": 200, "/store/metrics": 200, "/v2/": 401, "/store/v2/": 404}
    assert {path: httpx.get(f"{url}{path}").status_code for path in expected} == expected
    assert httpx.get(f"{url}/hello").json() == {"at": "/hello"}


def test_pages_are_as_long_as_the_options_say(user: User) -> None:
    for name in ("one", "two"):
        user.client.post(f"/api/v1/namespace/{name}/")
    page = user.client.get("/api/v1/namespace/", params={"size": 50}).json()
    assert (page["size"], len(page["data"]), page["count"] >= 3) == (2, 2, True)


def test_login_page_and_cookie_are_as_the_options_say(user: User) -> None:
    page = user.client.get("/login/")
    assert "<form id='own' action=\"/store/login/\">" in page.text
    assert BANNER in page.text
    assert "own-cookie" in user.client.cookies
    assert user.client.get("/api/v1/permission/").json()["data"]["authenticated"]


def test_pages_of_the_origins_of_the_options_may_read(user: User) -> None:
    def allowed(origin: str) -> str | None:
        headers = user.client.get("/api/v1/", headers={"Origin": origin}).headers
        return str(headers["Access-Control-Allow-Origin"]) if "Access-Control-Allow-Origin" in headers else None

    assert (allowed(HUB), allowed("https://elsewhere.example")) == (HUB, None)


def test_proxy_tells_under_which_address_the_browser_knows_the_suite(optioned: Optioned) -> None:
    told = {"X-Forwarded-Host": "store.example", "X-Forwarded-Proto": "https"}
    answer = httpx.post(f"{optioned.suite.url}{PREFIX}/logout/", headers=told)
    assert answer.headers["Location"] == "https://store.example/"


def test_logs_begin_at_the_level_of_the_options(optioned: Optioned) -> None:
    logs = {name: '"event": "started"' in optioned.log(name) for name in optioned.suite.processes}
    workers = {"solver", "builder", "artifacts"}
    assert logs == {name: name in workers for name in optioned.suite.processes}
