"""Logging in and out, as the command does it, against a server with prepared answers."""

import base64
import io
import json
from pathlib import Path

import pytest

from conda_store_client.connection import Connection
from conda_store_client.credentials import Anonymous, is_signed_token
from conda_store_client.main import main
from conda_store_client.signing_in import asks_for_password
from tests.unit.client.answering_server import Answer, AnsweringServer, Asked, data, error

VARIABLES = ("CONDA_STORE_URL", "CONDA_STORE_AUTH", "CONDA_STORE_TOKEN", "CONDA_STORE_USERNAME", "CONDA_STORE_PASSWORD")


def a_token(name: str) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()).decode().rstrip("=")
    return f"{head}.{name}.signature"


TOKEN = a_token("alice")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where tokens go; nothing is set besides."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path / "conda-store" / "tokens.json"


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
def password_server(server: AnsweringServer, config: Path) -> AnsweringServer:
    """A server where people log in by password."""
    server.routes["/login/"] = log_in_route
    server.routes["/api/v1/permission/"] = permissions
    server.routes["/api/v1/token/"] = Answer(200, b'{"status": "ok", "message": null}')
    return server


def call(server: AnsweringServer, *arguments: str) -> int:
    return main(["--conda-store-url", server.url, *arguments])


def set_password(monkeypatch: pytest.MonkeyPatch, password: str = "password") -> None:
    monkeypatch.setenv("CONDA_STORE_USERNAME", "alice")
    monkeypatch.setenv("CONDA_STORE_PASSWORD", password)


def test_login_is_used_from_then_on_until_logout(
    password_server: AnsweringServer, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_password(monkeypatch)
    assert call(password_server, "login") == 0
    told = capsys.readouterr().out
    assert told == f"logged in to {password_server.url} as alice until 2026-11-27 11:07 UTC\n"
    assert call(password_server, "info") == 0
    assert capsys.readouterr().out.startswith("Default namespace is alice\nAuthenticated True\n")
    assert call(password_server, "logout") == 0
    assert capsys.readouterr().out == f"logged out of {password_server.url}\n"
    revoked = password_server.asked[-1]
    assert (revoked.method, revoked.path) == ("DELETE", "/api/v1/token/")
    assert revoked.headers["Authorization"] == f"Bearer {TOKEN}"
    assert call(password_server, "info") == 0
    assert "Authenticated False" in capsys.readouterr().out
    assert TOKEN not in config.read_text()


def test_login_goes_to_no_other_server(
    password_server: AnsweringServer,
    other_server: AnsweringServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other_server.routes["/api/v1/permission/"] = permissions
    set_password(monkeypatch)
    assert call(password_server, "login") == 0
    assert call(other_server, "info") == 0
    assert "Authorization" not in other_server.asked[0].headers


@pytest.mark.parametrize("auth", ["none", "token"])
def test_login_gives_way_to_what_is_given(
    password_server: AnsweringServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], auth: str
) -> None:
    set_password(monkeypatch)
    assert call(password_server, "login") == 0
    monkeypatch.setenv("CONDA_STORE_AUTH", auth)
    monkeypatch.setenv("CONDA_STORE_TOKEN", "other")
    capsys.readouterr()
    assert call(password_server, "info") == 0
    assert password_server.asked[-1].headers.get("Authorization") == {"none": None, "token": "Bearer other"}[auth]
    assert call(password_server, "login") == 0
    assert f"--auth {auth} (CONDA_STORE_AUTH) is given and counts more" in capsys.readouterr().err


def test_login_with_a_wrong_password_leaves_nothing(
    password_server: AnsweringServer, config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    set_password(monkeypatch, "wrong")
    assert call(password_server, "login") == 1
    assert capsys.readouterr().err == "cannot log in as alice\nInvalid authentication credentials\n"
    assert not config.exists()


def test_login_takes_a_token_from_standard_input(
    password_server: AnsweringServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    assert call(password_server, "login", "--with-token") == 0
    told = capsys.readouterr()
    assert "as alice" in told.out
    assert TOKEN not in told.out + told.err
    assert "/login/" not in password_server.paths()


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "standard input holds no token"), ("two words", "holds no token"), (a_token("old"), "does not accept")],
)
def test_login_refuses_a_token_that_is_worth_nothing(
    password_server: AnsweringServer,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
    message: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert call(password_server, "login", "--with-token") == 1
    assert message in capsys.readouterr().err
    assert not config.exists()


def test_login_asks_nobody_where_there_is_no_terminal(
    password_server: AnsweringServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert call(password_server, "login") == 2
    assert "CONDA_STORE_PASSWORD" in capsys.readouterr().err
    password_server.routes["/login/"] = error(405, "Method Not Allowed")
    assert call(password_server, "login") == 2
    assert "--with-token" in capsys.readouterr().err


def test_login_needs_nothing_where_everybody_may(
    password_server: AnsweringServer, capsys: pytest.CaptureFixture[str]
) -> None:
    cookie = {"Set-Cookie": f"conda-store-auth={TOKEN}; Path=/"}
    password_server.routes["/login/"] = Answer(200, b"{}", cookie)
    assert call(password_server, "login") == 0
    assert "as alice" in capsys.readouterr().out


def test_login_says_so_where_no_conda_store_is(
    server: AnsweringServer, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(server, "login") == 1
    assert "there is nothing at" in capsys.readouterr().err


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
    password_server: AnsweringServer,
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: Answer,
    told: str,
) -> None:
    set_password(monkeypatch)
    assert call(password_server, "login") == 0
    password_server.routes["/api/v1/token/"] = answer
    assert call(password_server, "logout") == 0
    assert told in capsys.readouterr().err
    assert TOKEN not in config.read_text()
    assert call(password_server, "logout") == 1
    assert "you are not logged in" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "a.b.c", "eyJuZXh0IjogbnVsbH0=.Z0.signature", "..", "é.b.c"])
def test_other_cookies_are_no_tokens(text: str) -> None:
    assert not is_signed_token(text)
    assert is_signed_token(TOKEN)
