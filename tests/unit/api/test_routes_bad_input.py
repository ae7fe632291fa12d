"""Whatever a route receives: the right status and body, at once, and nothing stored."""

import json
import time
from typing import Any

import pytest
from sqlalchemy import func, select, union_all

from conda_store_shared.db.models import Build, Environment, Namespace, Specification
from tests.unit.api.api_client import SPECIFICATION, Api

pytestmark = pytest.mark.slow

# A second on a busy machine; a crash or a hang takes longer, or none.
AT_ONCE = 2.0
BOMB = "\n".join(
    ["a0: &a0 [x, x, x]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)), "name: bomb"]
)
NAMES = ["%2e%2e", ".hidden", "a%00b", "x" * 300, "a%20b", "ü", "a%2Fb", "%F0%9F%98%80", "a%0Ab"]


async def rows(api: Api) -> int:
    """Everything that a submission could have stored."""
    counts = (select(func.count()).select_from(table) for table in (Namespace, Environment, Specification, Build))
    async with api.ledger.database.session() as session:
        return sum(await session.scalars(union_all(*counts)))


async def refused(api: Api, method: str, path: str, **sent: Any) -> tuple[int, Any]:
    """Send what must be refused, at once; return status and body."""
    before, began = await rows(api), time.perf_counter()
    answer = await api.ask(method, path, **sent)
    assert time.perf_counter() - began < AT_ONCE
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text)
    assert "Traceback" not in answer.text
    assert await rows(api) == before
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{", "json_invalid"),
        (b"nonsense", "json_invalid"),
        (b"\xff\xfe", "json_invalid"),
        (b"[" * 100_000, "json_invalid"),
        (b'{"a":' * 100_000, "json_invalid"),
        (b'"text"', "model_attributes_type"),
        (b"[]", "model_attributes_type"),
        (b"3", "model_attributes_type"),
        (b'{"specification": 3}', "string_type"),
        (b'{"specification": null}', "string_type"),
        (b'{"specification": ["name: a"]}', "string_type"),
        (b'{"namespace": {}, "specification": "name: a"}', "string_type"),
        (b'{"is_lockfile": "perhaps"}', "bool_parsing"),
        (b'{"specification": "\\ud800"}', "json_invalid"),
        (b'{"specification": NaN}', "json_invalid"),
    ],
)
async def test_body_is_unprocessable_when_it_is_not_what_was_declared(api: Api, content: bytes, kind: str) -> None:
    headers = {"content-type": "application/json"}
    status, body = await refused(api, "POST", "/specification/", content=content, headers=headers)
    assert status == 422
    assert set(body) == {"detail"}
    (entry,) = body["detail"]
    assert entry["type"] == kind
    assert entry["loc"][0] == "body"
    assert {"type", "loc", "msg", "input"} <= set(entry)


async def test_form_is_unprocessable_when_json_is_wanted(api: Api) -> None:
    status, _ = await refused(api, "POST", "/specification/", data={"specification": SPECIFICATION})
    assert status == 422


async def test_unknown_fields_are_ignored(api: Api) -> None:
    answer = await api.submit(surprise={"a": [1]}, admin=True)
    assert answer.status_code == 200


async def test_body_is_refused_when_it_is_too_large(api: Api) -> None:
    content = json.dumps({"specification": "#" * 10_000_000}).encode()
    status, body = await refused(api, "POST", "/specification/", content=content)
    assert status == 413
    assert body["status"] == "error"


async def test_body_without_a_length_is_refused_when_it_is_too_large(api: Api) -> None:
    async def endless() -> Any:
        for _ in range(10):
            yield b"#" * 1_000_000

    headers = {"content-type": "application/json"}
    status, _ = await refused(api, "POST", "/specification/", content=endless(), headers=headers)
    assert status == 413


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Input should be a valid dictionary or object (type=model_type, loc=())"),
        ("name: [", "Unable to parse. Invalid YAML"),
        ("\x00", "Unable to parse. Invalid YAML"),
        ("{", "Unable to parse. Invalid YAML"),
        ("- a", "Input should be a valid dictionary or object (type=model_type, loc=())"),
        ("channels: []", "Field required (type=missing, loc=('name',))"),
        ("name: 3", "Input should be a valid string (type=string_type, loc=('name',))"),
        (BOMB, "Unable to parse. Invalid YAML: aliases are not allowed"),
        ("[" * 60_000, "Unable to parse. Invalid YAML: more than 100 levels"),
        ("- " * 60_000, "Unable to parse. Invalid YAML: more than 100 levels"),
        ("name: a\ndependencies: [3]", "Input should be a valid string (type=string_type, loc=('dependencies', 0))"),
        ("name: a\nvariables: [x]", "Input should be a valid dictionary (type=dict_type, loc=('variables',))"),
        ("name: a\nchannels: conda-forge", "Input should be a valid list (type=list_type, loc=('channels',))"),
    ],
)
async def test_specification_is_refused_with_a_word_when_it_is_wrong(api: Api, text: str, message: str) -> None:
    status, body = await refused(api, "POST", "/specification/", json={"specification": text, "namespace": "team"})
    assert (status, body) == (400, {"status": "error", "message": message})


@pytest.mark.parametrize(
    "text",
    [
        "name: a\ndependencies: ['python ==']",
        "name: a\ndependencies: ['[']",
        "name: a\ndependencies: [{pip: ['--find-links x']}]",
        "name: a\ndependencies: [{pip: ['not a requirement !!']}]",
        "name: a\ndescription: \"\\0\"",
        f"name: {'x' * 300}",
        "name: ../../etc",
        "name: a/b",
        "name: .",
        f"name: a\ndependencies: [{'x' * 250_000}]",
    ],
)
async def test_specification_is_refused_when_it_asks_for_the_impossible(api: Api, text: str) -> None:
    status, body = await refused(api, "POST", "/specification/", json={"specification": text, "namespace": "team"})
    assert status == 400
    assert body["status"] == "error"
    assert body["message"]


@pytest.mark.parametrize("namespace", ["..", "a/b", "a\x00b", "x" * 300, "a b", ".hidden", "*"])
async def test_submission_is_refused_when_its_namespace_has_no_valid_name(api: Api, namespace: str) -> None:
    body = {"specification": SPECIFICATION, "namespace": namespace}
    status, answer = await refused(api, "POST", "/specification/", json=body)
    assert status in (400, 403)
    assert answer["status"] == "error"


@pytest.mark.parametrize(
    "body",
    [
        {"specification": "{}"},
        {"specification": "3"},
        {"specification": '{"version": 2}'},
        {"specification": '{"metadata": {"platforms": []}, "package": [{}]}'},
        {"specification": '{"metadata": {"platforms": []}, "package": []}', "environment_name": "a b"},
        {"specification": '{"metadata": {"platforms": []}, "package": []}', "environment_name": "x" * 300},
        {"specification": '{"metadata": {"platforms": [], "x": "\\ud800"}, "package": []}', "environment_name": "a"},
        {"specification": ""},
    ],
)
async def test_lockfile_is_refused_when_it_is_none(api: Api, body: dict[str, Any]) -> None:
    sent = {"is_lockfile": True, "namespace": "team", "environment_name": "weather", **body}
    status, answer = await refused(api, "POST", "/specification/", json=sent)
    assert status == 400
    assert answer["status"] == "error"


@pytest.mark.parametrize("name", NAMES)
async def test_namespace_is_not_made_when_its_name_is_hostile(api: Api, name: str) -> None:
    status, _ = await refused(api, "POST", f"/namespace/{name}/")
    assert status in (400, 403, 404, 405)


@pytest.mark.parametrize("name", NAMES)
async def test_nothing_is_found_when_a_name_is_hostile(api: Api, name: str) -> None:
    for path in (f"/namespace/{name}/", f"/environment/{name}/{name}/", f"/environment/team/{name}/"):
        status, _ = await refused(api, "GET", path)
        assert status in (400, 403, 404)


@pytest.mark.parametrize("build_id", ["x", "1.5", "1e3", "%00", "١", "1%20", "0x1", "9" * 5000])
async def test_build_is_unprocessable_when_its_id_is_no_integer(api: Api, build_id: str) -> None:
    for method, path in (("GET", ""), ("PUT", ""), ("PUT", "cancel/"), ("GET", "packages/")):
        status, body = await refused(api, method, f"/build/{build_id}/{path}")
        assert status in (404, 422)
        if status == 422:
            assert body["detail"][0]["loc"] == ["path", "build_id"]
            assert body["detail"][0]["type"] == "int_parsing"


@pytest.mark.parametrize("path", ["/build/", "/environment/", "/namespace/"])
@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "size=0", "size=-1", "size=1.5", "page=99999999999999999999", "size=%00"]
)
async def test_list_is_unprocessable_when_its_page_is_none(api: Api, path: str, query: str) -> None:
    status, body = await refused(api, "GET", f"{path}?{query}")
    assert status == 422
    assert body["detail"][0]["loc"][0] == "query"


@pytest.mark.parametrize(
    "query", ["status=DONE", "artifact=ZIP", "environment_id=x", "environment_id=99999999999999999999"]
)
async def test_list_is_unprocessable_when_a_filter_is_unknown(api: Api, query: str) -> None:
    status, body = await refused(api, "GET", f"/build/?{query}")
    assert status == 422
    assert body["detail"][0]["loc"] == ["query", query.partition("=")[0]]


@pytest.mark.parametrize(
    "query",
    ["sort_by=nothing", "order=sideways", "size=100000", "search=%25", "search=%00", "namespace=%00", "surprise=1",
     "packages=" + "x" * 2000, "&".join(f"packages=p{n}" for n in range(1200)), "sort_by=name;DROP TABLE build"],
)  # fmt: skip
async def test_list_is_answered_when_its_query_is_odd(api: Api, query: str) -> None:
    await api.ledger.submit()
    for path in ("/environment/", "/build/", "/namespace/"):
        answer = await api.get(f"{path}?{query}")
        assert answer.status_code in (200, 400), (path, answer.text)
        if answer.status_code == 200:
            assert answer.json()["size"] <= 100


@pytest.mark.parametrize("body", [{"build_id": "x"}, {"build_id": 1.5}, {"build_id": []}, {"description": 3}])
async def test_environment_stays_as_it_is_when_the_change_is_wrong(api: Api, body: dict[str, Any]) -> None:
    await api.ledger.completed()
    status, answer = await refused(api, "PUT", "/environment/team/weather/", json=body)
    assert status == 422
    assert answer["detail"][0]["loc"][0] == "body"


async def test_environment_stays_as_it_is_when_the_build_id_fits_no_row(api: Api) -> None:
    await api.ledger.completed()
    for build_id in (0, -1, 2**31, 2**63, 2**200):
        status, answer = await refused(api, "PUT", "/environment/team/weather/", json={"build_id": build_id})
        assert (status, answer["message"]) == (400, f"build id={build_id} does not exist")


async def test_unknown_paths_and_methods_are_told(api: Api) -> None:
    assert await refused(api, "GET", "/nothing/") == (404, {"detail": "Not Found"})
    answer = await api.ask("DELETE", "/namespace/")
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})
    assert "GET" in answer.headers["allow"]
    assert (await api.ask("HEAD", "/")).status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Basic ###", "Basic " + "A" * 5000, "Digest x", "Bearer a.b.c", "Bearer \xff"]
)
async def test_caller_is_anonymous_when_the_credential_is_worth_nothing(api: Api, header: str) -> None:
    answer = await api.get("/namespace/team/", None, headers={"Authorization": header.encode("latin-1")})
    assert answer.status_code == 403
