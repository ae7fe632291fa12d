"""Hostile tokens before the real HTTP server: whoever shows one is nobody in particular."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from conda_store_auth.config import AuthOptions
from conda_store_auth.main import build
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.db.engine import Database
from conda_store_shared.testing.servers.process import free_port
from conda_store_shared.web.application import create_application
from conda_store_shared.web.authentication import AuthorizationOptions
from conda_store_shared.web.server import Listening, serve
from tests.integration.auth.test_auth_over_http import until_connected
from tests.unit.shared.hostile_tokens import CLAIMS, HOSTILE, NOW, SECRET, SENSELESS, signed

TOKENS = {
    **HOSTILE,
    # Those that are only too late today are in the tests of the signer, whose clock stands still.
    **{name: signed(claims) for name, claims in SENSELESS.items() if claims.get("nbf", 0) != NOW.timestamp() + 1},
}


@pytest.fixture
async def client(sqlite_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A program that speaks to auth."""
    port = free_port()
    async with Database(sqlite_url) as database:
        options = AuthOptions(authorization=AuthorizationOptions(secret=SECRET))
        service = build(options, bus=MemoryBus(), database=database)
        listening = Listening(address="127.0.0.1", port=port)
        serving = asyncio.create_task(serve(create_application(service.routes), listening))
        await until_connected(port)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as opened:
            yield opened
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


def ways(token: str) -> Iterator[dict[bytes, bytes]]:
    """The headers in which a token may stand."""
    text = token.encode()
    yield {b"cookie": b"conda-store-auth=" + text}
    yield {b"authorization": b"Bearer " + text}
    yield {b"authorization": b"Basic " + base64.b64encode(b"x:" + text)}


async def test_hostile_token_is_as_good_as_none_wherever_it_stands(client: httpx.AsyncClient) -> None:
    seen = {}
    for name, token in TOKENS.items():
        for headers in ways(token):
            # What no client sends has its tests where tokens are read.
            with contextlib.suppress(httpx.LocalProtocolError):
                shown = await client.get("/api/v1/permission/", headers=headers)
                asked = await client.post("/api/v1/token/", headers=headers)
                # The HTTP server itself refuses headers of a megabyte.
                known = shown.status_code == 200 and shown.json()["data"]["authenticated"]
                if known or (shown.status_code, asked.status_code) not in ((200, 403), (400, 400), (431, 431)):
                    seen[name, *headers] = (shown.status_code, asked.status_code)
    assert seen == {}


async def test_good_token_counts_though_a_hostile_one_stands_before_it(client: httpx.AsyncClient) -> None:
    good = signed({**CLAIMS, "exp": 4_000_000_000})
    for name in ("none", "wrong key", "tampered", "nested claims", "expiry of thousands of digits"):
        headers = {"cookie": f"conda-store-auth={HOSTILE[name]}", "authorization": f"Bearer {good}"}
        answer = await client.get("/api/v1/permission/", headers=headers)
        assert answer.json()["data"]["primary_namespace"] == "alice"
