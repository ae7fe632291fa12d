"""What the server is."""

from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.routes.context import api_of
from conda_store_api.routes.models import StatusModel, WorkersModel
from conda_store_shared.web.answers import DEPRECATED, JsonResponse
from conda_store_shared.web.models import Envelope
from conda_store_shared.web.operation import Anyone, operation


@operation("Show the version", Anyone(), Envelope[StatusModel])
async def show_status(request: Request) -> Response:
    """Tell the version."""
    return JsonResponse({"status": "ok", "data": {"version": api_of(request).version}, "message": None})


@operation("Inspect Celery workers", Anyone(), WorkersModel, deprecated=True)
async def show_celery(_request: Request) -> Response:
    """Tell what upstream tells when no worker answers: there is no Celery here; see the stages of a build instead."""
    return JsonResponse(dict.fromkeys(WorkersModel.model_fields), headers=DEPRECATED)
