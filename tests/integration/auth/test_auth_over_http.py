"""The service behind its real HTTP server, under requests nobody means well with."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest

from conda_store_auth.config import AuthOptions
from conda_store_auth.main import build
from conda_store_shared.bus.memory import MemoryBus
from conda_store_shared.db.engine import Database
from conda_store_shared.testing.servers.process import free_port
from conda_store_shared.web.application import WebOptions, create_application
from conda_store_shared.web.authentication import AuthorizationOptions
from conda_store_shared.web.server import Listening, serve

DEADLINE = 1.0
SECRET = "a secret for these tests, and for nothing else"


async def until_connected(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(ConnectionError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


@pytest.fixture
async def port(sqlite_url: str) -> AsyncIterator[int]:
    """The port on which auth listens."""
    number = free_port()
    async with Database(sqlite_url) as database:
        service = build(
            AuthOptions(authorization=AuthorizationOptions(secret=SECRET)), bus=MemoryBus(), database=database
        )
        application = create_application(service.routes, WebOptions(deadline=DEADLINE))
        serving = asyncio.create_task(serve(application, Listening(address="127.0.0.1", port=number)))
        await until_connected(number)
        yield number
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


@pytest.fixture
async def browser(port: int) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has logged in."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as client:
        answer = await client.post("/login", json={"username": "alice", "password": "password"})
        assert answer.status_code == 200
        yield client


async def send_raw(port: int, request: bytes) -> bytes:
    """Return the head of the answer to ``request`` as it stands."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(10):
        writer.write(request)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return head


async def zeros() -> AsyncIterator[bytes]:
    for _ in range(100):
        yield b" " * 100_000


async def test_ten_megabytes_are_refused_whether_declared_or_not(browser: httpx.AsyncClient) -> None:
    declared = await browser.post("/api/v1/token/", content=b" " * 10_000_000)
    chunked = await browser.post("/api/v1/token/", content=zeros())
    for answer in (declared, chunked):
        assert (answer.status_code, answer.json()["status"]) == (413, "error")
    assert (await browser.get("/api/v1/permission/")).status_code == 200


async def test_head_is_answered_like_get(browser: httpx.AsyncClient) -> None:
    shown, head = await browser.get("/api/v1/permission"), await browser.head("/api/v1/permission")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(shown.content))


async def test_token_of_a_megabyte_is_as_good_as_none(port: int) -> None:
    request = b"GET /api/v1/permission/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + b"a" * 1_000_000 + b"\r\n\r\n"
    assert (await send_raw(port, request)).split()[1] in (b"200", b"400", b"431")


@pytest.mark.parametrize(
    "line",
    [
        b"GET /api/v1/permission/\x00 HTTP/1.1",
        b"GET /\xff\xfe HTTP/1.1",
        b"GET /api/v1/permission/%00%ff%2e%2e HTTP/1.1",
        b"GET /../../etc/passwd HTTP/1.1",
        b"GET //evil.example/login/ HTTP/1.1",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1",
        b"BREW /login/ HTTP/1.1",
        b"POST /login/ HTTP/1.1\r\nContent-Length: many",
        b"POST /login/ HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4",
        b"POST /login/ HTTP/1.1\r\nContent-Length: -1",
    ],
)
async def test_odd_request_is_answered_with_a_client_error(port: int, line: bytes) -> None:
    head = await send_raw(port, line + b"\r\nHost: x\r\n\r\n")
    assert head.split()[1] in (b"400", b"404", b"405")


async def test_body_that_never_comes_does_not_hold_the_request(port: int) -> None:
    started = asyncio.get_running_loop().time()
    head = await send_raw(port, b"POST /login/ HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
    assert head.split()[1] == b"503"
    assert asyncio.get_running_loop().time() - started < DEADLINE + 5


@pytest.mark.parametrize("path", ["/logout/", "/login/?next=/x"])
async def test_header_cannot_be_broken_out_of(browser: httpx.AsyncClient, path: str) -> None:
    for wanted in ("/a%0d%0aSet-Cookie:%20evil=1", "%0d%0a%0d%0a<script>"):
        separator = "&" if "?" in path else "?"
        answer = await browser.post(f"{path}{separator}next={wanted}", json={"username": "a", "password": "password"})
        assert "evil" not in str(answer.headers.get_list("set-cookie"))
        assert answer.headers.get("location", "/").startswith(("/", "http://127.0.0.1"))
