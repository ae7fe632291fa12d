"""The registry of container images that docker and its like pull from; no build has left an image behind yet."""

import json
from enum import Enum

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_artifacts.domain.image_path import ImagePath, Kind
from conda_store_artifacts.repositories.environments import find_environment
from conda_store_artifacts.routes.context import downloads_of
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import NotAuthorized
from conda_store_shared.web.access import ByUseCase
from conda_store_shared.web.answers import DEPRECATED
from conda_store_shared.web.authentication import Principal, authorize, principal_of
from conda_store_shared.web.operation import Content, operation

_JSON = "application/json"
_HEADERS = {"Docker-Distribution-Api-Version": "registry/2.0", **DEPRECATED}
_AS_SPECIFIED = ByUseCase("Needs `environment::read` on the image's environment; 401 asks for a credential.")


class Refusal(Enum):
    """Errors of the distribution specification: code, status, message."""

    NAME_UNKNOWN = (404, "repository name not known to registry")
    BLOB_UNKNOWN = (404, "blob unknown to registry")
    MANIFEST_UNKNOWN = (404, "manifest unknown")
    UNAUTHORIZED = (401, "authentication required")
    UNSUPPORTED = (405, "The operation is unsupported")
    DENIED = (403, "requested access to the resource is denied")


class RegistryError(BaseModel):
    """An error of the distribution specification."""

    code: str
    message: str
    detail: None


class RegistryErrors(BaseModel):
    """What the registry refuses, and why."""

    errors: list[RegistryError]


class Greeting(BaseModel):
    """The registry speaks version 2."""


def _told(status: int, text: str) -> Content:
    return Content(told=text, status=status, media_type=_JSON, model=RegistryErrors)


_UNAUTHORIZED = _told(401, "A credential is needed.")


@operation(
    "Greet a client of the registry",
    _AS_SPECIFIED,
    Greeting,
    _UNAUTHORIZED,
)
async def show_registry(request: Request) -> Response:
    """Tell that this is a registry, to those who are logged in."""
    principal = await principal_of(request)
    return _answer({}, 200) if principal.authenticated else _refused(Refusal.UNAUTHORIZED)


@operation(
    "Pull a part of an image",
    _AS_SPECIFIED,
    Content(told="The manifest, blob or list of tags.", media_type="application/octet-stream"),
    _UNAUTHORIZED,
    _told(403, "The caller may not read the environment."),
    _told(404, "The registry knows no such image, manifest or blob."),
    _told(405, "The registry knows no such request."),
)
async def get_from_registry(request: Request) -> Response:
    """Answer with a manifest, a blob, or the tags of an image."""
    image = ImagePath.parse(request.path_params["rest"])
    refusal = _refusal(image, await principal_of(request))
    if image is None or refusal is not None:
        return _refused(refusal or Refusal.UNSUPPORTED)
    async with downloads_of(request).database.reader() as reader:
        known = await find_environment(reader, image.namespace, image.environment) is not None
    return _refused(_absent(image.kind) if known else Refusal.NAME_UNKNOWN)


def _refusal(image: ImagePath | None, principal: Principal) -> Refusal | None:
    if image is None:
        return Refusal.UNSUPPORTED
    if not principal.authenticated:
        return Refusal.UNAUTHORIZED
    try:
        authorize(principal, (Permission.ENVIRONMENT_READ,), image.namespace, image.environment)
    except NotAuthorized:
        return Refusal.DENIED
    return None


def _absent(kind: Kind) -> Refusal:
    if kind == Kind.TAGS:
        # No image of this environment was pushed or built: so says the reference registry too.
        return Refusal.NAME_UNKNOWN
    return Refusal.MANIFEST_UNKNOWN if kind == Kind.MANIFEST else Refusal.BLOB_UNKNOWN


def _refused(refusal: Refusal) -> Response:
    status, message = refusal.value
    answer = _answer({"errors": [{"code": refusal.name, "message": message, "detail": None}]}, status)
    if refusal == Refusal.UNAUTHORIZED:
        answer.headers["Www-Authenticate"] = 'Basic realm="Registry Realm"'
    return answer


def _answer(content: object, status: int) -> Response:
    return Response(json.dumps(content, indent=3), status, _HEADERS, _JSON)
