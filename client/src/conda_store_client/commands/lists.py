"""conda-store list namespace|environment|build."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from conda_store_client.commands.invocation import Invocation, output_option
from conda_store_client.sizes import format_size
from conda_store_client.tables import show_rows

F = TypeVar("F", bound=Callable[..., Any])

_STATUSES = ("QUEUED", "BUILDING", "COMPLETED", "FAILED", "CANCELED")
_ARTIFACTS = (
    "DIRECTORY",
    "LOCKFILE",
    "LOGS",
    "YAML",
    "CONDA_PACK",
    "CONSTRUCTOR_INSTALLER",
    "DOCKER_BLOB",
    "DOCKER_MANIFEST",
)


def _filters(command: F) -> F:
    """The options that environments and builds are filtered by; environments by their current build."""
    options = (
        click.option("--status", type=click.Choice(_STATUSES), help="Only those with this status."),
        click.option("--artifact", type=click.Choice(_ARTIFACTS), help="Only those that have this artifact."),
        click.option("--package", "packages", multiple=True, help="Only those that have this package; repeatable."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group("list")
def list_group() -> None:
    """List namespaces, environments or builds.

    \b
    Examples:
      conda-store list environment --status COMPLETED --package numpy
      conda-store list build --output json
    """


@list_group.command("namespace")
@output_option
@click.pass_obj
def list_namespaces(invocation: Invocation, output: str) -> None:
    """List the namespaces you may see.

    \b
    Example:
      conda-store list namespace
    """
    rows = _read(invocation, "/api/v1/namespace/", {})
    show_rows("Namespaces", {"Id": "id", "Name": "name"}, rows, output=output)


@list_group.command("environment")
@_filters
@output_option
@click.pass_obj
def list_environments(
    invocation: Invocation, status: str | None, artifact: str | None, packages: Sequence[str], output: str
) -> None:
    """List environments.

    Filters look at their current build.

    \b
    Example:
      conda-store list environment --package numpy --status COMPLETED
    """
    rows = _read(invocation, "/api/v1/environment/", {"status": status, "artifact": artifact, "packages": packages})
    show_rows("Environments", {"Id": "id", "Namespace Id": "namespace.id", "Name": "name"}, rows, output=output)


@list_group.command("build")
@_filters
@output_option
@click.pass_obj
def list_builds(
    invocation: Invocation, status: str | None, artifact: str | None, packages: Sequence[str], output: str
) -> None:
    """List builds.

    \b
    Examples:
      conda-store list build --status FAILED
      conda-store list build --artifact CONDA_PACK --output json
    """
    rows = _read(invocation, "/api/v1/build/", {"status": status, "artifact": artifact, "packages": packages})
    sized = [{**row, "size": format_size(row.get("size") or 0)} for row in rows]
    show_rows("Builds", {"Id": "id", "Size": "size", "Status": "status"}, sized, output=output)


def _read(invocation: Invocation, path: str, filters: dict[str, Any]) -> list[dict[str, Any]]:
    with invocation.connect() as connection:
        return list(connection.get_pages(path, {name: value for name, value in filters.items() if value}))
