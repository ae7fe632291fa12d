"""Requests, redirects and refusals, over real HTTP."""

import json

import pytest

from conda_store_client.connection import Connection
from conda_store_client.credentials import Anonymous, BearerToken, Password, read_credentials
from conda_store_client.errors import (
    ClientError,
    RequestRefused,
    ServerUnavailable,
    ServerUnreachable,
    UnexpectedAnswer,
)
from tests.unit.client.answering_server import Answer, AnsweringServer, Asked, data, error, redirect

pytestmark = pytest.mark.slow

TOKEN = BearerToken("a-token")


def test_connection_sends_its_token(server: AnsweringServer) -> None:
    server.routes["/api/v1/permission/"] = data({"authenticated": True})
    assert Connection(server.url, TOKEN).get_data("/api/v1/permission/") == {"authenticated": True}
    assert server.asked[0].headers["Authorization"] == "Bearer a-token"


def test_connection_keeps_the_prefix_of_its_server(server: AnsweringServer) -> None:
    server.routes["/some/prefix/api/v1/"] = data({})
    assert Connection(f"{server.url}/some/prefix/", TOKEN).get_data("/api/v1/") == {}


def test_connection_keeps_its_token_when_redirected_on_the_same_server(server: AnsweringServer) -> None:
    server.routes["/api/v1/build/1/yaml/"] = redirect("/storage/yaml/1.yml")
    server.routes["/storage/yaml/1.yml"] = Answer(200, b"name: x")
    assert Connection(server.url, TOKEN).get("/api/v1/build/1/yaml/").text == "name: x"
    assert server.asked[1].headers["Authorization"] == "Bearer a-token"


def test_connection_gives_no_secret_to_another_server(server: AnsweringServer, other_server: AnsweringServer) -> None:
    server.routes["/login/"] = Answer(200, b"{}", {"Set-Cookie": "conda-store-auth=secret; Path=/"})
    server.routes["/file"] = redirect(f"{other_server.url}/object?signature=abc")
    other_server.routes["/object"] = Answer(200, b"content")
    for credentials in (TOKEN, Password("me", "password")):
        with Connection(server.url, credentials) as connection:
            assert connection.get("/file").content == b"content"
    assert [asked.query["signature"] for asked in other_server.asked] == [["abc"], ["abc"]]
    assert not {"Authorization", "Cookie"} & {name for asked in other_server.asked for name in asked.headers}


def test_connection_posts_nothing_to_another_server(server: AnsweringServer, other_server: AnsweringServer) -> None:
    server.routes["/login/"] = redirect(f"{other_server.url}/login/")
    with pytest.raises(ClientError, match="is a redirect to") as refusal, Connection(server.url, Password("me", "pw")):
        pass
    assert "--conda-store-url" in refusal.value.detail
    assert other_server.asked == []


def test_connection_does_not_turn_a_post_into_a_get(server: AnsweringServer) -> None:
    server.routes["/api/v1/token/"] = redirect("/elsewhere", 302)
    with pytest.raises(ClientError, match="is a redirect to"):
        Connection(server.url, TOKEN).post("/api/v1/token/", {})
    assert server.paths() == ["/api/v1/token/"]


def test_connection_ends_when_redirected_in_circles(server: AnsweringServer) -> None:
    server.routes["/round"] = redirect("/round")
    with pytest.raises(UnexpectedAnswer, match="in circles"):
        Connection(server.url, TOKEN).get("/round")


def test_connection_logs_in_by_password_and_keeps_the_session(server: AnsweringServer) -> None:
    server.routes["/login/"] = Answer(200, b"{}", {"Set-Cookie": "conda-store-auth=secret; Path=/; HttpOnly"})
    server.routes["/api/v1/"] = data({})
    with Connection(server.url, Password("me", "a password")) as connection:
        connection.get_data("/api/v1/")
    login, request = server.asked
    assert json.loads(login.body) == {"username": "me", "password": "a password"}
    assert request.headers["Cookie"] == "conda-store-auth=secret"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (error(403, "Invalid authentication credentials"), "cannot log in as me"),
        (error(405, "Method Not Allowed"), "this server has no login by password"),
        (Answer(200, b"{}"), "gave no session"),
    ],
)
def test_connection_says_why_it_cannot_log_in(server: AnsweringServer, answer: Answer, message: str) -> None:
    server.routes["/login/"] = answer
    with pytest.raises(ClientError, match=message), Connection(server.url, Password("me", "password")):
        pass


def test_connection_reads_every_page_and_each_row_once(server: AnsweringServer) -> None:
    pages = {"1": [{"id": 1}, {"id": 2}], "2": [{"id": 2}, {"id": 3}]}
    server.routes["/api/v1/build/"] = lambda asked: data(pages.get(asked.query["page"][0], []))
    rows = Connection(server.url, TOKEN).get_pages("/api/v1/build/", {"status": "FAILED", "packages": ["a", "b"]})
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert all(asked.query["status"] == ["FAILED"] and asked.query["packages"] == ["a", "b"] for asked in server.asked)


def test_connection_reads_rows_that_texts_name(server: AnsweringServer) -> None:
    pages = {"1": [{"id": "a"}, {"id": "b"}], "2": [{"id": "b"}, {"id": "c"}]}
    server.routes["/api/v1/token/"] = lambda asked: data(pages.get(asked.query["page"][0], []))
    rows = Connection(server.url, TOKEN).get_pages("/api/v1/token/", {})
    assert [row["id"] for row in rows] == ["a", "b", "c"]


def test_connection_tells_what_a_server_will_not_delete(server: AnsweringServer) -> None:
    server.routes["/api/v1/token/a/"] = Answer(200, b'{"status": "ok", "message": null}')
    server.routes["/api/v1/token/b/"] = error(404, "token does not exist")
    connection = Connection(server.url, TOKEN)
    connection.delete("/api/v1/token/a/")
    with pytest.raises(RequestRefused, match="token does not exist"):
        connection.delete("/api/v1/token/b/")
    assert [asked.method for asked in server.asked] == ["DELETE", "DELETE"]


def test_connection_stops_when_a_server_gives_the_same_page_again(server: AnsweringServer) -> None:
    server.routes["/api/v1/build/"] = data([{"id": 1}])
    assert list(Connection(server.url, TOKEN).get_pages("/api/v1/build/", {})) == [{"id": 1}]
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("credentials", "hint"),
    [(Anonymous(), "You are not logged in"), (TOKEN, "may have expired"), (Password("a", "b"), "info")],
)
def test_connection_tells_those_who_may_not_what_to_do(
    server: AnsweringServer, credentials: Anonymous | BearerToken | Password, hint: str
) -> None:
    server.routes["/api/v1/build/1/"] = error(403, "request not authorized")
    with pytest.raises(RequestRefused, match="request not authorized") as refusal:
        Connection(server.url, credentials).get_data("/api/v1/build/1/")
    assert hint in refusal.value.detail


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (error(400, "Unable to parse. Invalid YAML"), RequestRefused, "Unable to parse. Invalid YAML"),
        (error(503, "storage"), ServerUnavailable, "status 503"),
        (Answer(502, b"<html>"), ServerUnavailable, "status 502"),
        (Answer(500, b"Internal Server Error"), RequestRefused, "the server answered 500"),
        (Answer(404, b'{"detail":"Not Found"}'), RequestRefused, "there is nothing at"),
        (
            Answer(422, b'{"detail":[{"loc":["query","page"],"msg":"too small"}]}'),
            RequestRefused,
            "query.page: too small",
        ),
        (Answer(200, b"<html>hello</html>"), UnexpectedAnswer, "does not answer like a conda-store server"),
        (Answer(200, b"[]"), UnexpectedAnswer, "does not answer like a conda-store server"),
        (Answer(200, b"0123456789", sent=5), ServerUnreachable, "cannot reach"),
    ],
)
def test_connection_tells_each_kind_of_failure(
    server: AnsweringServer, answer: Answer, kind: type[ClientError], message: str
) -> None:
    server.routes["/api/v1/"] = answer
    with pytest.raises(kind, match=message):
        Connection(server.url, TOKEN).get_data("/api/v1/")


def test_connection_does_not_tell_the_signature_of_an_address(server: AnsweringServer) -> None:
    server.routes["/file"] = redirect("/object?signature=secret")
    with pytest.raises(RequestRefused, match="there is nothing at") as refusal:
        Connection(server.url, TOKEN).get("/file")
    assert "secret" not in refusal.value.message + refusal.value.detail


def test_connection_says_that_nothing_answers() -> None:
    with AnsweringServer() as gone:
        url = gone.url
    with pytest.raises(ServerUnreachable, match=f"cannot reach {url}") as failure:
        Connection(url, TOKEN).get_data("/api/v1/")
    assert "CONDA_STORE_URL" in failure.value.detail


def test_connection_says_what_a_certificate_lacks(server: AnsweringServer) -> None:
    with pytest.raises(ServerUnreachable, match="cannot reach"):
        Connection(server.url.replace("http", "https"), TOKEN).get_data("/api/v1/")


def test_connection_does_not_show_a_password_in_its_address(server: AnsweringServer) -> None:
    server.routes["/prefix/api/v1/"] = error(500, "")
    connection = Connection(server.url.replace("http://", "http://me:secret@") + "/prefix/", Anonymous())
    with pytest.raises(RequestRefused, match="the server answered 500") as refusal:
        connection.get("/api/v1/")
    assert connection.url == f"{server.url}/prefix"
    assert "secret" not in refusal.value.message
    assert server.asked[0].headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".example", "["])
def test_connection_cannot_reach_what_is_no_host(host: str) -> None:
    with pytest.raises(ServerUnreachable, match="cannot reach"):
        Connection(f"http://{host}", TOKEN).get_data("/api/v1/")


@pytest.mark.parametrize("url", ["localhost:8080", "ftp://host", "", "http://", "host/path"])
def test_connection_refuses_what_is_no_address(url: str) -> None:
    with pytest.raises(ClientError, match="is no address of a server"):
        Connection(url, TOKEN)


@pytest.mark.parametrize(
    ("kind", "environment", "expected"),
    [
        ("none", {}, Anonymous()),
        ("token", {"CONDA_STORE_TOKEN": "abc\n"}, BearerToken("abc")),
        ("basic", {"CONDA_STORE_USERNAME": "me", "CONDA_STORE_PASSWORD": "pw"}, Password("me", "pw")),
    ],
)
def test_credentials_come_from_the_environment(kind: str, environment: dict[str, str], expected: object) -> None:
    assert read_credentials(kind, environment) == expected


@pytest.mark.parametrize(
    ("kind", "environment", "message"),
    [
        ("token", {}, "--auth token needs the environment variable CONDA_STORE_TOKEN"),
        ("basic", {"CONDA_STORE_USERNAME": "me"}, "--auth basic needs the environment variable CONDA_STORE_PASSWORD"),
        ("token", {"CONDA_STORE_TOKEN": "two words"}, "CONDA_STORE_TOKEN holds no token"),
        ("token", {"CONDA_STORE_TOKEN": "tokén"}, "CONDA_STORE_TOKEN holds no token"),
    ],
)
def test_credentials_are_asked_for_by_name(kind: str, environment: dict[str, str], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        read_credentials(kind, environment)


def test_credentials_are_not_printed() -> None:
    assert "a-token" not in repr(TOKEN)
    assert "secret" not in repr(Password("me", "secret"))


def test_server_sees_one_request_a_page(server: AnsweringServer) -> None:
    def answer(asked: Asked) -> Answer:
        return data([{"id": int(asked.query["page"][0])}] if int(asked.query["page"][0]) < 4 else [])

    server.routes["/api/v1/namespace/"] = answer
    assert len(list(Connection(server.url, TOKEN).get_pages("/api/v1/namespace/", {}))) == 3
    assert len(server.asked) == 4
