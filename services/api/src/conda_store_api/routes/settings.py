"""Settings of the deployment, of a namespace, of an environment: what holds, and changing it (contract §1.5)."""

from typing import Any

from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories.settings import effective_settings
from conda_store_api.routes.context import api_of
from conda_store_api.routes.models import JsonObject
from conda_store_api.use_cases.change_settings import SettingsChange, change_settings
from conda_store_api.use_cases.reset_settings import SettingsReset, reset_settings
from conda_store_shared.db.moments import now
from conda_store_shared.domain.permission import Permission
from conda_store_shared.domain.settings import PartialSettings, Settings
from conda_store_shared.web.access import OnSettings
from conda_store_shared.web.answers import ok
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.models import Envelope
from conda_store_shared.web.operation import operation
from conda_store_shared.web.parsing import parse_json, parse_query


@operation("Show the settings that hold", OnSettings(Permission.SETTING_READ), Envelope[Settings])
async def show_settings(request: Request) -> Response:
    """Show every setting as it holds at one level."""
    async with api_of(request).transactions.database.session() as session:
        return ok(await effective_settings(session, api_of(request).policy.settings, *_place(request)))


@operation(
    "Change settings",
    OnSettings(Permission.SETTING_UPDATE),
    Envelope[None],
    body=PartialSettings,
    errors={400: "A key is unknown or cannot be set at this level, or a value does not fit."},
)
async def put_settings(request: Request) -> Response:
    """Set what the body names, for every build from then on."""
    change = await _change(request)
    async with api_of(request).transactions.begin() as transaction:
        await change_settings(change, api_of(request).policy, transaction)
    return ok(None, f"global setting keys {list(change.values)} updated")


class ResetQuery(BaseModel):
    """Which settings: all that are set there unless ``key`` names some."""

    key: list[str] = Field(default=[])


@operation(
    "Take settings back",
    OnSettings(Permission.SETTING_UPDATE),
    Envelope[list[str]],
    query=ResetQuery,
    errors={400: "A key is unknown."},
)
async def delete_settings(request: Request) -> Response:
    """Let hold what holds without them, for every build from then on; answers with the keys that were set."""
    reset = await _reset(request)
    async with api_of(request).transactions.begin() as transaction:
        keys = await reset_settings(reset, transaction)
    return ok(keys, f"setting keys {keys} reset")


async def _reset(request: Request) -> SettingsReset:
    keys, (namespace, environment) = parse_query(request, ResetQuery).key, _place(request)
    actor = (await principal_of(request)).primary_namespace
    return SettingsReset(namespace=namespace, environment=environment, keys=keys, actor=actor, now=now())


async def _change(request: Request) -> SettingsChange:
    values: dict[str, Any] = (await parse_json(request, JsonObject)).model_extra or {}
    namespace, environment = _place(request)
    actor = (await principal_of(request)).primary_namespace
    return SettingsChange(namespace=namespace, environment=environment, values=values, actor=actor, now=now())


def _place(request: Request) -> tuple[str | None, str | None]:
    return request.path_params.get("namespace"), request.path_params.get("environment")
