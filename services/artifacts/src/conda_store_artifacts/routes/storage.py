"""Objects of a store that has no addresses of its own, served to those who may read the build (contract §1.7)."""

from email.utils import format_datetime

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from conda_store_artifacts.routes.conditional_request import Selection, select
from conda_store_artifacts.routes.context import downloads_of, readable_build_of_key
from conda_store_shared.domain.storage_keys import build_key_of
from conda_store_shared.errors import InvalidInput, NotFound
from conda_store_shared.storage.object_store import ObjectStore, StoredObject
from conda_store_shared.web.authentication import principal_of

# As a server of plain files would guess them; browsers show logs and documents rather than download them.
_TYPES = {".log": "text/plain; charset=utf-8", ".yml": "text/plain; charset=utf-8", ".tar.gz": "application/x-tar"}


async def get_object(request: Request) -> Response:
    """Stream an object, or the part of it that is wanted."""
    store, key = downloads_of(request).store, await _readable_key(request)
    stored = await store.head(key)
    if stored is None:
        raise HTTPException(404)
    return _object_response(store, stored, select(request.headers, stored), request.method)


async def _readable_key(request: Request) -> str:
    """Return the key in the path; nobody learns whether there is an object before they may read its build."""
    downloads, key = downloads_of(request), str(request.path_params["key"])
    build_key = build_key_of(key)
    try:
        if build_key is None or await downloads.store.address(key, "") is not None:
            raise HTTPException(404)
        await principal_of(request)
        async with downloads.database.session() as session:
            await readable_build_of_key(request, session, build_key)
    except (NotFound, InvalidInput):
        raise HTTPException(404) from None
    return key


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
