"""Names of builds, and the builds they stand for."""

import pytest

from conda_store_client.connection import Connection
from conda_store_client.credentials import Anonymous
from conda_store_client.errors import ClientError
from conda_store_client.uri import BuildUri, EnvironmentName, find_build_id
from tests.unit.client.answering_server import AnsweringServer, data, error
from tests.unit.client.client_builds import a_build, serve_build


@pytest.mark.parametrize(
    ("text", "build_id", "environment"),
    [
        ("12", 12, None),
        ("ml/nightly", None, EnvironmentName("ml", "nightly")),
        ("ml/nightly:12", 12, EnvironmentName("ml", "nightly")),
        ("a+b/c?d=e:7", 7, EnvironmentName("a+b", "c?d=e")),
        ("1/2", None, EnvironmentName("1", "2")),
    ],
)
def test_uri_is_read_in_each_of_its_forms(text: str, build_id: int | None, environment: EnvironmentName | None) -> None:
    assert BuildUri.parse(text) == BuildUri(build_id, environment)


@pytest.mark.parametrize(
    "text", ["", "x", "a/b/c", "a/b:", "a/b:x", "a:1", "-1", "1 ", "../etc", "a/..", "١٢", "9" * 30, "a/b\n", "a b/c"]
)
def test_uri_is_refused_when_it_is_none(text: str) -> None:
    with pytest.raises(ClientError, match="unable to parse uri=") as refusal:
        BuildUri.parse(text)
    assert refusal.value.message == f"unable to parse uri={text}"


@pytest.fixture
def connection(server: AnsweringServer) -> Connection:
    server.routes["/api/v1/environment/ml/nightly/"] = data({"id": 3, "current_build_id": 14})
    serve_build(server, a_build(12))
    return Connection(server.url, Anonymous())


def test_environment_stands_for_its_current_build(connection: Connection) -> None:
    assert find_build_id(connection, "ml/nightly") == 14


def test_environment_and_build_stand_for_that_build_when_it_is_theirs(connection: Connection) -> None:
    assert find_build_id(connection, "ml/nightly:12") == 12


def test_build_is_refused_when_it_belongs_to_another_environment(
    connection: Connection, server: AnsweringServer
) -> None:
    server.routes["/api/v1/build/12/"] = data(a_build(12, environment_id=4))
    with pytest.raises(ClientError, match=r"^build 12 does not belong to environment ml/nightly$"):
        find_build_id(connection, "ml/nightly:12")


def test_environment_is_named_when_there_is_none(connection: Connection, server: AnsweringServer) -> None:
    server.routes["/api/v1/environment/ml/other/"] = error(404, "environment does not exist")
    with pytest.raises(ClientError, match=r"^Error getting environment ml/other$") as refusal:
        find_build_id(connection, "ml/other")
    assert refusal.value.detail == "environment does not exist"


def test_environment_without_build_is_told_as_such(connection: Connection, server: AnsweringServer) -> None:
    server.routes["/api/v1/environment/ml/nightly/"] = data({"id": 3, "current_build_id": None})
    with pytest.raises(ClientError, match="ml/nightly has no build yet"):
        find_build_id(connection, "ml/nightly")


def test_names_are_quoted_in_addresses(connection: Connection, server: AnsweringServer) -> None:
    with pytest.raises(ClientError):
        find_build_id(connection, "a?b/c&d")
    assert server.paths() == ["/api/v1/environment/a%3Fb/c%26d/"]
