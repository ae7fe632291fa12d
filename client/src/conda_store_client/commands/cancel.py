"""conda-store cancel."""

import click

from conda_store_client.builds import CANCELED, COMPLETED, find_build
from conda_store_client.commands.invocation import URI_HELP, Invocation
from conda_store_client.errors import RequestRefused
from conda_store_client.uri import find_build_id


@click.command("cancel", epilog=URI_HELP)
@click.argument("uri")
@click.pass_obj
def cancel_build(invocation: Invocation, uri: str) -> None:
    """Stop a build.

    What is still being made of a completed one is stopped, and its environment stays.

    \b
    Examples:
      conda-store cancel 12
      conda-store cancel ml/nightly:12
    """
    with invocation.connect() as connection:
        build_id = find_build_id(connection, uri)
        before = find_build(connection, build_id)
        try:
            connection.put(f"/api/v1/build/{build_id}/cancel/")
        except RequestRefused as refusal:
            raise refusal.told_as(f"Error canceling build {build_id}") from None
    if before.status == COMPLETED:
        click.echo(f"build {build_id} is {COMPLETED}; nothing more is made of it")
    elif before.has_ended:
        click.echo(f"build {build_id} is {before.status} already")
    else:
        click.echo(f"build {build_id} is {CANCELED}")
