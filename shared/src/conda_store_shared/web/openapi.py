"""The API description, OpenAPI 3.1, from route tables and models (https://spec.openapis.org/oas/v3.1.0)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from conda_store_shared.web.models import ErrorAnswer, UnprocessableAnswer
from conda_store_shared.web.operation import Anyone, Content, Endpoint, Operation
from conda_store_shared.web.routing import PathRoute

Document = dict[str, Any]

_PARAMETER = re.compile(r"\{(\w+)(?::(\w+))?\}")
_JSON = "application/json"
_REFERENCE = "#/components/schemas/{model}"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
# What any operation may answer besides what it declares.
_REFUSED = "The caller may not do this."
_UNPROCESSABLE = "The path, query or body does not have the declared shape."
_TOO_LARGE = "The body is too large."
_UNAVAILABLE = "A part the service stands on does not answer; `Retry-After` says when to try again."
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "basic": {"type": "http", "scheme": "basic", "description": "Any name, and the token as password."},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "conda-store-auth", "description": "Set by logging in."},
}
# An empty requirement: without a credential the caller is anonymous, and may do what the anonymous may.
_SECURITY: list[Document] = [{}, *({name: []} for name in _SCHEMES)]


def describe_api(routes: Iterable[PathRoute], *, title: str, version: str, text: str) -> Document:
    """Return the description of every operation in ``routes``."""
    table = sorted(routes, key=lambda each: each.declared_path)
    schemas = _Schemas(endpoint.operation for each in table for endpoint in each.endpoints.values())
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": text},
        "paths": {_plain(each.declared_path): _path_item(each, schemas) for each in table},
        "components": {"schemas": schemas.definitions, "securitySchemes": _SCHEMES},
    }


class _Schemas:
    """JSON Schemas of every model, under names that are unique in the document."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {
            (ErrorAnswer, "serialization"): None,
            (UnprocessableAnswer, "serialization"): None,
        }
        bodies = set()
        for operation in operations:
            bodies.add(operation.body)
            wanted |= {(model, "validation"): None for model in (operation.query, operation.body) if model}
            models = (each.model if isinstance(each, Content) else each for each in operation.answers)
            wanted |= {(model, "serialization"): None for model in models if model}
        self._of, told = models_json_schema(list(wanted), ref_template=_REFERENCE)
        self._all: dict[str, Any] = told.get("$defs", {})
        self._queries = {self._name(model) for model, mode in wanted if mode == "validation" and model not in bodies}

    @property
    def definitions(self) -> Document:
        """The schemas that the document refers to; a query's fields are told one by one."""
        return {name: schema for name, schema in self._all.items() if name not in self._queries}

    def reference(self, model: type[BaseModel], mode: JsonSchemaMode = "serialization") -> Document:
        """A reference to a model's schema."""
        return self._of[(model, mode)]

    def fields(self, model: type[BaseModel]) -> tuple[Mapping[str, Any], frozenset[str]]:
        """The properties of a model, and the names of those that are required."""
        schema = self._all[self._name(model)]
        return schema.get("properties", {}), frozenset(schema.get("required", ()))

    def _name(self, model: type[BaseModel]) -> str:
        return str(self.reference(model, "validation")["$ref"]).rpartition("/")[2]


def _path_item(route: PathRoute, schemas: _Schemas) -> Document:
    return {
        method.lower(): _operation(method, route.declared_path, endpoint, schemas)
        for method, endpoint in sorted(route.endpoints.items())
    }


def _operation(method: str, path: str, endpoint: Endpoint, schemas: _Schemas) -> Document:
    declared = endpoint.operation
    told: Document = {
        "operationId": "_".join([method.lower(), *re.findall(r"\w+", _PARAMETER.sub(r"\1", path))]),
        "summary": declared.summary,
        "description": f"{_documentation(endpoint)}\n\n{declared.access.told}",
        "tags": [_tag(path)],
        "parameters": [*_path_parameters(path), *_query_parameters(declared, schemas)],
        "responses": _responses(method, path, declared, schemas),
    }
    if declared.deprecated:
        told["deprecated"] = True
    if declared.body is not None:
        content = {_JSON: {"schema": schemas.reference(declared.body, "validation")}}
        told["requestBody"] = {"required": not declared.body_optional, "content": content}
    if not isinstance(declared.access, Anyone):
        told["security"] = _SECURITY
    return told


def _responses(method: str, path: str, declared: Operation, schemas: _Schemas) -> Document:
    own = {answer.status for answer in declared.answers if isinstance(answer, Content)}
    shared = {status: text for status, text in _shared_errors(method, path, declared).items() if status not in own}
    errors = {**shared, **declared.errors}
    responses = {str(status): _error(status, text, schemas) for status, text in sorted(errors.items())}
    for answer in declared.answers:
        if isinstance(answer, Content):
            schema = schemas.reference(answer.model) if answer.model else {"type": _kind_of(answer.media_type)}
            content = {answer.media_type: {"schema": schema}} if answer.media_type else None
            _add_response(responses, answer.status, answer.told, content)
        else:
            text = (answer.__doc__ or "").strip().partition("\n")[0]
            _add_response(responses, 200, text, {_JSON: {"schema": schemas.reference(answer)}})
    return responses


def _kind_of(media_type: str | None) -> str:
    """What a document without a model is, once it is read: documents of others are told by their media type."""
    return "object" if media_type and media_type.endswith(("json", "yaml")) else "string"


def _add_response(responses: Document, status: int, text: str, content: Document | None) -> None:
    known = responses.setdefault(str(status), {"description": text})
    if known["description"] != text:
        known["description"] += f" Or: {text}"
    for media_type, told in (content or {}).items():
        one = known.setdefault("content", {}).setdefault(media_type, told)
        if one is not told:
            one["schema"] = {"anyOf": [*one["schema"].get("anyOf", [one["schema"]]), told["schema"]]}


def _shared_errors(method: str, path: str, declared: Operation) -> dict[int, str]:
    errors = {503: _UNAVAILABLE}
    if not isinstance(declared.access, Anyone):
        errors[403] = _REFUSED
    if method in _WITH_BODY:
        errors[413] = _TOO_LARGE
    if declared.query or declared.body or ":int}" in path:
        errors[422] = _UNPROCESSABLE
    return errors


def _error(status: int, text: str, schemas: _Schemas) -> Document:
    model = UnprocessableAnswer if status == 422 else ErrorAnswer
    return {"description": text, "content": {_JSON: {"schema": schemas.reference(model)}}}


def _path_parameters(path: str) -> list[Document]:
    kinds = {"int": {"type": "integer"}}
    return [
        {"name": name, "in": "path", "required": True, "schema": kinds.get(kind, {"type": "string", "minLength": 1})}
        for name, kind in _PARAMETER.findall(path)
    ]


def _query_parameters(declared: Operation, schemas: _Schemas) -> list[Document]:
    if declared.query is None:
        return []
    fields, required = schemas.fields(declared.query)
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _without_null(schema)}
        for name, schema in fields.items()
    ]


def _without_null(schema: Document) -> Document:
    """A query leaves out what it does not mean: it cannot say null."""
    plain = {key: value for key, value in schema.items() if key not in ("title", "anyOf") and value is not None}
    kinds = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    return {**plain, **kinds[0]} if len(kinds) == 1 else {**plain, **({"anyOf": kinds} if kinds else {})}


def _plain(path: str) -> str:
    return _PARAMETER.sub(r"{\1}", path)


def _tag(path: str) -> str:
    words = [word for word in path.split("/") if word and not re.fullmatch(r"\{.*\}|api|v\d", word)]
    return words[0] if words else "status"


def _documentation(endpoint: Endpoint) -> str:
    return (endpoint.handler.__doc__ or endpoint.operation.summary).strip()
