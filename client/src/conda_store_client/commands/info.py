"""conda-store info."""

import click

from conda_store_client.answers import field
from conda_store_client.commands.invocation import Invocation
from conda_store_client.tables import show_rows


@click.command("info")
@click.pass_obj
def show_info(invocation: Invocation) -> None:
    """Show who you are to the server, and what you may do.

    \b
    Example:
      conda-store info
    """
    with invocation.connect() as connection:
        permissions = connection.get_data("/api/v1/permission/")
    click.echo(f"Default namespace is {field(permissions, 'primary_namespace', str)}")
    click.echo(f"Authenticated {field(permissions, 'authenticated', bool)}")
    allowed = field(permissions, "entity_permissions", dict)
    rows = [_row(entity, field(allowed, entity, list)) for entity in allowed]
    show_rows("Permissions", {"Namespace": "namespace", "Name": "name", "Permissions": "permissions"}, rows)


def _row(entity: str, granted: list[object]) -> dict[str, str]:
    namespace, _, name = entity.partition("/")
    return {"namespace": namespace, "name": name, "permissions": " ".join(map(str, granted))}
