"""conda-store run."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from conda_store_client import activation
from conda_store_client.builds import Build, find_build
from conda_store_client.commands.invocation import URI_HELP, Invocation
from conda_store_client.connection import Connection
from conda_store_client.errors import ClientError
from conda_store_client.unpacked import cached_prefix, unpack_build
from conda_store_client.uri import find_build_id
from conda_store_client.waiting import require_success

_ARTIFACTS = ("yaml", "lockfile", "archive")


class RunCommand(click.Command):
    """Reads its own options before and after the URI; what begins with the next argument is the user's command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the user's command apart from our own options."""
        end = _end_of_own(args)
        own, command = args[:end], args[end:]
        return super().parse_args(ctx, [*own, "--", *(command[1:] if command[:1] == ["--"] else command)])


def _end_of_own(arguments: Sequence[str]) -> int:
    """Where the user's command begins: at ``--``, or at the second argument that is no option of ours."""
    has_uri = takes_value = False
    for place, argument in enumerate(arguments):
        if takes_value:
            takes_value = False
        elif argument == "--" or (has_uri and not argument.startswith("-")):
            return place
        elif argument.startswith("-"):
            takes_value = argument == "--artifact"
        else:
            has_uri = True
    return len(arguments)


@click.command("run", cls=RunCommand, epilog=URI_HELP)
@click.argument("uri")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--artifact",
    type=click.Choice(_ARTIFACTS, case_sensitive=False),
    default="archive",
    show_default=True,
    help="What to run from; only archive is supported.",
)
@click.option("--no-cache", is_flag=True, help="Unpack anew, and remove it afterwards.")
@click.pass_context
def run_build(ctx: click.Context, uri: str, command: Sequence[str], artifact: str, *, no_cache: bool) -> None:
    """Run COMMAND in a build's environment.

    COMMAND (default: python) runs on this machine. The archive is downloaded and unpacked once, to
    <tmp>/conda-store/<build-id>. The exit status is COMMAND's.

    \b
    Examples:
      conda-store run ml/nightly -- python -c 'import numpy; print(numpy.__version__)'
      conda-store run 12 jupyter lab

    A script is run in an environment when it begins with these lines:

    \b
      #!/usr/bin/env conda-store
      #! conda-store run ml/nightly -- python
    """
    if artifact != "archive":
        raise ClientError(f"Running build artifact {artifact} not supported")
    invocation: Invocation = ctx.obj
    with invocation.connect() as connection:
        build = find_build(connection, find_build_id(connection, uri))
        require_success(build)
        if no_cache:
            ctx.exit(_run_once(connection, build, command))
        prefix = cached_prefix(connection, build, Path(tempfile.gettempdir()))
    activation.become(prefix, build.environment, command, os.environ)


def _run_once(connection: Connection, build: Build, command: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="conda-store-", ignore_cleanup_errors=True) as directory:
        prefix = Path(directory, str(build.id))
        unpack_build(connection, build, prefix)
        return activation.run(prefix, build.environment, command, os.environ)
