"""Paths, spellings, methods and ids."""

from dataclasses import dataclass
from typing import cast

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from conda_store_shared.errors import NotAuthorized
from conda_store_shared.web.answers import ok
from conda_store_shared.web.application import create_application
from conda_store_shared.web.operation import Anyone, Endpoint, operation
from conda_store_shared.web.routing import PathRoute, prefixed, provide, resource, route


@dataclass(frozen=True)
class Greeting:
    text: str


@operation("Answer", Anyone())
async def show(request: Request) -> Response:
    return ok(dict(request.path_params))


@operation("Answer", Anyone())
async def change(_request: Request) -> Response:
    return ok("changed")


@operation("Answer", Anyone())
async def greet(request: Request) -> Response:
    return PlainTextResponse(resource(request, Greeting).text)


ROUTES = [
    route("/api/v1/build/{build_id:int}/", get=show, put=change),
    route("/api/v1/namespace/{namespace}/", get=show),
    route("/api/v1/namespace/{namespace}/metadata", put=change),
    route("/storage/{key:path}", get=show),
]


def client_of(routes: list[PathRoute]) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(create_application(routes))
    return httpx.AsyncClient(transport=transport, base_url="http://conda-store.example")


@pytest.mark.parametrize("spelling", ["/api/v1/build/7/", "/api/v1/build/7"])
async def test_route_answers_both_spellings_without_a_redirect(spelling: str) -> None:
    async with client_of(ROUTES) as client:
        answer = await client.get(spelling)
    assert (answer.status_code, answer.json()["data"]) == (200, {"build_id": 7})


@pytest.mark.parametrize("spelling", ["/api/v1/namespace/a/metadata", "/api/v1/namespace/a/metadata/"])
async def test_route_without_slash_answers_both_spellings_too(spelling: str) -> None:
    async with client_of(ROUTES) as client:
        assert (await client.put(spelling)).status_code == 200


async def test_rest_of_a_path_is_the_handlers_whatever_it_holds() -> None:
    async with client_of(ROUTES) as client:
        answer = await client.get("/storage/a%0Ab%00/c")
    assert (answer.status_code, answer.json()["data"]) == (200, {"key": "a\nb\x00/c"})


async def test_head_answers_as_get_does_without_a_body() -> None:
    async with client_of(ROUTES) as client:
        shown, head = await client.get("/api/v1/build/7/"), await client.head("/api/v1/build/7/")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == shown.headers["content-length"]


async def test_wrong_method_is_told_every_right_one() -> None:
    async with client_of(ROUTES) as client:
        answer = await client.delete("/api/v1/build/7")
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert answer.headers["Allow"] == "GET, HEAD, PUT"


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/v1/build//", "/api/v1/build/7/x/", "/api/v1/build/7//", "/api/v1/build", "/"]
)
async def test_unknown_path_is_not_found(path: str) -> None:
    async with client_of(ROUTES) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("text", ["x", "1.5", "7x", "%00", "..%2e", "None", "0x7", "²", "٣", "1" * 5000])
async def test_id_that_is_no_integer_is_unprocessable(text: str) -> None:
    async with client_of(ROUTES) as client:
        answer = await client.get(f"/api/v1/build/{text}/")
    assert answer.status_code == 422
    [entry] = answer.json()["detail"]
    assert (entry["type"], entry["loc"]) == ("int_parsing", ["path", "build_id"])


@pytest.mark.parametrize("text", ["0", "-1", "2147483648", "9" * 900])
async def test_id_that_no_row_can_have_reaches_the_handler_as_zero(text: str) -> None:
    async with client_of(ROUTES) as client:
        answer = await client.get(f"/api/v1/build/{text}/")
    assert answer.json()["data"] == {"build_id": 0}


@pytest.mark.parametrize("name", ["a" * 300, "%00", "a%0Ab", "%2e%2e%2e", "*", "%F0%9F%92%A5", "a%20b", "%ff"])
async def test_any_name_reaches_the_handler(name: str) -> None:
    async with client_of(ROUTES) as client:
        assert (await client.get(f"/api/v1/namespace/{name}/")).status_code == 200


async def test_path_parameter_keeps_its_slashes() -> None:
    async with client_of(ROUTES) as client:
        answer = await client.get("/storage/archive/a/b.tar.gz")
    assert answer.json()["data"] == {"key": "archive/a/b.tar.gz"}


@pytest.mark.parametrize("prefix", ["/conda-store", "/conda-store/"])
async def test_prefix_moves_every_route(prefix: str) -> None:
    async with client_of(prefixed(prefix, ROUTES)) as client:
        assert (await client.get("/conda-store/api/v1/build/7")).status_code == 200
        assert (await client.get("/api/v1/build/7")).status_code == 404


async def test_handlers_find_what_their_own_table_was_provided_with() -> None:
    routes = provide([route("/a/", get=greet)], Greeting("one")) + provide([route("/b/", get=greet)], Greeting("two"))
    async with client_of(prefixed("/", routes)) as client:
        assert [(await client.get(path)).text for path in ("/a/", "/b/")] == ["one", "two"]


def test_handler_that_does_not_say_who_may_call_it_stands_in_no_table() -> None:
    async def undeclared(_request: Request) -> Response:
        return PlainTextResponse("secret")

    with pytest.raises(TypeError, match=r"GET /secret/.*is not declared"):
        route("/secret/", get=cast(Endpoint, undeclared))


async def test_handler_is_not_reached_when_its_rule_refuses() -> None:
    reached = []

    class Nobody:
        told = "Closed."

        async def check(self, request: Request) -> None:
            raise NotAuthorized("request not authorized")

    @operation("Answer", Nobody())
    async def answer(_request: Request) -> Response:
        reached.append(True)
        return PlainTextResponse("secret")

    async with client_of([route("/secret/", get=answer)]) as client:
        refused = await client.get("/secret/")
    assert (refused.status_code, reached) == (403, [])
