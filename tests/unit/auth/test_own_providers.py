"""A class in the configuration file that tells by itself who logs in (contract §3.8)."""

import argparse
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conda_store_auth.adapters.own_provider import OwnProvider
from conda_store_auth.config import AuthOptions, OwnOptions, read_options
from conda_store_auth.routes.login import PasswordLogin
from conda_store_shared.compat.tokens import AuthenticationToken
from conda_store_shared.config.load import load_config
from conda_store_shared.errors import ConfigurationError

pytestmark = pytest.mark.slow

FILE = """
import datetime
from conda_store_server import schema
from conda_store_server.server.auth import Authentication, GenericOAuthAuthentication

class OurPeople(Authentication):
    async def authenticate(self, request):
        told = await request.json()
        if told.get("badge") == "broken":
            raise RuntimeError("the reader of badges is on fire")
        if told.get("badge") != "42":
            return None
        return schema.AuthenticationToken(
            exp=datetime.datetime(2026, 11, 22, 12, 0), primary_namespace="ada", role_bindings={"ada/*": ["admin"]}
        )

c.CondaStoreServer.authentication_class = OurPeople
c.AuthenticationBackend.secret = "s" * 32
"""


def options(directory: Path, text: str) -> AuthOptions:
    path = directory / "conda_store_config.py"
    path.write_text(text)
    return read_options(load_config(argparse.Namespace(config=str(path)), []).config)


@pytest.fixture
def login(tmp_path: Path) -> PasswordLogin:
    provider = options(tmp_path, FILE).provider
    assert isinstance(provider, OwnOptions)
    return PasswordLogin(OwnProvider(provider.authenticate), reads_request=True)


async def test_class_of_the_administrators_tells_who_logs_in(auth: Any, login: PasswordLogin) -> None:
    async with auth.client(login=login) as browser:
        answer = await browser.post("/login/", json={"badge": "42"})
        known = (await browser.get("/api/v1/permission/")).json()["data"]
    assert answer.status_code == 200
    assert (known["primary_namespace"], known["entity_roles"]["ada/*"]) == ("ada", ["admin"])
    assert known["expiration"] == "2026-11-22T12:00:00Z"


async def test_nobody_is_refused(auth: Any, login: PasswordLogin) -> None:
    async with auth.client(login=login) as browser:
        answer = await browser.post("/login/", json={"badge": "7"})
        page = await browser.get("/login/")
    assert (answer.status_code, answer.json()["message"]) == (403, "Invalid authentication credentials")
    assert page.status_code == 200
    assert "set-cookie" not in answer.headers or "conda-store-auth" not in answer.headers["set-cookie"]


async def test_fault_of_the_class_is_told_to_nobody(auth: Any, login: PasswordLogin) -> None:
    async with auth.client(login=login) as browser:
        answer = await browser.post("/login/", json={"badge": "broken"})
    assert answer.status_code == 500
    assert "fire" not in answer.text


async def test_login_does_not_last_longer_than_every_other(auth: Any, now: datetime) -> None:
    found = AuthenticationToken(exp=now + timedelta(days=365), primary_namespace="ada")
    async with auth.client(login=PasswordLogin(OwnProvider(lambda _request: found), reads_request=True)) as browser:
        await browser.post("/login/", json={})
        known = (await browser.get("/api/v1/permission/")).json()["data"]
    assert known["expiration"] == (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("base", "method", "message"),
    [
        ("GenericOAuthAuthentication", "authenticate", "Own.authenticate would never be called: a login at a provider"),
        ("Authentication", "get_login_html", "Own.get_login_html would never be called: login_html is the page"),
        ("Authentication", "routes", "Own.routes would never be called: .* CondaStoreServer.additional_routes"),
    ],
)
def test_method_that_would_never_be_called_is_refused(tmp_path: Path, base: str, method: str, message: str) -> None:
    text = f"from conda_store_server.server.auth import {base}\n"
    text += f"class Own({base}):\n    def {method}(self, *arguments):\n        pass\n"
    with pytest.raises(ConfigurationError, match=message):
        options(tmp_path, f"{text}c.CondaStoreServer.authentication_class = Own\n")
