"""What was sent to webhooks, what waits, and sending it again: part of conda-store webhook."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

from conda_store_client.answers import field
from conda_store_client.commands.invocation import Invocation, output_option
from conda_store_client.commands.moments import read_moment
from conda_store_client.sizes import format_moment
from conda_store_client.tables import show_rows
from conda_store_client.webhooks import about, delivery_path, outcome_of, ping, replay, webhook_path

F = TypeVar("F", bound=Callable[..., Any])

WEBHOOK_ID = click.IntRange(min=1)
_STATES = ("pending", "delivered", "failed", "skipped")
_KINDS = ("event", "replay", "ping")
_DELIVERIES = {
    "Id": "id",
    "Kind": "kind",
    "Type": "type",
    "Message": "message_id",
    "State": "state",
    "Attempts": "attempts",
    "Outcome": "outcome",
    "Created": "created_on",
    "Next attempt": "not_before",
}


def type_option(command: F) -> F:
    """The option that says of which events."""
    told = "Of which events: a type, or build.* for all of builds; repeatable.  [default: all]"
    return click.option("--type", "types", multiple=True, metavar="TYPE", help=told)(command)


@click.command("test")
@click.argument("webhook_id", metavar="ID", type=WEBHOOK_ID)
@click.pass_obj
def ping_webhook(invocation: Invocation, webhook_id: int) -> None:
    """Send a ping, and tell what the receiver answers.

    The exit status is 1 when the ping is not taken.

    \b
    Example:
      conda-store webhook test 3
    """
    with invocation.connect() as connection:
        click.echo(ping(connection, webhook_id))


@click.command("deliveries")
@click.argument("webhook_id", metavar="ID", type=WEBHOOK_ID)
@click.option("--state", type=click.Choice(_STATES), help="Only those that became this.")
@click.option("--kind", type=click.Choice(_KINDS), help="Only those of this kind.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="At most so many.")
@output_option
@click.pass_obj
def list_deliveries(  # noqa: PLR0913  one argument for each option
    invocation: Invocation, webhook_id: int, state: str | None, kind: str | None, limit: int, output: str
) -> None:
    """List what was sent, and what waits, the newest first.

    \b
    Example:
      conda-store webhook deliveries 3 --state failed
    """
    query = {name: value for name, value in {"state": state, "kind": kind}.items() if value}
    with invocation.connect() as connection, about(f"listing deliveries of webhook {webhook_id}"):
        found = connection.get_rows(f"{webhook_path(webhook_id)}delivery/", query)
        rows = list(itertools.islice(found, limit))
    shown = rows if output == "json" else map(_shown_delivery, rows)
    show_rows("Deliveries", _DELIVERIES, shown, output=output)


@click.command("replay")
@click.argument("webhook_id", metavar="ID", type=WEBHOOK_ID)
@click.argument("delivery_id", metavar="[DELIVERY]", type=WEBHOOK_ID, required=False)
@click.option("--since", callback=read_moment, metavar="WHEN", help="From then on: 10m, 2h, 7d ago, or a moment.")
@click.option("--until", callback=read_moment, metavar="WHEN", help="Until before then.")
@click.option("--after", type=click.IntRange(min=0), metavar="EVENT", help="After the event with this id.")
@click.option("--before", type=click.IntRange(min=0), metavar="EVENT", help="Before the event with this id.")
@type_option
@click.pass_obj
def replay_events(  # noqa: PLR0913  one argument for each option
    invocation: Invocation,
    webhook_id: int,
    delivery_id: int | None,
    since: datetime | None,
    until: datetime | None,
    after: int | None,
    before: int | None,
    types: Sequence[str],
) -> None:
    """Send the event of a delivery once more, or all events of a span.

    They go at once, beside what waits, with the same `webhook-id` as before.

    \b
    Examples:
      conda-store webhook replay 3 120
      conda-store webhook replay 3 --since 2h --type build.completed
    """
    given = {
        "since": since and since.isoformat(),
        "until": until and until.isoformat(),
        "after": after,
        "before": before,
        "types": list(types) or None,
    }
    span = {name: value for name, value in given.items() if value is not None}
    if (delivery_id is None) == (not span):
        raise click.UsageError("give a DELIVERY, or a span of events: --since or --after")
    with invocation.connect() as connection:
        if delivery_id is None:
            click.echo(f"{replay(connection, webhook_id, span)} events are sent again")
            return
        with about(f"replaying delivery {delivery_id} of webhook {webhook_id}"):
            added = connection.post(f"{delivery_path(webhook_id, delivery_id)}replay/", {})
        click.echo(f"sent again as delivery {field(added, 'delivery_id', int)}")


@click.command("skip")
@click.argument("webhook_id", metavar="ID", type=WEBHOOK_ID)
@click.argument("delivery_id", metavar="DELIVERY", type=WEBHOOK_ID)
@click.pass_obj
def skip_delivery(invocation: Invocation, webhook_id: int, delivery_id: int) -> None:
    """Give up an event that is not taken; those that wait behind it go at once.

    \b
    Example:
      conda-store webhook skip 3 120
    """
    with invocation.connect() as connection, about(f"skipping delivery {delivery_id} of webhook {webhook_id}"):
        connection.act(f"{delivery_path(webhook_id, delivery_id)}skip/")


def _shown_delivery(delivery: Mapping[str, Any]) -> dict[str, str]:
    """A delivery for people."""
    texts = {name: str(value) for name, value in delivery.items() if value is not None}
    moments = {name: format_moment(texts[name]) for name in ("created_on", "not_before") if name in texts}
    return texts | moments | {"attempts": str(len(field(delivery, "attempts", list))), "outcome": outcome_of(delivery)}
