"""conda-store watch."""

from collections.abc import Sequence
from datetime import datetime

import click

from conda_store_client.commands.invocation import Invocation
from conda_store_client.commands.moments import read_moment
from conda_store_client.uri import place_of
from conda_store_client.watching import cursor_before, line_of, watch


@click.command("watch")
@click.argument("place", required=False, metavar="[NAMESPACE[/NAME]]")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Only events of this type; repeatable.")
@click.option("--actor", metavar="NAMESPACE", help="Only what the owner of this namespace did.")
@click.option(
    "--since", callback=read_moment, metavar="WHEN", help="Begin there: 10m, 2h, 7d ago, or 2026-11-27T02:30."
)
@click.option("--cursor", type=click.IntRange(min=0), metavar="ID", help="Begin after the event with this id.")
@click.option("--count", "-n", type=click.IntRange(min=1), metavar="N", help="End after so many events.")
@click.option("--json", "is_json", is_flag=True, help="Print each event as a CloudEvent (JSON), one on a line.")
@click.pass_obj
def watch_events(  # noqa: PLR0913  one argument for each option
    invocation: Invocation,
    place: str | None,
    types: Sequence[str],
    actor: str | None,
    since: datetime | None,
    cursor: int | None,
    count: int | None,
    *,
    is_json: bool,
) -> None:
    """Print what happens to builds and environments, as it happens.

    Shows what you may read: everywhere, in a namespace, or to one environment. Each event is printed once, in order,
    also when the connection breaks or the server is started again; standard error tells of that. Ends by Ctrl-C.

    Types are build.queued, build.started, build.solved, build.completed, build.failed, build.canceled, build.deleted,
    build.artifacts_completed, artifact.stored, artifact.failed, environment.created, environment.deleted,
    environment.current_build_changed, and more: docs/how-to/read-events.md.

    \b
    Examples:
      conda-store watch
      conda-store watch ml/nightly --type build.completed --type build.failed --since 1d
      conda-store watch ml --type build.completed --json -n 1 | jq .data.build_id
    """
    if since and cursor is not None:
        raise click.UsageError("--since and --cursor both say where to begin; give one of them")
    namespace, environment = place_of(place) if place else (None, None)
    given = {"namespace": namespace, "environment": environment, "type": list(types), "actor": actor}
    filters = {name: value for name, value in given.items() if value}
    told = 0
    with invocation.connect() as connection:
        begin = str(cursor) if cursor is not None else cursor_before(connection, filters, since) if since else ""
        for each in watch(connection, filters, begin):
            if each.event is None:
                click.echo(each.remark, err=True)
                continue
            click.echo(each.text if is_json else line_of(each.event))
            told += 1
            if told == count:
                return
