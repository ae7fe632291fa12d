"""conda-store webhook."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from conda_store_client.answers import field
from conda_store_client.commands.invocation import Invocation, output_option
from conda_store_client.commands.webhook_deliveries import (
    WEBHOOK_ID,
    list_deliveries,
    ping_webhook,
    replay_events,
    skip_delivery,
    type_option,
)
from conda_store_client.sizes import format_moment
from conda_store_client.tables import show_rows
from conda_store_client.webhooks import PATH, about, webhook_path

_WEBHOOKS = {
    "Id": "id",
    "Url": "url",
    "Place": "place",
    "Types": "types",
    "State": "state",
    "Failing since": "failing_since",
    "Description": "description",
}


@click.group("webhook")
def webhook_group() -> None:
    """Have events sent to an address of yours.

    Each event is a signed POST, by the rules of Standard Webhooks: docs/how-to/webhooks.md.

    \b
    Examples:
      conda-store webhook add https://ci.example.org/hook --namespace ml --type build.completed
      conda-store webhook test 3
      conda-store webhook deliveries 3 --state failed
      conda-store webhook replay 3 --since 2h
    """


for _command in (ping_webhook, list_deliveries, replay_events, skip_delivery):
    webhook_group.add_command(_command)


@webhook_group.command("add")
@click.argument("url")
@click.option("--namespace", help="Events of this namespace and its environments.  [default: all you may read]")
@click.option("--environment", metavar="NAME", help="Events of this environment of the namespace only.")
@type_option
@click.option("--description", default="", help="What it is for.")
@click.option("--json", "is_json", is_flag=True, help="Print the webhook with its secret as JSON.")
@click.pass_obj
def add_webhook(  # noqa: PLR0913  one argument for each option
    invocation: Invocation,
    url: str,
    namespace: str | None,
    environment: str | None,
    types: Sequence[str],
    description: str,
    *,
    is_json: bool,
) -> None:
    """Have what happens from now on sent to URL; print the secret that it is signed with.

    The secret is printed this once, alone on standard output, for the receiver to check signatures with.

    \b
    Examples:
      conda-store webhook add https://ci.example.org/hook --namespace ml --type build.completed --type build.failed
      id=$(conda-store webhook add https://ci.example.org/hook --json | jq .id)
    """
    if environment and not namespace:
        raise click.UsageError("--environment needs --namespace: it is the name within it")
    given = {"url": url, "namespace": namespace, "environment": environment, "description": description}
    body = {name: value for name, value in given.items() if value} | {"types": list(types)}
    with invocation.connect() as connection, about(f"adding a webhook to {url}"):
        webhook = connection.post(PATH, body)
    if is_json:
        click.echo(json.dumps(webhook))
        return
    told = ", ".join(types) or "all events"
    click.echo(f"webhook {field(webhook, 'id', int)} sends {told} of {_place(webhook)}", err=True)
    _show_secret(webhook)


@webhook_group.command("list")
@click.option("--namespace", help="Only those of this namespace.")
@output_option
@click.pass_obj
def list_webhooks(invocation: Invocation, namespace: str | None, output: str) -> None:
    """List your webhooks, and those of places whose settings you may change.

    \b
    Example:
      conda-store webhook list --output json
    """
    with invocation.connect() as connection, about("listing webhooks"):
        rows = list(connection.get_rows(PATH, {"namespace": namespace} if namespace else {}))
    show_rows("Webhooks", _WEBHOOKS, rows if output == "json" else map(_shown, rows), output=output)


@webhook_group.command("show")
@click.argument("webhook_id", metavar="ID", type=WEBHOOK_ID)
@click.option("--json", "is_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def show_webhook(invocation: Invocation, webhook_id: int, *, is_json: bool) -> None:
    """Show a webhook, never its secrets.

    \b
    Example:
      conda-store webhook show 3
    """
    with invocation.connect() as connection, about(f"getting webhook {webhook_id}"):
        webhook = connection.get_data(webhook_path(webhook_id))
    if is_json:
        click.echo(json.dumps(webhook))
        return
    for name, value in _shown(webhook).items():
        if value and name != "secrets":
            click.echo(f"{name.replace('_', ' ')}: {value}")


@webhook_group.command("change")
@click.argument("webhook_id", metavar="ID", type=WEBHOOK_ID)
@click.option("--url", help="Send to this address.")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Of these events; repeatable.")
@click.option("--description", help="What it is for.")
@click.option("--state", type=click.Choice(["active", "paused"]), help="Go on, or hold back what happens.")
@click.pass_obj
def change_webhook(  # noqa: PLR0913  one argument for each option
    invocation: Invocation,
    webhook_id: int,
    url: str | None,
    types: Sequence[str],
    description: str | None,
    state: str | None,
) -> None:
    """Change what is given of a webhook; what waits to be sent again is sent at once.

    \b
    Examples:
      conda-store webhook change 3 --state paused
      conda-store webhook change 3 --type 'build.*' --type artifact.stored
    """
    given = {"url": url, "types": list(types) or None, "description": description, "state": state}
    body = {name: value for name, value in given.items() if value is not None}
    if not body:
        raise click.UsageError("give what is to be changed: --url, --type, --description or --state")
    with invocation.connect() as connection, about(f"changing webhook {webhook_id}"):
        connection.put(webhook_path(webhook_id), body)


@webhook_group.command("rotate")
@click.argument("webhook_id", metavar="ID", type=WEBHOOK_ID)
@click.option(
    "--expire-old-after",
    type=click.IntRange(min=0),
    default=86400,
    show_default=True,
    metavar="SECONDS",
    help="How long the one before it signs along; 0 when it has leaked.",
)
@click.pass_obj
def rotate_secret(invocation: Invocation, webhook_id: int, expire_old_after: int) -> None:
    """Sign with a new secret, and print it.

    It is printed this once, alone on standard output. For a while messages are signed with both, so that the receiver
    can be given the new one without losing any.

    \b
    Examples:
      conda-store webhook rotate 3
      conda-store webhook rotate 3 --expire-old-after 0
    """
    with invocation.connect() as connection, about(f"rotating the secret of webhook {webhook_id}"):
        made = connection.post(f"{webhook_path(webhook_id)}secret/", {"expire_old_after": expire_old_after})
    _show_secret(made)


@webhook_group.command("remove")
@click.argument("webhook_id", metavar="ID", type=WEBHOOK_ID)
@click.pass_obj
def remove_webhook(invocation: Invocation, webhook_id: int) -> None:
    """Remove a webhook, with what waits to be sent.

    \b
    Example:
      conda-store webhook remove 3
    """
    with invocation.connect() as connection, about(f"removing webhook {webhook_id}"):
        connection.delete(webhook_path(webhook_id))


def _show_secret(answer: Any) -> None:
    click.echo("This is its secret, which is not shown again; give it to the receiver now:", err=True)
    click.echo(field(answer, "secret", str))


def _place(webhook: Mapping[str, Any]) -> str:
    names = filter(None, (webhook.get("namespace"), webhook.get("environment")))
    return "/".join(map(str, names)) or "all you may read"


def _shown(webhook: Mapping[str, Any]) -> dict[str, str]:
    """A webhook for people."""
    texts = {name: str(value) for name, value in webhook.items() if value not in (None, [])}
    moments = {
        name: format_moment(texts[name]) for name in ("created_on", "updated_on", "failing_since") if name in texts
    }
    told = {"types": ", ".join(map(str, webhook.get("types") or ["all"])), "place": _place(webhook)}
    hidden = ("namespace", "environment")
    return {name: text for name, text in (texts | moments | told).items() if name not in hidden}
