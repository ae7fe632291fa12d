"""conda-store list namespace|environment|build."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from conda_store_client.commands.settings import Settings
from conda_store_client.sizes import format_size
from conda_store_client.tables import show_rows

F = TypeVar("F", bound=Callable[..., Any])

_STATUSES = ("QUEUED", "BUILDING", "COMPLETED", "FAILED", "CANCELED")
_ARTIFACTS = ("DIRECTORY", "LOCKFILE", "LOGS", "YAML", "CONDA_PACK", "DOCKER_BLOB", "DOCKER_MANIFEST")
_OUTPUT = click.option(
    "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="How to print them."
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
@_OUTPUT
@click.pass_obj
def list_namespaces(settings: Settings, output: str) -> None:
    """List the namespaces you may see."""
    rows = _read(settings, "/api/v1/namespace/", {})
    show_rows("Namespaces", {"Id": "id", "Name": "name"}, rows, output=output)


@list_group.command("environment")
@_filters
@_OUTPUT
@click.pass_obj
def list_environments(
    settings: Settings, status: str | None, artifact: str | None, packages: Sequence[str], output: str
) -> None:
    """List environments; filters look at their current build."""
    rows = _read(settings, "/api/v1/environment/", {"status": status, "artifact": artifact, "packages": packages})
    show_rows("Environments", {"Id": "id", "Namespace Id": "namespace.id", "Name": "name"}, rows, output=output)


@list_group.command("build")
@_filters
@_OUTPUT
@click.pass_obj
def list_builds(
    settings: Settings, status: str | None, artifact: str | None, packages: Sequence[str], output: str
) -> None:
    """List builds."""
    rows = _read(settings, "/api/v1/build/", {"status": status, "artifact": artifact, "packages": packages})
    sized = [{**row, "size": format_size(row.get("size") or 0)} for row in rows]
    show_rows("Builds", {"Id": "id", "Size": "size", "Status": "status"}, sized, output=output)


def _read(settings: Settings, path: str, filters: dict[str, Any]) -> list[dict[str, Any]]:
    with settings.connect() as connection:
        return list(connection.get_pages(path, {name: value for name, value in filters.items() if value}))
