"""Rows of sections 1.5, 1.7 and 1.8: channels, packages, settings, files, figures, the registry."""

import re

from tests.acceptance.contract.row import Pattern, Row
from tests.acceptance.contract.shapes import CHANNEL, DENIED, PACKAGE, UNPROCESSABLE, error, ok, page

_REGISTRY = {"docker-distribution-api-version": "registry/2.0"}


def _row(section: str, ask: str, status: int = 200, body: Pattern = ..., **rest: object) -> Row:
    method, _, path = ask.partition(" ")
    return Row(section=section, method=method, path=path, status=status, body=body, **rest)  # type: ignore[arg-type]


def _setting(status: int, body: Pattern, where: str, values: object, **rest: object) -> Row:
    return _row("1.5", f"PUT /api/v1/setting/{where}", status, body, sent={"json": values}, **rest)


def _refusal(code: str) -> Pattern:
    return {"errors": [{"code": code, "message": str, "detail": ...}]}


CATALOGUE = [
    _row("1.5", "GET /api/v1/channel/", body=page(CHANNEL), caller=None),
    _row("1.5", "GET /api/v1/package/", body=page(PACKAGE), caller=None),
    _row("1.5", "GET /api/v1/package/?search=demo-t", body=page(PACKAGE)),
    _row("1.5", "GET /api/v1/package/?search=demo-text&exact=1&sort_by=version&order=desc", body=page(PACKAGE)),
    _row("1.5", "GET /api/v1/package/?build=no-such-build", body={**page(PACKAGE), "data": [], "count": 0}),
    _row("1.5", "GET /api/v1/package/?distinct_on=name&distinct_on=version", body=page(PACKAGE)),
    _row("1.5", "GET /api/v1/package/?distinct_on=license", body=page(PACKAGE)),
]

SETTINGS = [
    _row("1.5", "GET /api/v1/setting/", body=ok(dict)),
    _row("1.5", "GET /api/v1/setting/", 403, DENIED, caller="developer"),
    _row("1.5", "GET /api/v1/setting/team/", body=ok(dict), caller="developer"),
    _row("1.5", "GET /api/v1/setting/team/weather/", body=ok(dict), caller="developer"),
    _row("1.5", "GET /api/v1/setting/absent/absent/", body=ok(dict)),
    _row("1.5", "GET /api/v1/setting/team/", 403, DENIED, caller="viewer"),
    _setting(200, ok(None, "global setting keys ['conda_max_solve_time'] updated"), "", {"conda_max_solve_time": 299}),
    _setting(
        200,
        ok(None, "global setting keys ['pypi_included_packages'] updated"),
        "team/weather/",
        {"pypi_included_packages": []},
    ),
    _setting(400, error(re.compile("Invalid setting keys")), "", {"no_such_setting": 1}),
    _setting(
        400,
        error(
            "Setting conda_max_solve_time is a global setting and cannot be set within a namespace or environment"
        ),
        "team/",
        {"conda_max_solve_time": 1},
    ),
    _setting(400, error(str), "", {"conda_max_solve_time": "soon"}),
    _setting(422, UNPROCESSABLE, "", [1]),
    _row("1.5", "PUT /api/v1/setting/", 422, UNPROCESSABLE),
    _setting(403, DENIED, "team/", {"pypi_included_packages": []}, caller="developer"),
]

FILES = [
    _row("1.7", "GET /", 307, caller=None, note="leads to the API description until there are pages"),
    _row("1.7", "GET /storage/nothing/at-all", 404, {"detail": "Not Found"}),
    _row("1.7", "GET /metrics", caller=None, body=re.compile(r"(?m)^conda_store_build_completed \d")),
    _row("1.7", "GET /celery", caller=None, body={
        "availability": ..., "stats": ..., "registered_tasks": ..., "active_tasks": ..., "scheduled_tasks": ...,
    }),
]  # fmt: skip

REGISTRY = [
    _row("1.8", "GET /v2/", 401, _refusal("UNAUTHORIZED"), caller=None,
         headers={**_REGISTRY, "www-authenticate": re.compile('Basic realm="Registry Realm", Bearer realm='),
                                  "deprecation": "True"}),
    _row("1.8", "GET /v2/", body={}, headers=_REGISTRY),
    _row("1.8", "GET /v2", body={}, headers=_REGISTRY, note="both spellings answer directly"),
    _row("1.8", "GET /v2/team/weather", 405, _refusal("UNSUPPORTED"), caller=None),
    _row("1.8", "GET /v2/team/weather/manifests/latest", 401, _refusal("UNAUTHORIZED"), caller=None),
    _row("1.8", "GET /v2/team/weather/manifests/latest", 403, _refusal("DENIED"), caller="stranger"),
    _row("1.8", "GET /v2/team/absent/manifests/latest", 404, _refusal("NAME_UNKNOWN")),
    _row("1.8", "GET /v2/team/weather/manifests/latest", body=re.compile('"layers":.*"schemaVersion":2'),
         headers={**_REGISTRY, "docker-content-digest": re.compile("sha256:[0-9a-f]{64}")},
         note="answered rather than redirected: no store tells the digest"),
    _row("1.8", "GET /v2/team/weather/manifests/nonsense", 404, _refusal("MANIFEST_UNKNOWN")),
    _row("1.8", f"GET /v2/team/weather/blobs/sha256:{'0' * 64}", 404, _refusal("BLOB_UNKNOWN"),
         note="existence is checked"),
    _row("1.8", "GET /v2/team/weather/tags/list", body={"name": "team/weather", "tags": list}),
]  # fmt: skip
