"""What every request passes through."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from structlog.testing import capture_logs

from conda_store_shared.web.answers import ok
from conda_store_shared.web.application import WebOptions, create_application
from conda_store_shared.web.metrics import RequestMetrics, metrics_routes
from conda_store_shared.web.operation import Anyone, operation
from conda_store_shared.web.routing import route

pytestmark = pytest.mark.slow

LIMIT = 1000


@operation("Answer", Anyone())
async def count_body(request: Request) -> Response:
    return ok(len(await request.body()))


@operation("Answer", Anyone())
async def show_correlation(_request: Request) -> Response:
    return ok(structlog.contextvars.get_contextvars().get("correlation_id"))


@operation("Answer", Anyone())
async def sleep(_request: Request) -> Response:
    await asyncio.sleep(30)
    return ok("late")


@operation("Answer", Anyone())
async def pause(_request: Request) -> Response:
    await asyncio.sleep(0.3)
    return ok("in its own time")


@operation("Answer", Anyone())
async def download(_request: Request) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x"
            await asyncio.sleep(0.1)

    return StreamingResponse(pieces())


@operation("Answer", Anyone())
async def page(_request: Request) -> Response:
    return HTMLResponse("<p>", headers={"Content-Security-Policy": "default-src 'self'", "ETag": '"1"'})


def client_of(**options: object) -> httpx.AsyncClient:
    registry = CollectorRegistry()
    routes = [
        route("/count/", post=count_body),
        route("/correlation/", get=show_correlation),
        route("/sleep/", get=sleep),
        route("/pause/", get=pause, deadline=None),
        route("/longer/", get=pause, deadline=5),
        route("/download/", get=download),
        route("/page/{number:int}/", get=page),
        *metrics_routes(registry),
    ]
    chosen = WebOptions(**{"deadline": 0.2, "body_limit": LIMIT, **options})  # type: ignore[arg-type]
    application = create_application(routes, chosen, observe=RequestMetrics(registry))
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://conda-store.example")


async def test_body_up_to_the_limit_is_taken() -> None:
    async with client_of() as client:
        answer = await client.post("/count/", content=b"x" * LIMIT)
    assert answer.json()["data"] == LIMIT


@pytest.mark.parametrize("declared", ["1001", "99999999999999999999999999"])
async def test_body_that_is_declared_too_large_is_refused(declared: str) -> None:
    async with client_of() as client:
        answer = await client.post("/count/", content=b"x", headers={"Content-Length": declared})
    assert answer.status_code == 413
    assert answer.json()["status"] == "error"


async def test_chunked_body_is_refused_as_soon_as_it_is_too_large() -> None:
    sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b"x" * 100

    async with client_of() as client:
        answer = await client.post("/count/", content=chunks())
    assert answer.status_code == 413
    assert sent == LIMIT // 100 + 1


@pytest.mark.parametrize("declared", ["10", "-5", "many", "²"])
async def test_body_larger_than_it_was_declared_is_refused(declared: str) -> None:
    headers = [(b"content-length", declared.encode())]
    async with client_of() as client:
        answer = await client.post("/count/", content=b"x" * (LIMIT + 1), headers=headers)
    assert answer.status_code == 413


async def test_answer_is_given_up_after_the_deadline() -> None:
    started = asyncio.get_running_loop().time()
    with capture_logs():
        async with client_of() as client:
            answer = await client.get("/sleep/")
    assert (answer.status_code, answer.json()["status"]) == (503, "error")
    assert "Retry-After" in answer.headers
    assert asyncio.get_running_loop().time() - started < 5


@pytest.mark.parametrize("path", ["/pause/", "/longer/"])
async def test_route_may_have_a_deadline_of_its_own(path: str) -> None:
    async with client_of() as client:
        assert (await client.get(path)).status_code == 200


async def test_download_that_has_begun_may_take_its_time() -> None:
    async with client_of() as client:
        assert (await client.get("/download/")).text == "xxx"


async def test_request_id_of_the_sender_is_kept_and_bound() -> None:
    async with client_of() as client:
        answer = await client.get("/correlation/", headers={"X-Request-ID": "run-17.a_b"})
    assert answer.headers["X-Request-ID"] == answer.json()["data"] == "run-17.a_b"


@pytest.mark.parametrize("sent", ["", "a b", "x" * 129, "<script>", 'a"b', "a;b"])
async def test_request_id_that_is_not_sane_is_replaced(sent: str) -> None:
    async with client_of() as client:
        answer = await client.get("/correlation/", headers={"X-Request-ID": sent})
    assert answer.headers["X-Request-ID"] != sent
    assert answer.headers["X-Request-ID"] == answer.json()["data"]


async def test_access_log_names_path_and_status_but_no_query() -> None:
    with capture_logs() as logs:
        async with client_of() as client:
            await client.get("/correlation/?jwt=eyJsecret")
    [entry] = [entry for entry in logs if entry["event"] == "request"]
    assert (entry["method"], entry["path"], entry["status"]) == ("GET", "/correlation/", 200)
    assert "eyJsecret" not in str(logs)


async def test_answers_carry_careful_headers_unless_the_handler_set_its_own() -> None:
    async with client_of() as client:
        plain, own = await client.get("/correlation/"), await client.get("/page/1/")
    assert plain.headers["X-Content-Type-Options"] == "nosniff"
    assert plain.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in plain.headers["Content-Security-Policy"]
    assert own.headers["Content-Security-Policy"] == "default-src 'self'"
    assert "Cache-Control" not in own.headers


async def test_no_other_origin_is_let_in_by_default() -> None:
    async with client_of() as client:
        answer = await client.get("/correlation/", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers


async def test_named_origin_is_let_in_with_credentials_even_to_an_error() -> None:
    origin = {"Origin": "https://ui.example"}
    async with client_of(cors_origins=("https://ui.example",)) as client:
        missing = await client.get("/nowhere", headers=origin)
        preflight = await client.options("/count/", headers={**origin, "Access-Control-Request-Method": "POST"})
        stranger = await client.get("/nowhere", headers={"Origin": "https://evil.example"})
    assert missing.status_code == 404
    assert missing.headers["Access-Control-Allow-Origin"] == "https://ui.example"
    assert (preflight.status_code, preflight.headers["Access-Control-Max-Age"]) == (200, "600")
    assert "Access-Control-Allow-Origin" not in stranger.headers


async def test_requests_are_counted_by_route_not_by_path() -> None:
    async with client_of() as client:
        for number in range(3):
            await client.get(f"/page/{number}/")
        await client.get("/nowhere/at/all")
        text = (await client.get("/metrics")).text
    assert 'conda_store_http_request_seconds_count{method="GET",route="/page/{number:int}/",status="2xx"} 3.0' in text
    assert 'route="unmatched",status="4xx"} 1.0' in text
