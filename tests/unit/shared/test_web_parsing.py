"""Bodies, queries and pages as they arrive."""

from typing import Annotated

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from conda_store_shared.web.answers import ack, ok
from conda_store_shared.web.application import create_application
from conda_store_shared.web.errors import Unprocessable
from conda_store_shared.web.operation import Anyone, operation
from conda_store_shared.web.pagination import Page, page_envelope, parse_page
from conda_store_shared.web.parsing import parse_json, parse_query
from conda_store_shared.web.routing import route

HOSTILE_JSON = [
    b"{",
    b"{'a': 1}",
    b"\xff\xfe",
    b'{"build_id": NaN}',
    b'{"build_id": Infinity}',
    b'{"text": "\\ud800"}',
    b"[" * 100_000,
    b'{"a":' * 5000,
    b"1" * 10_000,
    b"\x00",
    b'{"build_id": 1} trailing',
    b"build_id: 1",
]


class Body(BaseModel):
    build_id: int | None = None
    text: str = ""


class Strict(BaseModel):
    other_namespace: Annotated[str, Field(min_length=1)]


class Query(BaseModel):
    other_namespace: str
    packages: list[str] = []
    environment_id: int | None = None


@operation("Answer", Anyone())
async def post_body(request: Request) -> Response:
    return ok((await parse_json(request, Body)).model_dump())


@operation("Answer", Anyone())
async def post_optional(request: Request) -> Response:
    return ok((await parse_json(request, Body, optional=True)).model_dump())


@operation("Answer", Anyone())
async def post_strict(request: Request) -> Response:
    await parse_json(request, Strict)
    return ack()


@operation("Answer", Anyone())
async def get_query(request: Request) -> Response:
    return ok(parse_query(request, Query).model_dump())


@operation("Answer", Anyone())
async def get_page(request: Request) -> Response:
    page = parse_page(request, 100, sortable={"name", "namespace"}, default=("namespace", "name"))
    return page_envelope([page.offset, page.descending, *page.sort_by], page, 4242)


def client() -> httpx.AsyncClient:
    application = create_application(
        [
            route("/body/", post=post_body),
            route("/optional/", post=post_optional),
            route("/strict/", post=post_strict),
            route("/query/", get=get_query),
            route("/page/", get=get_page),
        ]
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(application), base_url="http://conda-store.example")


@pytest.mark.parametrize("body", HOSTILE_JSON)
async def test_body_that_is_not_json_is_told_where_it_breaks(body: bytes) -> None:
    async with client() as http:
        answer = await http.post("/body/", content=body)
    assert answer.status_code == 422
    [entry] = answer.json()["detail"]
    assert entry["type"] == "json_invalid"
    where, offset = entry["loc"]
    assert where == "body"
    assert 0 <= offset <= len(body)


async def test_offset_of_broken_json_counts_over_lines() -> None:
    async with client() as http:
        answer = await http.post("/body/", content=b'{\n "a": 1,\n x}')
    assert answer.json()["detail"][0]["loc"] == ["body", 12]


@pytest.mark.parametrize("value", [[], "text", 7, True, [{}]])
async def test_body_that_is_no_object_is_unprocessable(value: object) -> None:
    async with client() as http:
        answer = await http.post("/body/", json=value)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body"]


@pytest.mark.parametrize(
    ("body", "loc"),
    [
        ({"build_id": "x"}, ["body", "build_id"]),
        ({"build_id": 1.5}, ["body", "build_id"]),
        ({"build_id": [1]}, ["body", "build_id"]),
        ({"text": 7}, ["body", "text"]),
        ({"text": None}, ["body", "text"]),
    ],
)
async def test_wrong_type_is_told_with_its_place(body: object, loc: list[str]) -> None:
    async with client() as http:
        answer = await http.post("/body/", json=body)
    assert answer.status_code == 422
    [entry] = answer.json()["detail"]
    assert entry["loc"] == loc
    assert set(entry) >= {"type", "loc", "msg", "input"}
    assert "url" not in entry


async def test_number_that_overflows_is_answered() -> None:
    async with client() as http:
        answer = await http.post("/body/", content=b'{"build_id": 1e999}')
    assert answer.status_code == 422


async def test_context_of_a_constraint_is_told() -> None:
    async with client() as http:
        answer = await http.post("/strict/", json={"other_namespace": ""})
    assert answer.json()["detail"][0]["ctx"] == {"min_length": 1}


async def test_unknown_keys_are_ignored_and_numeric_text_is_a_number() -> None:
    async with client() as http:
        answer = await http.post("/body/", json={"build_id": "17", "surprise": {"a": 1}})
    assert answer.json()["data"] == {"build_id": 17, "text": ""}


async def test_missing_body_stands_for_an_empty_object_only_where_it_may() -> None:
    async with client() as http:
        optional, required = await http.post("/optional/"), await http.post("/body/")
    assert optional.status_code == 200
    assert required.json() == {
        "detail": [{"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}],
    }


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense"])
async def test_form_of_another_page_is_not_taken_for_json(kind: str) -> None:
    async with client() as http:
        answer = await http.post("/body/", content=b'{"build_id": 1}', headers={"Content-Type": kind})
    assert answer.status_code == 422


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "application/merge+json"])
async def test_json_is_taken_by_its_type(kind: str) -> None:
    async with client() as http:
        answer = await http.post("/body/", content=b'{"build_id": 1}', headers={"Content-Type": kind})
    assert answer.status_code == 200


async def test_query_takes_repeated_values_and_the_last_of_single_ones() -> None:
    async with client() as http:
        answer = await http.get("/query/?packages=a&packages=b&other_namespace=x&other_namespace=y&environment_id=3")
    assert answer.json()["data"] == {"other_namespace": "y", "packages": ["a", "b"], "environment_id": 3}


async def test_missing_query_parameter_is_told() -> None:
    async with client() as http:
        answer = await http.get("/query/")
    assert answer.json()["detail"] == [
        {"type": "missing", "loc": ["query", "other_namespace"], "msg": "Field required", "input": None}
    ]


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "size=0", "size=-3", "page=x", "size=1.5", "page=9999999999999999999", "page="]
)
async def test_page_out_of_bounds_is_unprocessable(query: str) -> None:
    async with client() as http:
        answer = await http.get(f"/page/?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "query"


@pytest.mark.parametrize(
    ("query", "page", "size", "data"),
    [
        ("", 1, 100, [0, False, "namespace", "name"]),
        ("?page=3&size=10&order=desc&sort_by=name", 3, 10, [20, True, "name"]),
        ("?size=5000", 1, 100, [0, False, "namespace", "name"]),
        ("?order=sideways&sort_by=name&sort_by=password&sort_by=name", 1, 100, [0, False, "name"]),
        ("?sort_by=password", 1, 100, [0, False]),
    ],
)
async def test_page_follows_the_query(query: str, page: int, size: int, data: list[object]) -> None:
    async with client() as http:
        answer = (await http.get(f"/page/{query}")).json()
    assert answer == {"status": "ok", "data": data, "message": None, "page": page, "size": size, "count": 4242}


@given(query=st.dictionaries(st.sampled_from(["page", "size", "order", "sort_by"]), st.text(max_size=30)))
def test_any_page_query_is_either_a_page_or_unprocessable(query: dict[str, str]) -> None:
    encoded = str(httpx.QueryParams(query)).encode()
    request = Request({"type": "http", "method": "GET", "path": "/", "query_string": encoded, "headers": []})
    try:
        page = parse_page(request, 100, sortable={"name"})
    except Unprocessable:
        return
    assert isinstance(page, Page)
    assert 1 <= page.size <= 100
    assert page.offset >= 0
    assert set(page.sort_by) <= {"name"}
