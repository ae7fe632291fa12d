"""conda-store solve."""

from collections.abc import Sequence
from typing import Any

import click

from conda_store_client.answers import field
from conda_store_client.commands.invocation import Invocation, output_option
from conda_store_client.sizes import format_size
from conda_store_client.solving import read_requirements, solve
from conda_store_client.submitting import read_text, told
from conda_store_client.tables import show_rows

_COLUMNS = {"Name": "name", "Version": "version", "Channel": "channel.name", "Size": "size"}


@click.command("solve")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@output_option
@click.pass_obj
def solve_file(invocation: Invocation, file: str, output: str) -> None:
    """Show what FILE comes to, without building it.

    FILE is an environment.yaml, or - for standard input. The server solves the channels and dependencies of FILE.
    Names, versions, channels and sizes are shown, and what there is to download in all; JSON has everything that is
    known of each package, sizes in bytes.

    \b
    Examples:
      conda-store solve environment.yaml
      conda-store solve environment.yaml --output json
      printf 'dependencies: [python, numpy]' | conda-store solve -
    """
    requirements = read_requirements(read_text(file), told(file))
    with invocation.connect() as connection:
        rows = solve(connection, requirements, told(file))
    if output == "json":
        show_rows("", {}, rows, output=output)
        return
    subdirs = {row.get("subdir") for row in rows} - {"noarch", None}
    columns = {**_COLUMNS, "Platform": "subdir"} if len(subdirs) > 1 else _COLUMNS
    show_rows("Packages", columns, _shown(rows))
    total = sum(max(field(row, "size", int), 0) for row in rows)
    click.echo(f"{len(rows)} packages, {format_size(total)}")


def _shown(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows for people, by name; what a size is unknown for has none."""
    named = sorted(rows, key=lambda row: (field(row, "name", str), str(row.get("subdir"))))
    return [{**row, "size": format_size(row["size"]) if field(row, "size", int) >= 0 else ""} for row in named]
