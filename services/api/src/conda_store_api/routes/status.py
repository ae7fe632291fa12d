"""What the server is."""

from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.routes.context import api_of
from conda_store_shared.web.answers import JsonResponse


async def show_status(request: Request) -> Response:
    """Tell the version."""
    return JsonResponse({"status": "ok", "data": {"version": api_of(request).version}, "message": None})
