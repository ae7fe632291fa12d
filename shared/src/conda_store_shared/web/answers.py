"""Envelopes: the shape of every JSON answer (status, data, message)."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

# Said with answers that clients should stop asking for, in upstream's words.
DEPRECATED = {"Deprecation": "True", "Sunset": "Mon, 17 Mar 2025 00:00:00 UTC"}


class JsonResponse(Response):
    """JSON of plain values, dataclasses, enums, pydantic models and datetimes (ISO 8601; UTC as ``Z``)."""

    media_type = "application/json"

    def __init__(self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(content, status_code, headers)

    def render(self, content: Any) -> bytes:
        """Return the bytes; infinities, which JSON does not have, become null."""
        return to_json(content, inf_nan_mode="null")


def ok(data: Any, message: str | None = None) -> JsonResponse:
    """An answer that carries ``data``."""
    return JsonResponse({"status": "ok", "data": data, "message": message})


def ack(message: str | None = None) -> JsonResponse:
    """An answer that says it was done."""
    return JsonResponse({"status": "ok", "message": message})
