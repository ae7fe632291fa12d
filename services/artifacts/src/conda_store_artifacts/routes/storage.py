"""Objects of a store that has no addresses of its own, served to those who may read the build (contract §1.7)."""

from email.utils import format_datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from conda_store_artifacts.routes.access import OnObject
from conda_store_artifacts.routes.conditional_request import Selection, select
from conda_store_artifacts.routes.context import downloads_of
from conda_store_shared.storage.object_store import ObjectStore, StoredObject
from conda_store_shared.web.models import NotFoundAnswer
from conda_store_shared.web.operation import Content, operation

# As a server of plain files would guess them; browsers show logs and documents rather than download them.
_TYPES = {".log": "text/plain; charset=utf-8", ".yml": "text/plain; charset=utf-8", ".tar.gz": "application/x-tar"}


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
    return _object_response(store, stored, select(request.headers, stored), request.method)


def _object_response(store: ObjectStore, stored: StoredObject, selection: Selection, method: str) -> Response:
    headers = _validators(stored)
    if selection.status == 416:
        headers["Content-Range"] = f"bytes */{stored.size}"
    if selection.status not in (200, 206):
        return Response(status_code=selection.status, headers=headers)
    headers["Content-Length"] = str(selection.end - selection.start)
    headers["Content-Type"] = next(kind for suffix, kind in _TYPES.items() if stored.key.endswith(suffix))
    if selection.status == 206:
        headers["Content-Range"] = f"bytes {selection.start}-{selection.end - 1}/{stored.size}"
    if method == "HEAD":
        return Response(status_code=selection.status, headers=headers)
    content = store.stream(stored.key, selection.start, selection.end)
    return StreamingResponse(content, selection.status, headers)


def _validators(stored: StoredObject) -> dict[str, str]:
    # An object of a build may be written again (a log that grew), and not everybody may read it.
    headers = {"ETag": f'"{stored.etag}"', "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if stored.modified is not None:
        headers["Last-Modified"] = format_datetime(stored.modified, usegmt=True)
    return headers
