"""Routes of the administrator's own: served as they are, and never in place of ours."""

import asyncio
import threading
from typing import Any

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from traitlets.config import Config

from conda_store_api.config import read_options
from conda_store_shared.errors import ConfigurationError
from conda_store_shared.web.additional_routes import RESERVED, additional_routes
from conda_store_shared.web.application import create_application
from conda_store_shared.web.routing import prefixed
from conda_store_standalone.route_tables import every_route


async def greet(request: Request) -> Response:
    """Greet whoever asks."""
    return PlainTextResponse(f"hello, {request.path_params.get('name', 'you')}")


def block(request: Request) -> dict[str, Any]:
    return {"asked": request.url.path, "in_a_thread": threading.current_thread() is not threading.main_thread()}


def tell_nothing() -> None:
    return None


class Callable:
    """A handler that is no function."""

    async def __call__(self, request: Request) -> Response:
        """Refuse."""
        raise HTTPException(418)


async def answers(entry: tuple[Any, ...], path: str, method: str = "GET") -> httpx.Response:
    application = create_application(prefixed("/conda-store/", additional_routes([entry], "/conda-store/")))
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://conda-store.example") as client:
        return await client.request(method, path)


async def test_route_answers_at_its_path_whatever_the_prefix() -> None:
    entry = ("/hello/{name}", "get", greet)
    found = [await answers(entry, path) for path in ("/hello/ann", "/hello/ann/", "/conda-store/hello/ann")]
    assert [(each.status_code, each.text) for each in found[:2]] == [(200, "hello, ann")] * 2
    assert found[2].status_code == 404
    assert (await answers(entry, "/hello/ann", "HEAD")).status_code == 200
    assert (await answers(entry, "/hello/ann", "POST")).status_code == 405


async def test_plain_function_runs_in_a_thread_and_its_values_become_json() -> None:
    answer = await answers(("/conda-store/own", "POST", block), "/conda-store/own", "POST")
    assert answer.json() == {"asked": "/conda-store/own", "in_a_thread": True}
    assert (await answers(("/nothing", "get", tell_nothing), "/nothing")).json() is None


async def test_handler_may_be_an_object_and_refuse_as_starlette_does() -> None:
    answer = await answers(("/tea", "get", Callable()), "/tea")
    assert (answer.status_code, answer.json()) == (418, {"detail": "I'm a Teapot"})


@pytest.mark.parametrize(
    "path",
    ["/", "", "hello", "/api/own", "/v2/x", "/login/", "/{everything:path}", "/store", "/store/api/v1/own",
     "/store/{any}", "/docs", "/a/{x:nothing}"],
)  # fmt: skip
def test_route_of_ours_cannot_be_taken(path: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^CondaStoreServer\.additional_routes: "):
        additional_routes([(path, "get", greet)], "/store/")


def test_every_route_of_ours_is_reserved() -> None:
    firsts = {route.declared_path.strip("/").partition("/")[0] for route in every_route()} - {""}
    assert firsts <= set(RESERVED)


def two(request: Request, name: str) -> None:
    """A handler as FastAPI would call it."""


def by_name(*, name: str) -> None:
    """Another one."""


@pytest.mark.parametrize(
    ("entries", "told"),
    [
        ([("/a", "get")], "is no route; write"),
        ([("/a", "fetch", greet)], "is no route; write"),
        ([("/a", "get", "greet")], "is no route; write"),
        (["/a"], "is no route; write"),
        ([("/a", "get", greet), ("/a", "GET", greet)], "/a: method GET is there twice"),
        ([("/a", "get", two)], "/a: its function wants request, name; it is given the request of Starlette alone"),
        ([("/a", "get", by_name)], "/a: its function wants name; it is given"),
    ],
)
def test_entry_that_is_no_route_is_refused_by_name(entries: list[Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        additional_routes(entries)
    assert told in raised.value.message


def test_api_serves_the_routes_of_the_configuration() -> None:
    sections = {
        "AuthenticationBackend": {"secret": "s" * 32},
        "CondaStoreServer": {"additional_routes": [("/hello", "get", greet)], "url_prefix": "/store"},
    }
    [route] = read_options(Config(sections)).additional_routes
    assert (route.declared_path, asyncio.iscoroutinefunction(route.endpoints["GET"].handler)) == ("/hello", True)
    assert route.endpoints["GET"].operation.summary == "Greet whoever asks."
