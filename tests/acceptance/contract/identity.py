"""Rows of sections 1.0, 1.1 and 1.6: rules for every route, status, identity, tokens, login, logout."""

import re

from tests.acceptance.contract.row import Row
from tests.acceptance.contract.shapes import DENIED, UNPROCESSABLE, error, ok

_COOKIE = re.compile(r"^conda-store-auth=[^;]{40,}; .*HttpOnly.*Max-Age=\d+.*Path=/.*SameSite=strict", re.IGNORECASE)
_SUBSET = error("Requested role_bindings are not a subset of current permissions")
_PERMISSIONS = {
    "authenticated": bool,
    "primary_namespace": str,
    "entity_permissions": dict,
    "entity_roles": dict,
    "expiration": (str, None),
}
_ANONYMOUS = {
    "authenticated": False,
    "primary_namespace": "default",
    "entity_permissions": {"default/*": ["environment::read", "namespace-role-mapping::read", "namespace::read"]},
    "entity_roles": {"default/*": ["viewer"]},
    "expiration": None,
}


def _get(section: str, path: str, status: int = 200, **rest: object) -> Row:
    return Row(section=section, method="GET", path=path, status=status, **rest)  # type: ignore[arg-type]


def _post(section: str, path: str, status: int = 200, **rest: object) -> Row:
    return Row(section=section, method="POST", path=path, status=status, **rest)  # type: ignore[arg-type]


LOGIN = [
    _get("1.6", "/login/", caller=None, headers={"content-type": re.compile("^text/html")}),
    _post(
        "1.6",
        "/login/",
        caller=None,
        sent={"json": {"username": "alice", "password": "password"}},
        body={"status": "ok", "data": {"redirect_url": "{url}/"}},
        headers={"set-cookie": _COOKIE},
    ),
    _post(
        "1.6",
        "/login/?next=/ui/",
        caller=None,
        sent={"json": {"username": "alice", "password": "password"}},
        body={"status": "ok", "data": {"redirect_url": "/ui/"}},
    ),
    _post(
        "1.6",
        "/login/?next=https://evil.example/",
        caller=None,
        sent={"json": {"username": "alice", "password": "password"}},
        body={"status": "ok", "data": {"redirect_url": "{url}/"}},
        note="next leads nowhere else",
    ),
    _post(
        "1.6",
        "/login/",
        403,
        caller=None,
        sent={"json": {"username": "alice", "password": "wrong"}},
        body=error("Invalid authentication credentials"),
    ),
    _post("1.6", "/login/", 400, caller=None, sent={"content": b"no json"}, body=error(str)),
    _post("1.6", "/login/", 400, caller=None, sent={"json": {"password": "password"}}, body=error(str)),
    _post("1.6", "/logout/", 303, caller=None, headers={"location": "{url}/"}),
    _post("1.6", "/logout/?next=/login/", 303, caller=None, headers={"location": "/login/"}),
    _get("1.6", "/logout/", 405, caller=None, body={"detail": "Method Not Allowed"}),
]

STATUS = [
    _get("1.1", "/api/v1/", caller=None, body=ok({"version": str})),
    _get("1.0", "/api/v1", caller=None, body=ok({"version": str}), note="both spellings answer directly"),
    Row(section="1.0", method="HEAD", path="/api/v1/", status=200, caller=None, note="HEAD wherever there is GET"),
    _get("1.0", "/nowhere/", 404, caller=None, body={"detail": "Not Found"}),
    Row(
        section="1.0",
        method="PATCH",
        path="/api/v1/build/",
        status=405,
        body={"detail": "Method Not Allowed"},
        headers={"allow": re.compile("GET")},
        note="Allow lists every method",
    ),
    _post(
        "1.0",
        "/api/v1/specification/",
        422,
        sent={"content": b"{", "headers": {"content-type": "application/json"}},
        body={"detail": [{"type": "json_invalid", "loc": list, "msg": str, "input": ..., "ctx": dict}]},
    ),
    _get("1.0", "/openapi.json", caller=None, body=dict),
    _get("1.0", "/docs", caller=None, headers={"content-type": re.compile("^text/html")}),
    _get("1.0", "/docs/oauth2-redirect", caller=None, headers={"content-type": re.compile("^text/html")}),
    _get("1.0", "/redoc", 307, caller=None, headers={"location": "/docs"}, note="one page shows the description"),
    Row(
        section="1.0",
        method="GET",
        path="/api/v1/",
        status=200,
        sent={"headers": {"origin": "https://evil.example"}},
        headers={"access-control-allow-origin": None},
        note="no other origin is let in unless configured",
    ),
]

TOKENS = [
    _get("1.1", "/api/v1/permission/", caller=None, body=ok(_ANONYMOUS)),
    _get("1.1", "/api/v1/permission/", body=ok(_PERMISSIONS)),
    _get("1.1", "/api/v1/permission/", caller="garbage", body=ok(_ANONYMOUS)),
    _post("1.1", "/api/v1/token/", body=ok({"token": str})),
    _post("1.1", "/api/v1/token/", sent={"json": {"unknown": 1}}, body=ok({"token": str})),
    _post("1.1", "/api/v1/token/", 403, caller=None, body=DENIED, note="the anonymous get no tokens"),
    _post(
        "1.1", "/api/v1/token/", sent={"json": {"role_bindings": {"team/*": ["editor"]}}}, body=ok({"token": str})
    ),
    _post(
        "1.1",
        "/api/v1/token/",
        400,
        caller="developer",
        sent={"json": {"role_bindings": {"*/*": ["admin"]}}},
        body=_SUBSET,
    ),
    _post(
        "1.1",
        "/api/v1/token/",
        400,
        sent={"json": {"expiration": "2999-01-01T00:00:00"}},
        body=error("Requested expiration of token is greater than current permissions"),
    ),
    _post("1.1", "/api/v1/token/", 400, sent={"json": {"role_bindings": {"no arn": ["admin"]}}}, body=error(str)),
    _post("1.1", "/api/v1/token/", 400, sent={"json": {"role_bindings": {"a/*": ["king"]}}}, body=error(str)),
    _post("1.1", "/api/v1/token/", 422, sent={"json": {"role_bindings": 1}}, body=UNPROCESSABLE),
    _get("1.1", "/api/v1/usage/", body=ok(dict)),
]
