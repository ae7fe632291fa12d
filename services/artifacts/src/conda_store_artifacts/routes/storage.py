"""Objects of a store that has no addresses of its own, served to those who may read the build (contract §1.7)."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from conda_store_artifacts.routes.access import OnObject
from conda_store_artifacts.routes.context import downloads_of
from conda_store_artifacts.routes.object_response import object_response
from conda_store_shared.web.models import NotFoundAnswer
from conda_store_shared.web.operation import Content, operation

# As a server of plain files would guess them; browsers show logs and documents rather than download them.
_TYPES = {
    ".log": "text/plain; charset=utf-8",
    ".yml": "text/plain; charset=utf-8",
    ".tar.gz": "application/x-tar",
    ".tar.zst": "application/zstd",
    ".sh": "text/x-sh",
}


@operation(
    "Download an object",
    OnObject(),
    Content(told="The object.", media_type="*/*"),
    Content(told="The part of it that was asked for.", status=206, media_type="*/*"),
    Content(told="It is what the caller has already.", status=304),
    Content(told="There is no such object.", status=404, media_type="application/json", model=NotFoundAnswer),
    Content(told="The object has no such part.", status=416),
)
async def get_object(request: Request) -> Response:
    """Stream an object, or the part of it that is wanted."""
    store, key = downloads_of(request).store, str(request.path_params["key"])
    stored = await store.head(key)
    if stored is None:
        raise HTTPException(404)
    content_type = next(kind for suffix, kind in _TYPES.items() if key.endswith(suffix))
    return object_response(request, store, stored, content_type, {})
