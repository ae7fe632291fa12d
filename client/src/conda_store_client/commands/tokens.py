"""conda-store token, and the tokens there are."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import click

from conda_store_client.answers import field
from conda_store_client.commands.invocation import Invocation, output_option
from conda_store_client.sizes import format_moment
from conda_store_client.tables import show_rows

_PATH = "/api/v1/token/"
_COLUMNS = {
    "Id": "id",
    "Name": "name",
    "Namespace": "primary_namespace",
    "Created": "created_on",
    "Expires": "expires_on",
    "Last used": "last_used_on",
    "Revoked": "revoked_on",
}

_MOMENT = "_on"


def _read_binding(text: str) -> tuple[str, list[str]]:
    """Return the entity and its roles in ``namespace/name:role1,role2``; raises BadParameter."""
    entity, _, roles = text.rpartition(":")
    names = [role.strip() for role in roles.split(",")]
    if "/" not in entity or not all(names):
        raise click.BadParameter(f"{text!r} is not <namespace>/<name>:<role>,<role>", param_hint="--permission")
    return entity, names


@click.group("token", invoke_without_command=True)
@click.option("--name", help="Name by which you will know it in `token list`.")
@click.option("--namespace", help="Primary namespace of the token.  [default: yours]")
@click.option("--expiration", type=click.IntRange(min=1), metavar="SECONDS", help="Seconds until it expires.")
@click.option(
    "--permission", "permissions", multiple=True, metavar="NAMESPACE/NAME:ROLE,...", help="What it allows; repeatable."
)
@click.pass_context
def token_group(
    ctx: click.Context, *, name: str | None, namespace: str | None, expiration: int | None, permissions: Sequence[str]
) -> None:
    """Print a new token; list or revoke tokens.

    A token allows what you may do, or less, and no longer.

    \b
    Examples:
      conda-store token
      conda-store token --name nightly --expiration 3600 --permission 'ml/*:viewer'
      conda-store token list
    """
    if ctx.invoked_subcommand is None:
        body: dict[str, Any] = {"name": name, "primary_namespace": namespace, "role_bindings": _bindings(permissions)}
        if expiration is not None:
            body["expiration"] = _moment(expiration)
        with ctx.ensure_object(Invocation).connect() as connection:
            answer = connection.post(_PATH, {key: value for key, value in body.items() if value})
        click.echo(field(answer, "token", str), nl=False)


@token_group.command("list")
@click.option("--namespace", help="Primary namespace of the tokens.  [default: yours]")
@output_option
@click.pass_obj
def list_tokens(invocation: Invocation, namespace: str | None, output: str) -> None:
    """List tokens that have not expired.

    What is shown of them is never the tokens themselves.

    \b
    Example:
      conda-store token list --output json
    """
    with invocation.connect() as connection:
        rows = list(connection.get_pages(_PATH, {"primary_namespace": namespace} if namespace else {}))
    show_rows("Tokens", _COLUMNS, rows if output == "json" else map(_shown, rows), output=output)


@token_group.command("revoke")
@click.argument("token_id", metavar="ID")
@click.pass_obj
def revoke_token(invocation: Invocation, token_id: str) -> None:
    """Revoke a token.

    ID is what `conda-store token list` shows.

    \b
    Example:
      conda-store token revoke 5f0c1b7e2f6d4f0f9c3a
    """
    with invocation.connect() as connection:
        connection.delete(f"{_PATH}{quote(token_id, safe='')}/")


def _shown(row: Mapping[str, Any]) -> dict[str, str]:
    """A token for people: moments to the minute, and nothing for what there is not."""
    texts = {key: str(value or "") for key, value in row.items()}
    return {key: format_moment(text) if key.endswith(_MOMENT) else text for key, text in texts.items()}


def _bindings(permissions: Sequence[str]) -> dict[str, list[str]]:
    bindings: dict[str, list[str]] = {}
    for entity, roles in map(_read_binding, permissions):
        bindings.setdefault(entity, []).extend(roles)
    return bindings


def _moment(seconds: int) -> str:
    try:
        return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        raise click.BadParameter(f"{seconds} seconds are too many", param_hint="--expiration") from None
