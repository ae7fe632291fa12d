"""Bodies and queries become pydantic models; what does not fit is told in the form clients know (HTTP 422)."""

import re
import typing
from collections.abc import Mapping
from email.message import Message
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.datastructures import QueryParams
from starlette.requests import Request

from conda_store_shared.web.errors import Unprocessable

M = TypeVar("M", bound=BaseModel)

_POSITION = re.compile(r"^(?P<what>.*) at line (?P<line>\d+) column (?P<column>\d+)$", re.DOTALL)
_NO_OBJECT = "Input should be a valid dictionary or object to extract fields from"


async def parse_json(request: Request, model: type[M], *, optional: bool = False) -> M:
    """Return the body as ``model``; unknown keys are ignored.

    With ``optional``, no body (or ``null``) stands for an empty object.  Raises Unprocessable.
    """
    value = await read_json(request)
    if value is None:
        if not optional:
            raise Unprocessable([_entry("missing", ["body"], "Field required", None)])
        value = {}
    if not isinstance(value, dict):
        raise Unprocessable([_entry("model_attributes_type", ["body"], _NO_OBJECT, value)])
    return _validate(model, value, "body")


async def read_json(request: Request) -> Any:
    """Return the decoded body, None when there is none; raises Unprocessable when it is not JSON."""
    body = await request.body()
    if not body:
        return None
    if not _is_json(request.headers.get("content-type")):
        # Said so by the sender, hence not parsed: a form on somebody else's page cannot send JSON.
        raise Unprocessable([_entry("model_attributes_type", ["body"], _NO_OBJECT, body.decode("utf-8", "replace"))])
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Unprocessable([_json_invalid(body, str(error))]) from None


def parse_query(request: Request, model: type[M]) -> M:
    """Return the query as ``model``; raises Unprocessable.

    Fields of list type take every occurrence, others the last.
    """
    return _validate(model, _query_values(request.query_params, model), "query")


def _query_values(query: QueryParams, model: type[BaseModel]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in query:
            repeated = typing.get_origin(field.annotation) in (list, tuple)
            values[key] = query.getlist(key) if repeated else query[key]
    return values


def _validate(model: type[M], value: Mapping[str, Any], where: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Unprocessable([_told(entry, where) for entry in error.errors(include_url=False)]) from None


def _told(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    told = _entry(entry["type"], [where, *entry["loc"]], entry["msg"], entry["input"])
    if entry["type"] == "missing" and where == "query":
        told["input"] = None
    if "ctx" in entry:
        told["ctx"] = {key: str(v) if isinstance(v, Exception) else v for key, v in entry["ctx"].items()}
    return told


def _entry(kind: str, loc: list[str | int], msg: str, value: Any) -> dict[str, Any]:
    return {"type": kind, "loc": loc, "msg": msg, "input": value}


def _json_invalid(body: bytes, error: str) -> dict[str, Any]:
    found = _POSITION.match(error)
    what, offset = error, 0
    if found:
        lines = body.split(b"\n")[: int(found["line"]) - 1]
        what, offset = found["what"], sum(len(line) + 1 for line in lines) + int(found["column"]) - 1
    return {**_entry("json_invalid", ["body", max(offset, 0)], "JSON decode error", {}), "ctx": {"error": what}}


def _is_json(content_type: str | None) -> bool:
    if not content_type:
        return True
    message = Message()
    message["content-type"] = content_type
    return message.get_content_maintype() == "application" and (
        message.get_content_subtype() == "json" or message.get_content_subtype().endswith("+json")
    )
