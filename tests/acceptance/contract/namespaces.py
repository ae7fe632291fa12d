"""Rows of section 1.2: namespaces and the roles granted in them."""

from typing import Any

from tests.acceptance.contract.row import Pattern, Row
from tests.acceptance.contract.shapes import ACK, DENIED, NAMESPACE, ROLE_MAPPING_V2, UNPROCESSABLE, error, ok

_ABSENT = error("namespace does not exist")
_PAGE = {"status": "ok", "data": [{"id": int, "name": str}], "page": int, "size": int, "count": int}


def _row(method: str, path: str, status: int = 200, body: Pattern = ..., **rest: object) -> Row:
    address = f"/api/v1/namespace/{path}"
    return Row(section="1.2", method=method, path=address, status=status, body=body, **rest)  # type: ignore[arg-type]


def _role(method: str, other: str, role: str | None, *expected: Pattern, **rest: Any) -> Row:
    content = {"other_namespace": other} | ({"role": role} if role else {})
    return _row(method, "team/role", *(expected or (200, ACK)), sent={"json": content}, **rest)


def _grant(entity: str, role: str, *expected: Pattern) -> Row:
    return _row("PUT", "team/", *expected, sent={"json": {"role_mappings": {entity: [role]}}})


NAMESPACES = [
    _row("POST", "team/", body=ACK),
    _row("POST", "team/", 409, error("namespace already exists")),
    _row("POST", "other/", body=ACK),
    _row("POST", "third/", 403, DENIED, caller="developer"),
    _row("POST", "b%20d/", 403, DENIED, note="403 comes before the name is looked at"),
    _row("GET", "", body=_PAGE),
    _row("GET", "?page=1&size=1&order=desc&sort_by=name", body={**_PAGE, "size": 1, "page": 1}),
    _row("GET", "?sort_by=nothing", body=_PAGE),
    _row("GET", "?size=0", 422, UNPROCESSABLE),
    _row("GET", "?page=0", 422, UNPROCESSABLE),
    _row("GET", "?size=-1", 422, UNPROCESSABLE),
    _row("GET", "?page=x", 422, UNPROCESSABLE),
    _row("GET", "?size=100000", body={**_PAGE, "size": 100}),
    _row("GET", "", caller=None, body={**_PAGE, "data": [{"id": int, "name": "default"}]}),
    _row("GET", "team/", body=ok(NAMESPACE)),
    _row("GET", "team/", 403, DENIED, caller=None),
    _row("GET", "absent/", 404, _ABSENT),
    _row("GET", "absent/", 403, DENIED, caller="developer"),
    _row("PUT", "team/", body=ACK, sent={"json": {"metadata": {"a": 1}, "role_mappings": {"team/*": ["viewer"]}}}),
    _row("GET", "team/", body=ok({**NAMESPACE, "metadata_": {"a": 1}})),
    _row("PUT", "team/", body=ACK),
    _grant("nonsense", "viewer", 400, error("invalid entity=nonsense")),
    _grant("team/*", "king", 400, error("invalid entity=king")),
    _row("PUT", "team/", 403, DENIED, caller="developer", sent={"json": {"metadata": {}}}),
    _row("PUT", "absent/", 404, _ABSENT, sent={"json": {"metadata": {}}}),
    _row("PUT", "team/", sent={"json": {"role_mappings": {}}}, body=ACK),
    _row("PUT", "team/metadata", body=ACK, sent={"json": {"b": [2]}}),
    _row("GET", "team/", body=ok({**NAMESPACE, "metadata_": {"b": [2]}, "role_mappings": []})),
    _row("PUT", "team/metadata", body=ACK),
    _row("PUT", "team/metadata", 422, UNPROCESSABLE, sent={"json": [1]}),
    _row("PUT", "absent/metadata", 404, _ABSENT, sent={"json": {}}),
    _row("GET", "team/roles", body=ok([])),
    _role("POST", "other", "viewer"),
    _role("POST", "other", "viewer", 409, error(str)),
    _role("POST", "absent", "viewer", 400, error("Namespace='absent' not found")),
    _role("POST", "default", "king", 400, error("invalid role=king")),
    _role("PUT", "other", "editor"),
    _role("PUT", "default", "viewer", 404, error("failed to find role")),
    _row("GET", "team/roles", body=ok([{**ROLE_MAPPING_V2, "role": "developer"}])),
    _row("GET", "team/role?other_namespace=other", body=ok({**ROLE_MAPPING_V2, "other_namespace": "other"})),
    _row("GET", "team/role?other_namespace=default", 404, error("failed to find role")),
    _row("GET", "team/role?other_namespace=absent", 400, error("Namespace='absent' not found")),
    _row("GET", "team/role", 422, UNPROCESSABLE),
    _row("GET", "absent/roles", 404, _ABSENT),
    _role("POST", "x", "viewer", 403, DENIED, caller="developer"),
    _role("DELETE", "other", None),
    _role("DELETE", "other", None),
    _role("DELETE", "absent", None, 400, error("Namespace='absent' not found")),
    _row("DELETE", "team/roles", body=ACK),
    _row("DELETE", "absent/roles", 404, _ABSENT),
]

GOODBYE = [
    _row("DELETE", "other/", 403, DENIED, caller="developer"),
    _row("DELETE", "absent/", 404, _ABSENT),
    _row("DELETE", "other/", body=ACK),
    _row("GET", "other/", 404, _ABSENT),
    _row("POST", "other/", body=ACK, until=30, note="the name is free again"),
]
