"""The registry of container images that docker and its like pull from (contract §1.8)."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import quote, urlencode

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from conda_store_artifacts.domain.image_path import ImagePath, Kind
from conda_store_artifacts.repositories.environments import find_environment
from conda_store_artifacts.repositories.images import find_image_blob, list_tags
from conda_store_artifacts.routes.context import downloads_of
from conda_store_artifacts.routes.object_response import object_response
from conda_store_artifacts.routes.registry_answers import (
    HEADERS,
    Greeting,
    Refusal,
    Refused,
    answer,
    refuse,
    told,
)
from conda_store_artifacts.routes.registry_caller import Caller, caller_of, issue_registry_token
from conda_store_artifacts.use_cases.await_image import NoSuchImage, NoSuchRepository, Puller, PullTools, await_image
from conda_store_artifacts.use_cases.read_manifest import NotAccepted, ServedManifest, read_document, read_image
from conda_store_shared.errors import NotAuthorized, NotFound
from conda_store_shared.web.access import ByUseCase
from conda_store_shared.web.authentication import Authenticator, principal_of
from conda_store_shared.web.operation import Anyone, Content, operation
from conda_store_shared.web.routing import lift_deadline, resource

_AS_SPECIFIED = ByUseCase("Needs `environment::read` on the image's environment; 401 asks for a credential.")
_OCTETS = "application/octet-stream"
_UNAUTHORIZED = told(401, "A credential is needed.")
_NUMBER = re.compile(r"[0-9]{1,9}")


class TagsQuery(BaseModel):
    """At most ``n`` tags, those after ``last``."""

    n: str | None = None
    last: str | None = None


class TokenQuery(BaseModel):
    """``scope`` is ``repository:<image>:pull``, once for each image; ``service`` and others are of no effect."""

    service: str | None = None
    scope: str | None = None
    account: str | None = None


class RegistryToken(BaseModel):
    """A token for images, worth something for ``expires_in`` seconds."""

    token: str
    access_token: str
    expires_in: int
    issued_at: str


@operation("Greet a client of the registry", _AS_SPECIFIED, Greeting, _UNAUTHORIZED)
async def show_registry(request: Request) -> Response:
    """Tell that this is a registry, to those who are logged in."""
    caller = await caller_of(request)
    return answer({}) if caller.authenticated else refuse(Refused(Refusal.UNAUTHORIZED), request)


@operation(
    "Issue a token for images",
    ByUseCase("Needs a credential, such as a token as the password of Basic authentication."),
    RegistryToken,
    _UNAUTHORIZED,
    query=TokenQuery,
)
async def get_registry_token(request: Request) -> Response:
    """Issue a token that allows to pull what the caller may read of what was asked for."""
    principal, authenticator = await principal_of(request), resource(request, Authenticator)
    if not principal.authenticated:
        return refuse(Refused(Refusal.UNAUTHORIZED), request)
    scopes = " ".join(request.query_params.getlist("scope")).split()
    return answer(issue_registry_token(principal, scopes, authenticator, authenticator.clock()))


@operation(
    "Pull a part of an image",
    _AS_SPECIFIED,
    Content(told="The manifest, blob or list of tags.", media_type=_OCTETS),
    Content(told="The part of a blob that was asked for.", status=206, media_type=_OCTETS),
    Content(told="It is what the caller has already.", status=304),
    Content(told="To the blob.", status=307),
    _UNAUTHORIZED,
    told(403, "The caller may not read the environment."),
    told(404, "The registry knows no such image, manifest or blob."),
    told(405, "The registry knows no such request."),
    Content(told="The blob has no such part.", status=416),
    query=TagsQuery,
)
async def get_from_registry(request: Request) -> Response:
    """Answer with a manifest, a blob, or the tags of an image; waits for an image that is being made."""
    try:
        image, caller = await _admit(request)
        return await _ANSWERS[image.kind](request, image, caller)
    except Refused as refused:
        return refuse(refused, request)


@operation(
    "Push a part of an image",
    Anyone(),
    told(405, "Images are pulled from here, never pushed."),
)
async def refuse_push(request: Request) -> Response:
    """Tell clients that push in their own words that nothing is taken."""
    response = refuse(Refused(Refusal.UNSUPPORTED, "images are made of environments here; none is taken"), request)
    response.headers["Allow"] = "GET, HEAD"
    return response


async def _admit(request: Request) -> tuple[ImagePath, Caller]:
    image = ImagePath.parse(request.path_params["rest"])
    if image is None:
        raise Refused(Refusal.UNSUPPORTED)
    caller = await caller_of(request)
    if not caller.authenticated:
        raise Refused(Refusal.UNAUTHORIZED, scope=f"repository:{image.name}:pull")
    if not caller.may_pull(image):
        raise Refused(Refusal.DENIED)
    return image, caller


async def _manifest(request: Request, image: ImagePath, caller: Caller) -> Response:
    downloads = downloads_of(request)
    if image.digest is not None:
        key = await _key_of(request, image, image.digest, Refusal.MANIFEST_UNKNOWN)
        return _document_response(request, await read_document(key, downloads.store))
    if ":" in image.reference:
        raise Refused(Refusal.MANIFEST_UNKNOWN, "digests are sha256: and 64 hexadecimal digits")
    lift_deadline(request)
    # Docker names each form on a line of its own.
    accept = ", ".join(request.headers.getlist("accept"))
    puller = Puller(may_make=caller.may_make(image), has_left=request.is_disconnected)
    try:
        build_key = await await_image(image, puller, resource(request, PullTools))
        served = await read_image(build_key, accept, downloads.store)
    except NoSuchRepository as error:
        raise Refused(Refusal.NAME_UNKNOWN, error.message) from error
    except NotAuthorized as error:
        raise Refused(Refusal.DENIED, "the environment of the image does not exist, and may not be created") from error
    except (NoSuchImage, NotAccepted, NotFound) as error:
        raise Refused(Refusal.MANIFEST_UNKNOWN, error.message) from error
    return _document_response(request, served)


def _document_response(request: Request, served: ServedManifest) -> Response:
    headers = {
        **HEADERS,
        "Docker-Content-Digest": f"sha256:{served.digest}",
        "ETag": f'"sha256:{served.digest}"',
        "Cache-Control": "private, no-cache",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(served.content, 200, headers, served.media_type)


async def _blob(request: Request, image: ImagePath, _caller: Caller) -> Response:
    if image.digest is None:
        raise Refused(Refusal.BLOB_UNKNOWN, "digests are sha256: and 64 hexadecimal digits")
    store = downloads_of(request).store
    key = await _key_of(request, image, image.digest, Refusal.BLOB_UNKNOWN)
    headers = {**HEADERS, "Docker-Content-Digest": f"sha256:{image.digest}"}
    if request.method != "HEAD" and (address := await store.address(key, _OCTETS)) is not None:
        return RedirectResponse(address, 307, headers)
    stored = await store.head(key)
    if stored is None:
        raise Refused(Refusal.BLOB_UNKNOWN)
    return object_response(request, store, stored, _OCTETS, headers)


async def _key_of(request: Request, image: ImagePath, digest: str, unknown: Refusal) -> str:
    """Where something of an image is stored; what belongs to none of the environment's is unknown there."""
    async with downloads_of(request).database.reader() as reader:
        found = await find_image_blob(reader, image.namespace, image.stored_environment, digest)
        if found is None and await find_environment(reader, image.namespace, image.stored_environment) is None:
            raise Refused(Refusal.NAME_UNKNOWN)
    if found is None:
        raise Refused(unknown)
    return found.key


async def _tags(request: Request, image: ImagePath, _caller: Caller) -> Response:
    async with downloads_of(request).database.reader() as reader:
        tags = await list_tags(reader, image.namespace, image.stored_environment)
    if not tags:
        # No image of this environment was ever made: so says the reference registry too.
        raise Refused(Refusal.NAME_UNKNOWN)
    query = request.query_params
    after = [tag for tag in tags if tag > query.get("last", "")]
    limit = int(query["n"]) if _NUMBER.fullmatch(query.get("n", "")) else len(after)
    response = answer({"name": image.name, "tags": after[:limit]})
    if 0 < limit < len(after):
        more = urlencode({"n": limit, "last": after[limit - 1]})
        response.headers["Link"] = f'<{quote(request.scope["path"])}?{more}>; rel="next"'
    return response


_ANSWERS: dict[Kind, Callable[[Request, ImagePath, Caller], Awaitable[Response]]] = {
    Kind.MANIFEST: _manifest,
    Kind.BLOB: _blob,
    Kind.TAGS: _tags,
}
