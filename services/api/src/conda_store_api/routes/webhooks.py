"""Webhooks: addresses that are told of events (docs/how-to/webhooks.md)."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories import webhooks
from conda_store_api.routes.context import api_of, changing_webhooks
from conda_store_api.routes.webhook_shapes import (
    NewSecretModel,
    NewWebhookBody,
    NewWebhookModel,
    RotationBody,
    WebhookChangeBody,
    WebhookModel,
    WebhookPageModel,
    WebhookQuery,
    webhook_shape,
)
from conda_store_api.use_cases.change_webhook import change_webhook, remove_webhook
from conda_store_api.use_cases.create_webhook import create_webhook
from conda_store_api.use_cases.find_webhook import find_webhook, viewer_of
from conda_store_api.use_cases.rotate_webhook_secret import rotate_webhook_secret
from conda_store_shared.db.models import Webhook
from conda_store_shared.db.moments import now
from conda_store_shared.web.access import LoggedIn
from conda_store_shared.web.answers import JsonResponse, ack, ok
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.models import Ack, Envelope
from conda_store_shared.web.operation import operation
from conda_store_shared.web.parsing import parse_json, parse_query

SEEN = LoggedIn("Needs a login; for its owner, and for whoever has `setting::update` at its place.")
OWNED = LoggedIn("Needs a login; for its owner alone.")
NO_WEBHOOK = {404: "There is no such webhook, or it is none of the caller's business."}
_REFUSED = "The url, a type or the place does not make sense, or nothing may be sent to the url."
_TOO_MANY = "There is one of this url and place already, or the owner has as many as there may be."


@operation(
    "Make a webhook",
    LoggedIn("Needs a login, and `environment::read` or `namespace::read` somewhere in the place."),
    Envelope[NewWebhookModel],
    body=NewWebhookBody,
    errors={400: _REFUSED, 404: "There is no such place.", 409: _TOO_MANY},
)
async def post_webhook(request: Request) -> Response:
    """Have events sent from now on, signed with the secret in the answer, which is shown this once."""
    new, principal = (await parse_json(request, NewWebhookBody)).to_new(), await principal_of(request)
    async with changing_webhooks(request) as transaction:
        webhook, secret = await create_webhook(new, principal, api_of(request).webhooks, transaction, now())
    shape = webhook_shape(webhook, [secret], principal.primary_namespace)
    return _once({**shape, "secret": secret.secret})


@operation(
    "List webhooks",
    LoggedIn("Needs a login; shows the caller's own, and those of places where they have `setting::update`."),
    WebhookPageModel,
    query=WebhookQuery,
)
async def list_webhooks(request: Request) -> Response:
    """List webhooks; never their secrets."""
    principal = await principal_of(request)
    filters = parse_query(request, WebhookQuery).to_filter(api_of(request).max_page_size)
    async with api_of(request).transactions.database.session() as session:
        rows = await webhooks.list_webhooks(session, viewer_of(principal), filters)
        shapes = await _shapes(session, rows, principal.primary_namespace)
    cursor = str(shapes[-1]["id"]) if len(shapes) == filters.limit else None
    return JsonResponse({"status": "ok", "data": shapes, "message": None, "cursor": cursor})


@operation("Show a webhook", SEEN, Envelope[WebhookModel], errors=NO_WEBHOOK)
async def show_webhook(request: Request) -> Response:
    """Show one webhook; never its secrets."""
    principal = await principal_of(request)
    async with api_of(request).transactions.database.session() as session:
        webhook = await find_webhook(session, request.path_params["webhook_id"], principal)
        (shape,) = await _shapes(session, [webhook], principal.primary_namespace)
    return ok(shape)


@operation(
    "Change a webhook",
    LoggedIn("Needs a login; for its owner.  Whoever has `setting::update` at its place may change its state."),
    Envelope[WebhookModel],
    body=WebhookChangeBody,
    errors={400: _REFUSED, 409: "The owner has another of this url and place.", **NO_WEBHOOK},
)
async def put_webhook(request: Request) -> Response:
    """Change what the body names; what waits to be sent again is sent at once."""
    change, principal = await parse_json(request, WebhookChangeBody), await principal_of(request)
    wanted, webhook_id = change.to_change(api_of(request).webhooks), request.path_params["webhook_id"]
    async with changing_webhooks(request) as transaction:
        webhook = await change_webhook(webhook_id, wanted, principal, transaction, now())
        (shape,) = await _shapes(transaction.session, [webhook], principal.primary_namespace)
    return ok(shape)


@operation("Remove a webhook", SEEN, Ack, errors=NO_WEBHOOK)
async def delete_webhook(request: Request) -> Response:
    """Remove a webhook, and what waits for it."""
    async with changing_webhooks(request) as transaction:
        await remove_webhook(request.path_params["webhook_id"], await principal_of(request), transaction)
    return ack("webhook removed")


@operation(
    "Give a webhook a new secret",
    OWNED,
    Envelope[NewSecretModel],
    body=RotationBody,
    body_optional=True,
    errors=NO_WEBHOOK,
)
async def post_secret(request: Request) -> Response:
    """Sign with a new secret, shown this once, and for a while with the one before it."""
    body = await parse_json(request, RotationBody, optional=True)
    overlap, webhook_id = timedelta(seconds=body.expire_old_after), request.path_params["webhook_id"]
    async with changing_webhooks(request) as transaction:
        secret = await rotate_webhook_secret(webhook_id, overlap, await principal_of(request), transaction, now())
    return _once({"secret": secret.secret})


def _once(data: dict[str, Any]) -> Response:
    """An answer that nobody may keep."""
    return JsonResponse({"status": "ok", "data": data, "message": None}, headers={"Cache-Control": "no-store"})


async def _shapes(session: AsyncSession, rows: Sequence[Webhook], viewer: str) -> list[dict[str, Any]]:
    secrets = await webhooks.list_secrets(session, [row.id for row in rows], now())
    return [webhook_shape(row, secrets.get(row.id, []), viewer) for row in rows]
