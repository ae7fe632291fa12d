"""What was sent to a webhook, what waits, and sending it again (docs/how-to/webhooks.md)."""

from starlette.requests import Request
from starlette.responses import Response

from conda_store_api.repositories import webhook_deliveries
from conda_store_api.routes.context import api_of, changing_webhooks
from conda_store_api.routes.webhook_shapes import (
    DeliveryIdModel,
    DeliveryModel,
    DeliveryPageModel,
    DeliveryQuery,
    ReplayBody,
    ReplayedModel,
    delivery_shape,
)
from conda_store_api.routes.webhooks import NO_WEBHOOK, OWNED, SEEN
from conda_store_api.use_cases.event_readers import event_reader
from conda_store_api.use_cases.find_webhook import find_webhook
from conda_store_api.use_cases.replay_events import (
    find_delivery,
    ping_webhook,
    replay_delivery,
    replay_span,
    skip_delivery,
)
from conda_store_shared.db.moments import now
from conda_store_shared.web.answers import JsonResponse, ack, ok
from conda_store_shared.web.authentication import principal_of
from conda_store_shared.web.models import Ack, Envelope
from conda_store_shared.web.operation import operation
from conda_store_shared.web.parsing import parse_json, parse_query

_NO_DELIVERY = {404: "There is no such webhook or delivery, or it is none of the caller's business."}
_FULL = "Too much waits already"


@operation("List deliveries", SEEN, DeliveryPageModel, query=DeliveryQuery, errors=NO_WEBHOOK)
async def list_deliveries(request: Request) -> Response:
    """List what was sent to a webhook, and what waits."""
    filters = parse_query(request, DeliveryQuery).to_filter(api_of(request).max_page_size)
    async with api_of(request).transactions.database.session() as session:
        webhook = await find_webhook(session, request.path_params["webhook_id"], await principal_of(request))
        shapes = [delivery_shape(row) for row in await webhook_deliveries.list_deliveries(session, webhook.id, filters)]
    cursor = str(shapes[-1]["id"]) if len(shapes) == filters.limit else None
    return JsonResponse({"status": "ok", "data": shapes, "message": None, "cursor": cursor})


@operation("Show a delivery", SEEN, Envelope[DeliveryModel], errors=_NO_DELIVERY)
async def show_delivery(request: Request) -> Response:
    """Show one delivery with every attempt at it."""
    webhook_id, delivery_id = _ids(request)
    async with api_of(request).transactions.database.session() as session:
        webhook = await find_webhook(session, webhook_id, await principal_of(request))
        return ok(delivery_shape(await find_delivery(session, webhook, delivery_id)))


@operation("Ping a webhook", OWNED, Envelope[DeliveryIdModel], errors={409: f"{_FULL}.", **NO_WEBHOOK})
async def ping(request: Request) -> Response:
    """Send a ping at once, whatever the state of the webhook; what came of it is shown with its delivery."""
    async with changing_webhooks(request) as transaction:
        added = await ping_webhook(request.path_params["webhook_id"], await principal_of(request), transaction, now())
    return ok({"delivery_id": added})


@operation(
    "Send an event again",
    OWNED,
    Envelope[DeliveryIdModel],
    errors={409: f"It is a ping, or waits to be sent, or the webhook is not active.  {_FULL}.", **_NO_DELIVERY},
)
async def replay(request: Request) -> Response:
    """Send the event of a delivery once more, at once, with the same `webhook-id`."""
    async with changing_webhooks(request) as transaction:
        added = await replay_delivery(*_ids(request), await principal_of(request), transaction, now())
    return ok({"delivery_id": added})


@operation(
    "Send events again",
    OWNED,
    Envelope[ReplayedModel],
    body=ReplayBody,
    errors={400: "There is no such type, or no beginning.", 409: f"The webhook is not active.  {_FULL}.", **NO_WEBHOOK},
)
async def replay_events(request: Request) -> Response:
    """Send events of the log once more, the oldest first and 1,000 at most, with the same `webhook-id`."""
    span, principal = (await parse_json(request, ReplayBody)).to_span(), await principal_of(request)
    asking = principal, event_reader(principal)
    async with changing_webhooks(request) as transaction:
        found = await replay_span(request.path_params["webhook_id"], span, asking, transaction, now())
    return ok({"deliveries": found.deliveries, "after": None if found.after is None else str(found.after)})


@operation("Skip a delivery", OWNED, Ack, errors={409: "It is over already.", **_NO_DELIVERY})
async def skip(request: Request) -> Response:
    """Give up what waits; the next event is sent at once."""
    async with changing_webhooks(request) as transaction:
        await skip_delivery(*_ids(request), await principal_of(request), transaction, now())
    return ack("delivery skipped")


def _ids(request: Request) -> tuple[int, int]:
    return request.path_params["webhook_id"], request.path_params["delivery_id"]
