"""conda-store token."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from conda_store_client.answers import field
from conda_store_client.commands.settings import Settings


def _read_binding(text: str) -> tuple[str, list[str]]:
    """Return the entity and its roles in ``namespace/name:role1,role2``; raises BadParameter."""
    entity, _, roles = text.rpartition(":")
    names = [role.strip() for role in roles.split(",")]
    if "/" not in entity or not all(names):
        raise click.BadParameter(f"{text!r} is not <namespace>/<name>:<role>,<role>", param_hint="--permission")
    return entity, names


@click.command("token")
@click.option("--namespace", help="Primary namespace of the token.  [default: yours]")
@click.option("--expiration", type=click.IntRange(min=1), metavar="SECONDS", help="Seconds until it expires.")
@click.option(
    "--permission", "permissions", multiple=True, metavar="NAMESPACE/NAME:ROLE,...", help="What it allows; repeatable."
)
@click.pass_obj
def create_token(settings: Settings, namespace: str | None, expiration: int | None, permissions: Sequence[str]) -> None:
    """Print a new token, which allows what you may do or less.

    \b
    Examples:
      conda-store --auth basic token
      conda-store --auth token token --expiration 3600 --permission 'ml/*:viewer'
    """
    body: dict[str, Any] = {"primary_namespace": namespace, "role_bindings": _bindings(permissions)}
    if expiration is not None:
        body["expiration"] = _moment(expiration)
    with settings.connect() as connection:
        answer = connection.post("/api/v1/token/", {name: value for name, value in body.items() if value})
    click.echo(field(answer, "token", str), nl=False)


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
