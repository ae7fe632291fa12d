"""Rows of sections 1.3 and 1.4: specifications, builds and environments."""

import re

from tests.acceptance.contract.row import Pattern, Row
from tests.acceptance.contract.shapes import (
    ACK,
    BUILD,
    DENIED,
    ENVIRONMENT,
    ENVIRONMENT_V2,
    LISTED_BUILD,
    PACKAGE,
    SOLVED,
    UNPROCESSABLE,
    error,
    ok,
    page,
)

_DEPRECATED = {"deprecation": "True", "sunset": "Mon, 17 Mar 2025 00:00:00 UTC"}
_NO_BUILD = error("build id does not exist")
_NO_ENVIRONMENT = error("environment does not exist")
_CURSOR_PAGE = {"data": [ENVIRONMENT_V2], "status": "ok", "message": None, "cursor": str, "count": int}
_END = "eyJsYXN0X2lkIjogbnVsbCwgImxhc3RfdmFsdWUiOiBudWxsfQ=="


def _row(section: str, ask: str, status: int = 200, body: Pattern = ..., **rest: object) -> Row:
    method, _, path = ask.partition(" ")
    return Row(section=section, method=method, path=f"/api{path}", status=status, body=body, **rest)  # type: ignore[arg-type]


def _spec(status: int, body: Pattern, text: str, **rest: object) -> Row:
    more = dict(rest.pop("fields", {"namespace": "team"}))  # type: ignore[call-overload]
    return _row("1.4", "POST /v1/specification/", status, body, sent={"json": {"specification": text, **more}}, **rest)


WEATHER = '{"name": "weather", "channels": ["{channel}"], "dependencies": ["demo-text", "demo-versions"]}'
_PAINTED = '{"name": "painted", "channels": ["{channel}"], "dependencies": ["demo-text"]}'

SPECIFICATIONS = [
    _spec(200, ok({"build_id": int}), WEATHER, keep={"build": "data.build_id"}),
    _spec(400, error("Unable to parse. Invalid YAML"), "{"),
    _spec(400, error(str), "name: x\ndependencies: [1]"),
    _spec(400, error(re.compile("Invalid conda package dependency")), "name: x\ndependencies: ['a b c d']"),
    _spec(400, error(re.compile("Invalid pip option")), "name: x\ndependencies: [{pip: ['--foo bar']}]"),
    _spec(400, error(str), "name: b d\n"),
    _spec(400, error(str), f"name: {'x' * 300}\n"),
    _spec(400, error(str), "[]", fields={"namespace": "team", "is_lockfile": True, "environment_name": "x"}),
    _spec(400, error(str), "{version: 4}", fields={"is_lockfile": True, "environment_name": "x"}),
    _spec(403, DENIED, WEATHER, caller="viewer"),
    _spec(403, DENIED, WEATHER, caller=None),
    _spec(403, DENIED, WEATHER, caller="developer", fields={"namespace": "unknown-namespace"}),
    _row("1.4", "POST /v1/specification/", 422, UNPROCESSABLE, sent={"json": {"specification": 1}}),
    _spec(200, ok({"build_id": int}), _PAINTED, fields={}, keep={"default_build": "data.build_id"}),
]

BUILDS = [
    _row("1.4", "GET /v1/build/{build}/", body=ok({**BUILD, "status": "COMPLETED"}), until=60),
    _row("1.4", "GET /v1/build/{build}/", body=ok(BUILD), caller="viewer"),
    _row("1.4", "GET /v1/build/{build}/", 403, DENIED, caller=None),
    _row("1.4", "GET /v1/build/999999/", 404, _NO_BUILD, caller=None),
    _row("1.4", "GET /v1/build/x/", 422, UNPROCESSABLE),
    _row("1.4", "GET /v1/build/", body=page(LISTED_BUILD)),
    _row("1.4", "GET /v1/build/?status=COMPLETED&namespace=team&name=weather", body=page(LISTED_BUILD)),
    _row("1.4", "GET /v1/build/?packages=demo-text&packages=demo-versions", body={**page(LISTED_BUILD), "count": 1}),
    _row("1.4", "GET /v1/build/?packages=no-such-package", body={**page(LISTED_BUILD), "count": 0, "data": []}),
    _row("1.4", "GET /v1/build/?artifact=LOCKFILE&order=desc&sort_by=scheduled_on", body=page(LISTED_BUILD)),
    _row("1.4", "GET /v1/build/?status=NEVER", 422, UNPROCESSABLE),
    _row("1.4", "GET /v1/build/?environment_id=x", 422, UNPROCESSABLE),
    _row("1.4", "GET /v1/build/", caller=None, body=page(LISTED_BUILD)),
    _row("1.4", "GET /v1/build/{build}/packages/", body=page(PACKAGE)),
    _row("1.4", "GET /v1/build/{build}/packages/?search=text", body={**page(PACKAGE), "count": 1}),
    _row("1.4", "GET /v1/build/{build}/packages/?search=text&exact=1", body={**page(PACKAGE), "count": 0, "data": []}),
    _row("1.4", "GET /v1/build/{build}/packages/?build=no-such", body={**page(PACKAGE), "count": 0, "data": []}),
    _row("1.4", "GET /v1/build/999999/packages/", 404, _NO_BUILD),
    *(
        _row("1.4", f"GET /v1/build/{{build}}/{name}", 307, headers={"location": re.compile(f"(/|%2F){where}")})
        for name, where in {
            "lockfile/": "lockfile/", "conda-lock.yml": "lockfile/", "conda-lock.yaml": "lockfile/", "yaml/": "yaml/",
            "archive/": "archive/",
        }.items()
    ),
    _row("1.4", "GET /v1/build/{build}/logs/", 307, headers={"location": re.compile("logs/")}, until=30),
    *(
        _row("1.4", f"GET /v1/build/999999/{name}/", 404, _NO_BUILD)
        for name in ("logs", "yaml", "lockfile", "archive", "docker", "installer")
    ),
    _row("1.4", "GET /v1/build/{build}/docker/", 400, error("Build {build} doesn't have a docker manifest")),
    _row("1.4", "GET /v1/build/{build}/installer/", 307, headers={"location": re.compile("installer/")}, until=60),
    _row("1.4", "PUT /v1/build/999999/", 404, _NO_BUILD),
    _row("1.4", "PUT /v1/build/{build}/", 403, DENIED, caller="viewer"),
    _row("1.4", "PUT /v1/build/{build}/", body=ok({"build_id": int}, "rebuild triggered"),
         keep={"again": "data.build_id"}),
    _row("1.4", "GET /v1/build/{again}/", body=ok({**BUILD, "status": "COMPLETED"}), until=60),
    _row("1.4", "PUT /v1/build/{again}/cancel/", body={**ACK, "message": "build {again} canceled"}),
    _row("1.4", "PUT /v1/build/{again}/cancel/", 403, DENIED, caller="viewer"),
    _row("1.4", "PUT /v1/build/999999/cancel/", 404, _NO_BUILD),
]  # fmt: skip

SOLVE = [
    _row("1.4", "GET /v1/specification/?channel={channel}&conda=demo-text", body={"solve": [SOLVED]}),
    _row("1.4", "GET /v1/specification/?channel={channel}&conda=demo-text", 403, DENIED, caller=None,
         note="the anonymous may not solve unless configured"),
    _row("1.4", "GET /v1/specification/?channel={channel}&conda=a%20b%20c%20d", 400, error(str)),
    _row("1.4", "GET /v1/specification/?conda=demo-text&format=nothing", 422, UNPROCESSABLE),
    _row("1.4", "GET /v1/specification/?channel={channel}&conda=no-such-package", 400, error(str)),
]  # fmt: skip

ENVIRONMENTS = [
    _row("1.3", "GET /v1/environment/", body=page(ENVIRONMENT), headers=_DEPRECATED),
    _row("1.3", "GET /v1/environment/?search=weath&namespace=team&name=weather&status=COMPLETED&artifact=LOCKFILE",
         body={**page(ENVIRONMENT), "count": 1}),
    _row("1.3", "GET /v1/environment/?packages=demo-text&packages=demo-text", body=page(ENVIRONMENT)),
    _row("1.3", "GET /v1/environment/?search=%25", body={**page(ENVIRONMENT), "count": 0, "data": []}),
    _row("1.3", "GET /v1/environment/?status=NEVER", 422, UNPROCESSABLE),
    _row("1.3", "GET /v1/environment/?jwt=nonsense", 400, error(str)),
    _row("1.3", "GET /v1/environment/?jwt={viewer_token}", body=page(ENVIRONMENT)),
    _row("1.3", "GET /v2/environment/", body=_CURSOR_PAGE),
    _row("1.3", "GET /v2/environment/?limit=1&sort_by=namespace,name", body=_CURSOR_PAGE, keep={"cursor": "cursor"}),
    _row("1.3", "GET /v2/environment/?limit=1&sort_by=namespace&sort_by=name&cursor={cursor}", body=_CURSOR_PAGE),
    _row("1.3", "GET /v2/environment/?name=absent", body={**_CURSOR_PAGE, "data": [], "count": 0}),
    _row("1.3", f"GET /v2/environment/?cursor={_END}", body=_CURSOR_PAGE),
    _row("1.3", "GET /v2/environment/?order=sideways", 422, UNPROCESSABLE),
    _row("1.3", "GET /v2/environment/?sort_by=size", 400,
         error("Cannot sort results by ['size']. Valid sort_by values are ['namespace', 'name']")),
    _row("1.3", "GET /v2/environment/?cursor=nonsense", 400, error(str)),
    _row("1.3", "GET /v1/environment/team/weather/", body=ok(ENVIRONMENT)),
    _row("1.3", "GET /v1/environment/team/weather/", 403, DENIED, caller=None),
    _row("1.3", "GET /v1/environment/team/absent/", 404, _NO_ENVIRONMENT),
    _row("1.3", "GET /v1/environment/team/absent/", 403, DENIED, caller=None),
    _row("1.3", "PUT /v1/environment/team/weather/", body=ACK, sent={"json": {"description": "sunny"}}),
    _row("1.3", "GET /v1/environment/team/weather/", body=ok({**ENVIRONMENT, "description": "sunny"})),
    _row("1.3", "PUT /v1/environment/team/absent/", body=ACK, sent={"json": {}}),
    _row("1.3", "PUT /v1/environment/team/weather/", body=ACK, sent={"json": {"build_id": "{build}"}}),
    _row("1.3", "PUT /v1/environment/team/weather/", 400, error("build id=999999 does not exist"),
         sent={"json": {"build_id": 999999}}),
    _row("1.3", "PUT /v1/environment/team/absent/", 400,
         error("environment namespace=team name=absent does not exist"), sent={"json": {"build_id": "{build}"}}),
    _row("1.3", "PUT /v1/environment/team/weather/", 400,
         error("cannot update environment to build id since specification does not match environment name"),
         sent={"json": {"build_id": "{default_build}"}}),
    _row("1.3", "PUT /v1/environment/team/weather/", 403, DENIED, caller="viewer", sent={"json": {}}),
    *(
        _row("1.3", f"GET /v1/environment/team/weather/{name}", 307, headers={"location": re.compile("lockfile/")})
        for name in ("lockfile/", "conda-lock.yml", "conda-lock.yaml")
    ),
    _row("1.3", "GET /v1/environment/team/absent/lockfile/", 404, _NO_ENVIRONMENT, caller=None),
]  # fmt: skip

DELETIONS = [
    _row("1.4", "DELETE /v1/build/999999/", 404, _NO_BUILD),
    _row("1.4", "DELETE /v1/build/{again}/", 403, DENIED, caller="developer"),
    _row("1.4", "DELETE /v1/build/{again}/", body=ACK),
    _row("1.4", "DELETE /v1/build/{again}/", body=ACK),
    _row("1.4", "GET /v1/build/{again}/", body=ok({**BUILD, "size": 0}), until=30),
    _row("1.3", "DELETE /v1/environment/team/absent/", 400,
         error("environment namespace=team name=absent does not exist")),
    _row("1.3", "DELETE /v1/environment/team/weather/", 403, DENIED, caller="developer"),
    _row("1.3", "DELETE /v1/environment/team/weather/", body=ACK),
    _row("1.3", "GET /v1/environment/team/weather/", 404, _NO_ENVIRONMENT, until=30),
    _row("1.4", "GET /v1/build/{build}/", 404, _NO_BUILD, until=30),
]  # fmt: skip
