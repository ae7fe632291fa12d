"""conda-store logs."""

import click

from conda_store_client.builds import LogReader, find_build
from conda_store_client.commands.invocation import URI_HELP, Invocation
from conda_store_client.following import follow
from conda_store_client.uri import find_build_id


@click.command("logs", epilog=URI_HELP)
@click.argument("uri")
@click.option("--follow", "-f", "is_followed", is_flag=True, help="Go on until the build is over.")
@click.pass_obj
def show_logs(invocation: Invocation, uri: str, *, is_followed: bool) -> None:
    """Print the log of a build.

    \b
    Examples:
      conda-store logs ml/nightly
      conda-store logs 12 --follow
    """
    with invocation.connect() as connection:
        build_id = find_build_id(connection, uri)
        if is_followed:
            for progress in follow(connection, build_id):
                click.echo(progress.log, nl=False)
            return
        find_build(connection, build_id)
        log = LogReader(connection, build_id)
        while text := log.read():
            click.echo(text, nl=False)
