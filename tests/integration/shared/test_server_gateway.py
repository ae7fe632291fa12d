"""The gateway: who answers for which path, and what a request looks like behind it."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from conda_store_shared.testing.bus_messages import eventually
from conda_store_shared.testing.private_server import write_certificate
from conda_store_shared.testing.servers import Gateway, Upstreams
from conda_store_shared.testing.servers.process import free_port

BODY_LIMIT = 10 * 1024 * 1024


async def answer(name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request: say who we are, which path was asked and with which headers; `/slow` comes in two pieces."""
    request, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
    headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
    if length := int(headers.get("content-length", "0")):
        await reader.readexactly(length)
    path = request.split()[1]
    body = json.dumps({"service": name, "path": path, "headers": headers, "size": length}).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\n")
    if path.endswith("/echo"):
        writer.write(f"X-Echo: {headers['authorization']}\r\n".encode())
    writer.write(b"Content-Length: %d\r\n\r\n" % len(body))
    writer.write(body[:1])
    await writer.drain()
    if path.endswith("/slow"):
        await asyncio.sleep(1)
    writer.write(body[1:])
    await writer.drain()
    writer.close()
    await writer.wait_closed()


@asynccontextmanager
async def service(name: str) -> AsyncIterator[int]:
    """A service that says its name; gives its port."""
    server = await asyncio.start_server(lambda reader, writer: answer(name, reader, writer), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def services() -> AsyncIterator[Upstreams]:
    """Three services."""
    async with service("api") as api, service("auth") as auth, service("artifacts") as artifacts:
        yield Upstreams(api=api, auth=auth, artifacts=artifacts)


def client_of(url: str) -> httpx.AsyncClient:
    """A client that goes to ``url`` without proxies, and believes any certificate."""
    return httpx.AsyncClient(base_url=url, trust_env=False, verify=False)


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """A gateway with three services behind it."""
    async with services() as upstreams:
        with Gateway(upstreams) as gateway:
            yield gateway


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it."""
    async with client_of(gateway.url) as client:
        yield client


API = [
    "/", "/health", "/api/v1/", "/api/v1/build/", "/api/v1/build/7/", "/api/v1/build/7/packages/",
    "/api/v1/environment/ns/env/", "/api/v1/environment/lockfile/archive/", "/api/v1/specification/",
    "/api/v1/namespace/token/", "/loginx", "/api/v1/build/7/archive/more",
]  # fmt: skip
AUTH = [
    "/login", "/login/", "/login/github/", "/logout/", "/logout", "/oauth_callback/", "/api/v1/token", "/api/v1/token/",
    "/api/v1/permission/",
]  # fmt: skip
ARTIFACTS = [
    "/v2/", "/v2", "/v2/ns/env/manifests/latest", "/storage/archive/x.tar.gz",
    *(f"/api/v1/build/7/{what}{slash}"
      for what in ("logs", "yaml", "lockfile", "conda-lock.yml", "conda-lock.yaml", "archive", "docker", "installer")
      for slash in ("", "/")),
    *(f"/api/v1/environment/ns/env/{what}{slash}"
      for what in ("lockfile", "conda-lock.yml", "conda-lock.yaml") for slash in ("", "/")),
]  # fmt: skip


async def test_gateway_sends_each_path_to_its_service(client: httpx.AsyncClient) -> None:
    paths = {path: name for name, paths in (("api", API), ("auth", AUTH), ("artifacts", ARTIFACTS)) for path in paths}
    seen = {path: (await client.get(path)).json() for path in paths}
    assert {path: seen[path]["service"] for path in paths} == paths
    assert {path: seen[path]["path"] for path in paths} == {path: path for path in paths}


async def test_gateway_keeps_the_spelling_of_a_path(client: httpx.AsyncClient) -> None:
    path = "/api/v1/namespace//a%2Fb/?name=%20x"
    assert (await client.get(path)).json()["path"] == path


async def test_gateway_tells_the_service_who_asked_and_for_what(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/")).json()["headers"]
    assert headers["host"] == headers["x-forwarded-host"] == client.base_url.netloc.decode()
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert len(headers["x-request-id"]) == 32


SAID = {
    "X-Request-ID": "mine",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-Host": "store.example",
}


async def test_gateway_keeps_what_a_proxy_in_front_of_it_said() -> None:
    async with services() as upstreams:
        with Gateway(upstreams, proxies="192.0.2.0/24 127.0.0.0/8") as gateway:
            async with client_of(gateway.url) as client:
                headers = (await client.get("/", headers=SAID)).json()["headers"]
    assert (headers["x-request-id"], headers["x-forwarded-proto"]) == ("mine", "https")
    assert headers["x-forwarded-for"] == "192.0.2.1, 127.0.0.1"
    assert headers["x-forwarded-host"] == "store.example"


async def test_gateway_believes_nobody_who_is_no_proxy(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/", headers=SAID)).json()["headers"]
    assert (headers["x-request-id"], headers["x-forwarded-proto"]) == ("mine", "http")
    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-host"] == client.base_url.netloc.decode()


async def test_gateway_gives_another_request_id_for_one_that_no_service_would_take(client: httpx.AsyncClient) -> None:
    headers = (await client.get("/", headers={"X-Request-ID": "a b"})).json()["headers"]
    assert len(headers["x-request-id"]) == 32


async def test_gateway_passes_on_the_longest_token_both_ways(client: httpx.AsyncClient) -> None:
    token = "t" * 22_000
    answer = await client.get("/echo", headers={"Authorization": f"Basic {token}"})
    assert answer.json()["headers"]["authorization"] == f"Basic {token}" == answer.headers["X-Echo"]


async def test_gateway_refuses_in_the_usual_form(client: httpx.AsyncClient) -> None:
    refused = {
        413: await client.post("/api/v1/specification/", content=bytes(13 * 1024 * 1024)),
        414: await client.get("/" + "x" * 40_000),
        400: await client.get("/", headers={"X-Long": "x" * 40_000}),
    }
    for status, answer in refused.items():
        assert (answer.status_code, answer.json()["status"]) == (status, "error")
        assert len(answer.headers["X-Request-ID"]) == 32
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_gateway_leads_to_tls_and_takes_a_renewed_certificate(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "tls.pem")
    async with services() as upstreams:
        with Gateway(upstreams, certificate=certificate) as gateway:
            async with client_of(gateway.url) as client:
                led = await client.post("/api/v1/specification/?x=1")
            async with client_of(gateway.tls_url) as client:
                answer = await client.get("/")
            first = _certificate_of(gateway.tls_port)
            write_certificate(certificate)
            await eventually(lambda: _certificate_of(gateway.tls_port) != first)
    assert (led.status_code, led.headers["Location"]) == (308, "https://127.0.0.1/api/v1/specification/?x=1")
    assert answer.json()["headers"]["x-forwarded-proto"] == "https"
    assert answer.headers.get_list("Strict-Transport-Security") == ["max-age=31536000"]


def _certificate_of(port: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", port))


async def test_gateway_logs_requests_without_what_their_queries_say(
    gateway: Gateway, client: httpx.AsyncClient
) -> None:
    for path in ("/api/v1/build/?token=secret-of-somebody", "/health/live", "/gateway/health"):
        await client.get(path, headers={"X-Request-ID": "mine"})
    lines = [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]
    assert [(line["path"], line["correlation_id"], line["status"]) for line in lines] == [
        ("/api/v1/build/", "mine", 200)
    ]


async def test_gateway_leaves_the_judgement_of_large_bodies_to_the_service(client: httpx.AsyncClient) -> None:
    seen = (await client.post("/api/v1/specification/", content=bytes(BODY_LIMIT + 1024))).json()
    assert seen["size"] == BODY_LIMIT + 1024


async def test_gateway_passes_on_the_first_byte_before_the_last_is_there(client: httpx.AsyncClient) -> None:
    loop = asyncio.get_running_loop()
    async with client.stream("GET", "/api/v1/slow") as response:
        pieces = response.aiter_raw()
        assert await anext(pieces) == b"{"
        began = loop.time()
        assert b"".join([piece async for piece in pieces]).endswith(b"}")
        assert loop.time() - began > 0.5


class Streams:
    """A service that sends an event to each reader, and then another one, and notes that the reader has left."""

    def __init__(self) -> None:
        self.left = asyncio.Event()
        self.goes_on = asyncio.Event()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One stream, whose end is that of its reader."""
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"5\r\nid: 1\r\n")
        await self.goes_on.wait()
        writer.write(b"5\r\nid: 2\r\n")
        assert await reader.read() == b""
        self.left.set()
        writer.close()


async def test_gateway_passes_on_each_event_and_tells_the_service_that_its_reader_has_left() -> None:
    streams = Streams()
    server = await asyncio.start_server(streams.answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with Gateway(Upstreams(api=port, auth=port, artifacts=port)) as gateway:
            async with client_of(gateway.url) as client, client.stream("GET", "/api/v1/event/stream/") as response:
                pieces = response.aiter_raw()
                assert await anext(pieces) == b"id: 1"
                streams.goes_on.set()
                assert await anext(pieces) == b"id: 2"
                assert not streams.left.is_set()
            async with asyncio.timeout(10):
                await streams.left.wait()


class HangsUp:
    """A service that answers once on each connection, and hangs up when asked again: as if it had been idle long."""

    def __init__(self) -> None:
        self.tasks = set[asyncio.Task[None] | None]()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, and the start of the second."""
        self.tasks.add(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await reader.read(1)
        writer.close()
        await writer.wait_closed()


async def test_gateway_asks_again_when_a_service_hung_up_an_idle_connection() -> None:
    service = HangsUp()
    async with await asyncio.start_server(service.answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with Gateway(Upstreams(api=port, auth=port, artifacts=port)) as gateway:
            async with client_of(gateway.url) as client:
                assert [(await client.get("/v2/")).status_code for _ in range(4)] == [200] * 4
        await asyncio.gather(*(task for task in service.tasks if task))


async def test_gateway_answers_in_the_usual_form_when_a_service_is_down() -> None:
    down = free_port()
    with Gateway(Upstreams(api=down, auth=down, artifacts=down)) as gateway:
        async with client_of(gateway.url) as client:
            response = await client.get("/api/v1/build/")
    assert response.status_code == 503
    assert response.headers.get_list("Retry-After") == ["5"]
    assert response.json()["status"] == "error"
