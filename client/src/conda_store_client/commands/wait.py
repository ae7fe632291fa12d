"""conda-store wait."""

import click

from conda_store_client.commands.invocation import URI_HELP, Invocation
from conda_store_client.uri import find_build_id
from conda_store_client.waiting import WAITED_FOR, wait_for


@click.command("wait", epilog=URI_HELP)
@click.argument("uri")
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=600, show_default=True, metavar="SECONDS", help="How long."
)
@click.option(
    "--interval",
    type=click.FloatRange(min=0),
    default=10,
    show_default=True,
    metavar="SECONDS",
    help="How often to ask, where the server does not tell.",
)
@click.option(
    "--artifact",
    type=click.Choice(list(WAITED_FOR), case_sensitive=False),
    default="build",
    show_default=True,
    help="What to wait for: the environment itself, or something made of it.",
)
@click.pass_obj
def wait_for_build(invocation: Invocation, uri: str, timeout: float, interval: float, artifact: str) -> None:
    """Wait until a build or artifact is there.

    Prints nothing. The exit status is 1 when it failed, was canceled, or took too long.

    \b
    Examples:
      conda-store wait 12
      conda-store wait ml/nightly:12 --artifact archive --timeout 60 --interval 1
    """
    with invocation.connect() as connection:
        wait_for(connection, find_build_id(connection, uri), artifact, timeout=timeout, interval=interval)
