"""An object of the store as an answer: whole, in part, or only what is known of it."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import format_datetime

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from conda_store_artifacts.routes.conditional_request import select
from conda_store_shared.storage.object_store import ObjectStore, StoredObject


def object_response(
    request: Request, store: ObjectStore, stored: StoredObject, content_type: str, headers: Mapping[str, str]
) -> Response:
    """Stream an object, or the part of it that is wanted; ``headers`` go with every answer but for ETag's."""
    selection = select(request.headers, stored)
    told = {**_validators(stored), **headers}
    if selection.status == 416:
        told["Content-Range"] = f"bytes */{stored.size}"
    if selection.status not in (200, 206):
        return Response(status_code=selection.status, headers=told)
    told["Content-Length"] = str(selection.end - selection.start)
    told["Content-Type"] = content_type
    if selection.status == 206:
        told["Content-Range"] = f"bytes {selection.start}-{selection.end - 1}/{stored.size}"
    if request.method == "HEAD":
        return Response(status_code=selection.status, headers=told)
    return StreamingResponse(store.stream(stored.key, selection.start, selection.end), selection.status, told)


def _validators(stored: StoredObject) -> dict[str, str]:
    # An object of a build may be written again (a log that grew), and not everybody may read it.
    headers = {"ETag": f'"{stored.etag}"', "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache"}
    if stored.modified is not None:
        headers["Last-Modified"] = format_datetime(stored.modified.astimezone(UTC), usegmt=True)
    return headers
