"""conda-store diff."""

import json
from collections.abc import Iterator
from typing import Any

import click

from conda_store_client.commands.invocation import URI_HELP, Invocation, output_option
from conda_store_client.comparing import Differences, Package, compare
from conda_store_client.tables import show_rows
from conda_store_client.uri import find_build_id

# Not the status of a failure.
_DIFFERENT = 3


@click.command("diff", epilog=URI_HELP)
@click.argument("a")
@click.argument("b")
@output_option
@click.option("--exit-code", "tells_by_status", is_flag=True, help=f"End with status {_DIFFERENT} if they differ.")
@click.pass_context
def show_differences(ctx: click.Context, a: str, b: str, output: str, *, tells_by_status: bool) -> None:
    """Show how the packages of two builds differ.

    Tells what was added, removed or changed from A to B, each a build or an environment (its current build). The exit
    status is 0 whether they differ or not, unless --exit-code is given; 1 means that something went wrong.

    \b
    Examples:
      conda-store diff ml/nightly:12 ml/nightly
      conda-store diff ml/nightly ml/stable --output json
      conda-store diff 12 14 --exit-code || echo they are not the same
    """
    invocation: Invocation = ctx.obj
    with invocation.connect() as connection:
        one, other = find_build_id(connection, a), find_build_id(connection, b)
        found = compare(connection, one, other)
    if output == "json":
        click.echo(json.dumps(_as_json(found)), nl=False)
    else:
        _show_table(found, f"build {one}", f"build {other}")
    ctx.exit(_DIFFERENT if found and tells_by_status else 0)


def _show_table(found: Differences, one: str, other: str) -> None:
    rows = list(_rows(found))
    if rows:
        platforms = {row["platform"] for row in rows}
        columns = {"Change": "change", "Package": "package", one: "before", other: "after"}
        more = {"Platform": "platform"} if len(platforms) > 1 else {}
        show_rows(f"From {one} to {other}", {**columns, **more}, rows)
    counts = f"{len(found.added)} added, {len(found.removed)} removed, {len(found.changed)} changed"
    click.echo(counts if rows else f"{one} and {other} have the same packages")


def _rows(found: Differences) -> Iterator[dict[str, str]]:
    for package in found.added:
        yield _row("added", package, after=package.version)
    for package in found.removed:
        yield _row("removed", package, before=package.version)
    for old, new in found.changed:
        yield _row("changed", new, before=old.told_apart_from(new), after=new.told_apart_from(old))


def _row(change: str, package: Package, *, before: str = "", after: str = "") -> dict[str, str]:
    name = package.name if package.manager == "conda" else f"{package.name} ({package.manager})"
    return {"change": change, "package": name, "before": before, "after": after, "platform": package.platform}


def _as_json(found: Differences) -> dict[str, Any]:
    return {
        "added": list(map(_package_as_json, found.added)),
        "removed": list(map(_package_as_json, found.removed)),
        "changed": [{"from": _package_as_json(old), "to": _package_as_json(new)} for old, new in found.changed],
    }


def _package_as_json(package: Package) -> dict[str, str | None]:
    names = ("name", "version", "build", "channel", "platform", "manager", "sha256")
    return {name: getattr(package, name) or None for name in names}
