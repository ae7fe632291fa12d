"""Where a build comes from, signed by the site, and the key to check it with."""

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from conda_store_artifacts.ports import Signer
from conda_store_artifacts.routes.context import downloads_of
from conda_store_artifacts.use_cases.describe_build import describe_provenance
from conda_store_shared.domain.permission import Permission
from conda_store_shared.errors import NotFound
from conda_store_shared.web.answers import JsonResponse, ok
from conda_store_shared.web.build_access import OnBuild, build_place
from conda_store_shared.web.models import Envelope
from conda_store_shared.web.operation import Anyone, Content, operation

_DSSE = "application/vnd.dsse.envelope.v1+json"
_UNSIGNED = (
    "this server signs no provenance; its administrator switches that on by CondaStore.signing_key, a private ed25519 "
    "key in PEM: `openssl genpkey -algorithm ed25519`"
)


class KeyModel(BaseModel):
    """``key_id`` is the SHA-256 (hex) of the public key as DER; ``public_key`` is the same key in PEM."""

    key_id: str
    algorithm: str
    public_key: str


@operation(
    "Download the provenance",
    OnBuild(Permission.ENVIRONMENT_READ),
    Content(told="A DSSE envelope around an in-toto statement with SLSA provenance.", media_type=_DSSE),
    errors={404: "There is no such build, it is not completed, or this server signs nothing."},
)
async def get_provenance(request: Request) -> Response:
    """What a build left behind and what went into it, signed."""
    downloads, signer = downloads_of(request), _signer(request)
    envelope = await describe_provenance(
        build_place(request), signer, downloads.site, database=downloads.database, store=downloads.store
    )
    return JsonResponse(envelope, headers={"Content-Type": _DSSE})


@operation(
    "Show the key that provenance is signed with",
    Anyone(),
    Envelope[KeyModel],
    errors={404: "This server signs nothing."},
)
async def get_key(request: Request) -> Response:
    """The public key of the site."""
    signer = _signer(request)
    return ok(KeyModel(key_id=signer.key_id, algorithm="ed25519", public_key=signer.public_key))


def _signer(request: Request) -> Signer:
    signer = downloads_of(request).signer
    if signer is None:
        raise NotFound(_UNSIGNED)
    return signer
