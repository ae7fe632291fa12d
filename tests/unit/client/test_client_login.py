"""Logging in and out, as the command does it, against a server with prepared answers."""

import base64
import json

import pytest

from conda_store_client.connection import Connection
from conda_store_client.credentials import Anonymous, is_signed_token
from conda_store_client.signing_in import asks_for_password
from tests.unit.client.answering_server import Answer, AnsweringServer, Asked, data, error
from tests.unit.client.calling import Caller

ALICE = {"CONDA_STORE_USERNAME": "alice", "CONDA_STORE_PASSWORD": "password"}


def a_token(name: str) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()).decode().rstrip("=")
    return f"{head}.{name}.signature"


TOKEN = a_token("alice")


def permissions(asked: Asked) -> Answer:
    known = asked.headers.get("Authorization") == f"Bearer {TOKEN}"
    name, expiration = ("alice", "2026-11-27T11:07:30Z") if known else ("default", None)
    fields = {"authenticated": known, "primary_namespace": name, "expiration": expiration, "entity_permissions": {}}
    return data(fields)


def log_in_route(asked: Asked) -> Answer:
    body = json.loads(asked.body)
    if "username" not in body:
        return error(400, "expected JSON with username and password")
    if body["password"] != "password":
        return error(403, "Invalid authentication credentials")
    cookies = f"conda-store-auth={TOKEN}; Path=/; HttpOnly"
    return Answer(200, b'{"status": "ok", "data": {"redirect_url": "/"}}', {"Set-Cookie": cookies})


@pytest.fixture
def password_server(server: AnsweringServer) -> AnsweringServer:
    """A server where people log in by password."""
    server.routes["/login/"] = log_in_route
    server.routes["/api/v1/permission/"] = permissions
    server.routes["/api/v1/token/"] = Answer(200, b'{"status": "ok", "message": null}')
    return server


def test_login_is_used_from_then_on_until_logout(password_server: AnsweringServer, call: Caller) -> None:
    told = call("login", variables=ALICE)
    assert told.out == f"logged in to {password_server.url} as alice until 2026-11-27 11:07 UTC\n"
    assert call("info").out.startswith("Default namespace is alice\nAuthenticated True\n")
    assert call("logout").out == f"logged out of {password_server.url}\n"
    revoked = password_server.asked[-1]
    assert (revoked.method, revoked.path) == ("DELETE", "/api/v1/token/")
    assert revoked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert "Authenticated False" in call("info").out
    assert TOKEN not in call.tokens.read_text()


def test_login_goes_to_no_other_server(
    password_server: AnsweringServer, other_server: AnsweringServer, call: Caller
) -> None:
    other_server.routes["/api/v1/permission/"] = permissions
    call("login", variables=ALICE)
    call("--conda-store-url", other_server.url, "info")
    assert "Authorization" not in other_server.asked[0].headers


@pytest.mark.parametrize(("auth", "sent"), [("none", None), ("token", "Bearer other")])
def test_login_gives_way_to_what_is_given(
    password_server: AnsweringServer, call: Caller, auth: str, sent: str | None
) -> None:
    given = {"CONDA_STORE_AUTH": auth, "CONDA_STORE_TOKEN": "other"}
    told = call("login", variables={**ALICE, **given})
    assert f"--auth {auth} (CONDA_STORE_AUTH) is given and counts more" in told.err
    call("info", variables=given)
    assert password_server.asked[-1].headers.get("Authorization") == sent


def test_login_that_is_worth_nothing_any_more_says_how_to_go_on(password_server: AnsweringServer, call: Caller) -> None:
    call("login", variables=ALICE)
    password_server.routes["/api/v1/build/12/"] = error(403, "request not authorized")
    told = call("wait", "12", status=1)
    assert told.err.startswith("Error getting build 12\nrequest not authorized\nYour login may have expired")
    assert "`conda-store login` logs in again" in told.err


def test_login_with_a_wrong_password_leaves_nothing(password_server: AnsweringServer, call: Caller) -> None:
    told = call("login", status=1, variables={**ALICE, "CONDA_STORE_PASSWORD": "wrong"})
    assert told.err == "cannot log in as alice\nInvalid authentication credentials\n"
    assert not call.tokens.exists()


def test_login_takes_a_token_from_standard_input(password_server: AnsweringServer, call: Caller) -> None:
    told = call("login", "--with-token", typed=f"{TOKEN}\n")
    assert "as alice" in told.out
    assert TOKEN not in told.out + told.err
    assert "/login/" not in password_server.paths()


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "standard input holds no token"), ("two words", "holds no token"), (a_token("old"), "does not accept")],
)
def test_login_refuses_a_token_that_is_worth_nothing(
    password_server: AnsweringServer, call: Caller, text: str, message: str
) -> None:
    assert message in call("login", "--with-token", status=1, typed=text).err
    assert not call.tokens.exists()


def test_login_asks_nobody_where_there_is_no_terminal(password_server: AnsweringServer, call: Caller) -> None:
    assert "CONDA_STORE_PASSWORD" in call("login", status=2).err
    password_server.routes["/login/"] = error(405, "Method Not Allowed")
    assert "--with-token" in call("login", status=2).err


def test_login_needs_nothing_where_everybody_may(password_server: AnsweringServer, call: Caller) -> None:
    cookie = {"Set-Cookie": f"conda-store-auth={TOKEN}; Path=/"}
    password_server.routes["/login/"] = Answer(200, b"{}", cookie)
    assert "as alice" in call("login").out


def test_login_says_so_where_no_conda_store_is(call: Caller) -> None:
    assert "there is nothing at" in call("login", status=1).err


def test_connection_tells_whether_people_log_in_by_password(server: AnsweringServer) -> None:
    with Connection(server.url, Anonymous()) as connection:
        for status, expected in ((400, True), (422, True), (500, True), (405, False)):
            server.routes["/login/"] = error(status, "no")
            assert asks_for_password(connection) is expected


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (error(403, "request not authorized"), "it was worth nothing any more"),
        (error(409, "the token is predefined"), "the token is predefined"),
        (Answer(502, b""), "not available"),
    ],
)
def test_logout_forgets_the_token_though_the_server_does_not(
    password_server: AnsweringServer, call: Caller, answer: Answer, told: str
) -> None:
    call("login", variables=ALICE)
    password_server.routes["/api/v1/token/"] = answer
    assert told in call("logout").err
    assert TOKEN not in call.tokens.read_text()
    assert "you are not logged in" in call("logout", status=1).err


@pytest.mark.parametrize("text", ["", "a.b.c", "eyJuZXh0IjogbnVsbH0=.Z0.signature", "..", "é.b.c"])
def test_other_cookies_are_no_tokens(text: str) -> None:
    assert not is_signed_token(text)
    assert is_signed_token(TOKEN)
